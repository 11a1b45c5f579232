import { describe, expect, test } from "vitest";
import { layout, nearOf, type Pen, paint, type Shape, svgOf } from "../src/index.ts";
import { COLOURS } from "../src/style.ts";
import { examples } from "./examples.ts";

describe("what is meant by a place", () => {
  const line: Shape = {
    kind: "path",
    role: "towards",
    d: "M10,100C10,50 90,50 90,0",
    width: 2,
    key: "curve",
  };
  const box: Shape = {
    kind: "rect",
    role: "empty",
    x: 200,
    y: 10,
    width: 40,
    height: 20,
    key: "box",
  };
  const over: Shape = { ...box, x: 220, key: "over" };
  const near = nearOf([line, box, over, { ...box, x: 400, y: 10 }]);

  test("is the line within reach, the area that it lies in, and the uppermost of two", () => {
    expect(near.at(50, 50)?.key).toBe("curve");
    expect(near.at(50, 55)?.key).toBe("curve");
    expect(near.at(50, 75)).toBeUndefined();
    expect(near.at(205, 15)?.key).toBe("box");
    expect(near.at(230, 15)?.key).toBe("over");
    expect(near.at(500, 500)).toBeUndefined();
    expect(near.at(90, 100)).toBeUndefined();
    expect(near.at(50, 75, 40)?.key).toBe("curve");
  });

  test("is a long line wherever it passes, and nothing beside it", () => {
    for (const [x2, y2] of [
      [1000, 37],
      [-37, 1000],
      [640, 640],
      [0, -500],
      [500, 0],
    ] as const) {
      const long = nearOf([
        { kind: "line", role: "ink", x1: 0, y1: 0, x2, y2, key: "long" } satisfies Shape,
      ]);
      const size = Math.hypot(x2, y2);
      for (let t = 0; t <= 1; t += 0.05) {
        const beside = (away: number) =>
          long.at(t * x2 - (away * y2) / size, t * y2 + (away * x2) / size)?.key;
        expect([beside(0), beside(5.9), beside(-5.9)]).toEqual(["long", "long", "long"]);
        expect([beside(6.1), beside(-6.1)]).toEqual([undefined, undefined]);
      }
    }
  });

  test("is a path piece by piece: along its steps, and from where it was lifted", () => {
    const steps = nearOf([
      {
        kind: "path",
        role: "line",
        d: "M10,10H60L60,50 M1e2,-5C100,40 140,40 140,80Z",
        key: "steps",
      },
    ]);
    const keys = (places: readonly (readonly [number, number])[]) =>
      places.map(([x, y]) => steps.at(x, y)?.key);
    expect(
      keys([
        [35, 12],
        [62, 30],
        [120, 38],
        [102, 0],
      ]),
    ).toEqual(["steps", "steps", "steps", "steps"]);
    // Between what is drawn, and in the corner of its area.
    expect(
      keys([
        [35, 30],
        [80, 25],
        [138, 0],
      ]),
    ).toEqual([undefined, undefined, undefined]);
  });

  test("is found in every drawing: the middle of each box is its own", () => {
    for (const { view, table } of examples) {
      const { shapes } = layout(view, [table], { width: 640 });
      const found = nearOf(shapes);
      for (const shape of shapes) {
        if (shape.kind !== "rect" || shape.key === undefined) continue;
        const at = found.at(shape.x + shape.width / 2, shape.y + shape.height / 2);
        expect(at?.key).toBe(shape.key);
      }
    }
  });
});

test("a painted drawing has the shapes of its SVG, in its order and colours", () => {
  const done: string[] = [];
  const pen: Pen<string> = {
    ...{ fillStyle: "", strokeStyle: "", lineWidth: 0, globalAlpha: 0, font: "", textAlign: "" },
    setLineDash: (lengths) => done.push(`dash ${lengths.join()}`),
    fill: (path) => done.push(`fill ${pen.fillStyle} ${path}`),
    stroke: (path) => done.push(`stroke ${pen.strokeStyle} ${pen.lineWidth} ${path}`),
    fillText: (text, x) => done.push(`text ${pen.fillStyle} ${text}${x === 0 ? "" : ` at ${x}`}`),
    measureText: (text) => ({
      width: pen.font.startsWith("italic") ? 2 * text.length : text.length,
    }),
    save: () => undefined,
    restore: () => undefined,
    translate: () => undefined,
    rotate: () => undefined,
  };
  const example = examples.find(({ name }) => name === "graph");
  if (example === undefined) throw new Error("There is an example.");
  const { view, table } = example;
  const drawing = layout(view, [table], { width: 640 });
  paint(pen, drawing.shapes, { path: (d) => d, colours: COLOURS.light });
  const svg = svgOf(drawing);
  for (const shape of drawing.shapes) {
    if (shape.kind !== "path") continue;
    expect(svg).toContain(`d="${shape.d}"`);
    const colour = shape.role === "against" ? COLOURS.light.against : COLOURS.light.towards;
    expect(done).toContain(`stroke ${colour} ${shape.width} ${shape.d}`);
  }
  const texts = drawing.shapes.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
  expect(done.filter((one) => one.startsWith("text")).length).toBe(texts.length);
  expect(done.filter((one) => one.startsWith("dash")).length).toBe(
    drawing.shapes.filter(({ kind, role }) => kind === "path" && role === "against").length,
  );
  // Digits that another engine may have otherwise are told apart, and end where the text does.
  done.length = 0;
  const text = { kind: "text", role: "ink", x: 9, y: 9, text: "8.58 %", unsure: [3, 4] } as const;
  paint(pen, [{ ...text, anchor: "end" }], { path: (d) => d, colours: COLOURS.light });
  const { ink } = COLOURS.light;
  expect(done).toEqual([`text ${ink} 8.5 at -7`, `text ${ink} 8 at -4`, `text ${ink}  % at -2`]);
});
