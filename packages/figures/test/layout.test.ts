import type { Table, View } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import { layout, listRows, type Shape, svgOf } from "../src/index.ts";
import { tickText } from "../src/reading.ts";
import { powersFor, symlog, ticksFor } from "../src/scale.ts";
import { cut, minuses, textWidth, visible } from "../src/text.ts";
import { unsureIn } from "../src/unsure.ts";

type Of<K extends Shape["kind"]> = Extract<Shape, { kind: K }>;

const HOSTILE = `</script><img src=x onerror="hacked()">\u202e`;

const table: Table = {
  kind: "part",
  title: "Parts",
  columns: [
    { name: "name", kind: "text", refers: "node" },
    { name: "effect", kind: "effect" },
    { name: "sum", kind: "number" },
    { name: "to", kind: "text", refers: "node" },
    { name: "from", kind: "count", refers: "pos" },
    { name: "at", kind: "text" },
  ],
  rows: [
    ["embed", 2, 2, "L0.H0", 0, "0 1"],
    ["L0.H0", -1, 1, "final", 1, "1 1"],
  ],
  rest: ["others", 0.5, null, null, null, null],
};

function shapes<K extends Shape["kind"]>(view: View, kind: K, role?: string, width = 400): Of<K>[] {
  return layout(view, [table], { width }).shapes.filter(
    (shape): shape is Of<K> => shape.kind === kind && (role === undefined || shape.role === role),
  );
}

describe("digits that another engine may have otherwise", () => {
  const grey = (text: string, tolerance: number): string | undefined => {
    const span = unsureIn(text, tolerance);
    return span && text.slice(...span);
  };
  test.each<[text: string, tolerance: number, unsure: string | undefined]>([
    ["8.58", 1e-4, undefined],
    ["8.58", 0.01, undefined],
    ["8.58", 0.011, "8"],
    ["−8.58", 0.5, ".58"],
    ["8.58", 2, "8.58"],
    ["−0.00881", 9.6e-5, "1"],
    ["2621", 20, "21"],
    ["1.2e+5", 2e4, ".2"],
    ["−1.2e-7", 1e-6, "−1.2e-7"],
    ["12.3 %", 0.5, ".3"],
    ["<1e-4 %", 1, undefined],
    ["–", 1, undefined],
    ["8.58", 0, undefined],
  ])("%s, right to %s: %s", (text, tolerance, unsure) => {
    expect(grey(text, tolerance)).toBe(unsure);
  });

  test("are told of lists and drawn in bars, by the largest of their column", () => {
    const near: Table = {
      ...{ kind: "part", accuracy: 1e-5 },
      columns: [
        { name: "name", kind: "text" },
        { name: "effect", kind: "effect" },
        { name: "count", kind: "count" },
      ],
      rows: [
        ["a", -40, 100_000_000],
        ["b", 0.01234, 1],
      ],
    };
    const columns = ["name", "effect", "count"];
    const { rows } = listRows({ mark: "list", table: "part", columns }, [near]) ?? {};
    expect(rows?.map(({ cells }) => cells.map(({ unsure }) => unsure))).toEqual([
      [undefined, undefined, undefined],
      [undefined, [5, 6], undefined],
    ]);
    for (const view of [
      { mark: "bars", table: "part", y: "name", x: "effect" },
      { mark: "list", table: "part", columns },
    ] as const) {
      const svg = svgOf(layout(view, [near], { width: 400 }));
      expect(svg.match(/0\.012<tspan [^>]*class="unsure"[^>]*>3<\/tspan>/g)).toHaveLength(1);
      expect(svg.match(/<tspan/g)).toHaveLength(1);
      expect(svgOf(layout(view, [{ ...near, accuracy: 0 }], { width: 400 }))).not.toContain(
        "tspan",
      );
    }
  });
});

describe("bars", () => {
  const view: View = {
    mark: "bars",
    table: "part",
    y: "name",
    x: "effect",
    line: "sum",
    rest: true,
  };
  test("are as long as their numbers, from one zero to either side", () => {
    const [first, other] = shapes(view, "rect", "towards");
    const [against] = shapes(view, "rect", "against");
    if (first === undefined || other === undefined || against === undefined)
      throw new Error("missing");
    expect(first.width / against.width).toBeCloseTo(2, 6);
    expect(first.width / other.width).toBeCloseTo(4, 6);
    expect(against.x + against.width).toBeCloseTo(first.x, 6);
    expect([first.node, first.pos, first.says]).toEqual(["embed L0.H0", "0", "embed: 2.00"]);
  });

  test("the running sum is on their scale", () => {
    const [first] = shapes(view, "rect", "towards");
    const points = shapes(view, "circle", "line");
    expect(points).toHaveLength(2);
    expect(points[0]?.x).toBeCloseTo((first?.x ?? 0) + (first?.width ?? 0), 1);
  });

  test("stay within the width that is asked for", () => {
    for (const width of [320, 700]) {
      const { shapes: all, width: own } = layout(view, [table], { width });
      expect(own).toBe(width);
      for (const shape of all)
        if (shape.kind === "rect") expect(shape.x + shape.width).toBeLessThanOrEqual(width);
    }
  });

  test("columns stand beside them, each under its head, none over another", () => {
    const own = { mark: "bars", table: "part", y: "name", x: "effect" } as const;
    const beside: View = { ...own, before: ["from"], after: ["sum"] };
    const { shapes: all } = layout(beside, [table], { width: 400 });
    const texts = all.filter((shape) => shape.kind === "text");
    const line = (y: number | undefined): string[] =>
      texts.filter((one) => one.y === y).map(({ text }) => text);
    expect(line(texts.find(({ text }) => text === "name")?.y)).toEqual([
      ...["name", "effect", "from", "sum"],
    ]);
    const row = texts.filter(({ y }) => y === texts.find(({ text }) => text === "embed")?.y);
    const spans = row
      .map(({ x, text }): [number, number] => [x - textWidth(text), x])
      .sort(([a], [b]) => a - b);
    expect(row.map(({ text }) => text).sort()).toEqual(["0", "2.00", "2.00", "embed"]);
    for (const [i, [start]] of spans.entries())
      expect(start).toBeGreaterThanOrEqual(spans[i - 1]?.[1] ?? 0);
    const bars = all.filter((shape) => shape.kind === "rect");
    const [, zero] = spans[1] ?? [0, 0];
    for (const { x, width } of bars) {
      expect(x).toBeGreaterThan(zero);
      expect(x + width).toBeLessThan(spans[2]?.[0] ?? 0);
    }
  });

  test("say in words what they show", () => {
    expect(layout(view, [table], { width: 400 }).alt).toBe(
      "3 bars of effect. embed: 2.00; L0.H0: −1.00; others: 0.500.",
    );
  });
});

test("rows of a list that is no drawing: texts, bars by the largest, what they refer to", () => {
  const found = listRows(
    { mark: "list", table: "part", columns: ["name", "effect", "at"], rest: true, select: "name" },
    [{ ...table, shown: 1, footer: [["all", 9]] }],
  );
  expect(found?.heads.map(({ text, kind, bar }) => [text, kind, bar])).toEqual([
    ["name", "words", false],
    ["effect", "number", true],
    ["at", "words", false],
  ]);
  expect(found?.rows).toEqual([
    {
      ...{ node: "embed L0.H0", pos: "0", key: "embed" },
      cells: [
        { text: "embed", bar: null },
        { text: "2.00", bar: 1 },
        { text: "0 1", bar: null },
      ],
    },
  ]);
  expect(found?.more).toBe(1);
  expect(found?.rest?.cells[1]).toEqual({ text: "0.500", bar: 0.25 });
  // Nothing is longer than the longest bar.
  expect(found?.footer[0]?.cells[1]).toEqual({ text: "9.00", bar: null });
  expect(listRows({ mark: "list", table: "none", columns: [] }, [table])).toBeUndefined();
});

test("cells of a grid: colour by sign, strength by size, zero pinned", () => {
  const view: View = { mark: "grid", table: "part", x: "to", y: "name", value: "effect" };
  const cells = shapes(view, "rect").filter(({ says }) => says !== undefined);
  expect(cells.map(({ role, level }) => [role, level])).toEqual([
    ["towards", 0.55],
    ["against", 0.275],
  ]);
  const [a, b] = cells;
  expect(a?.width).toBe(a?.height);
  expect((b?.x ?? 0) - (a?.x ?? 0)).toBeCloseTo(a?.width ?? 0, 6);
  expect((b?.y ?? 0) - (a?.y ?? 0)).toBeCloseTo(a?.width ?? 0, 6);
  const texts = shapes(view, "text").map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining(["−2.00", "2.00", "rows: name, columns: to"]));
});

test("grids by facet, tokens along the axes", () => {
  const view: View = {
    ...{ mark: "grid", table: "part", x: "from", y: "from", value: "effect", facet: "name" },
    axes: {
      x: [
        { key: "0", token: " a" },
        { key: "1", token: "\n" },
      ],
    },
  };
  const texts = shapes(view, "text").map(({ text }) => text);
  expect(texts).toEqual(expect.arrayContaining(["embed", "L0.H0", "␣a", "⏎"]));
});

test("points of curves are where their numbers are, and intervals reach as far", () => {
  const view: View = {
    ...{ mark: "lines", table: "part", x: "from" },
    y: [{ column: "sum", low: "effect", high: "sum" }],
  };
  const [a, b] = shapes(view, "circle");
  const zero = shapes(view, "line", "axis")[0]?.y1 ?? 0;
  expect((zero - (a?.y ?? 0)) / (zero - (b?.y ?? 0))).toBeCloseTo(2, 6);
  const [low] = shapes(view, "line", "series-0").slice(1);
  expect(((low?.y1 ?? 0) - zero) / (zero - (b?.y ?? 0))).toBeCloseTo(1, 6); // from −1 to 1
});

test("curves far from zero have an axis of their own, and it says where it begins", () => {
  const table = (numbers: readonly number[]): Table => ({
    kind: "loss",
    columns: [
      { name: "at", kind: "number" },
      { name: "loss", kind: "number" },
    ],
    rows: numbers.map((number, i) => [i, number]),
  });
  const drawn = (numbers: readonly number[]) => {
    const view: View = { mark: "lines", table: "loss", x: "at", y: [{ column: "loss" }] };
    const { shapes: all } = layout(view, [table(numbers)], { width: 400 });
    const heights = all.flatMap((shape) => (shape.kind === "circle" ? [shape.y] : []));
    const texts = all.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
    const axes = all.filter(({ role }) => role === "axis").length;
    return { spread: Math.max(...heights) - Math.min(...heights), texts, axes };
  };
  for (const sign of [1, -1]) {
    const far = drawn([4.2, 4.31, 4.25].map((number) => sign * number));
    expect(far.spread).toBeGreaterThan(80); // of 180
    expect(far.axes).toBe(0);
    expect(far.texts).toContain(
      sign > 0 ? "This axis begins at 4.2, not at 0." : "This axis begins at −4.35, not at 0.",
    );
  }
  // Numbers as far from each other as from zero, equal ones, and those on both sides have zero.
  for (const numbers of [[1, 2.1], [3, 3], [-1, 1], [0.2]]) {
    const { axes, texts } = drawn(numbers);
    expect(axes).toBe(1);
    expect(texts.join()).not.toContain("not at 0");
  }
});

test("negative numbers have the sign that people read, and quoted tokens their own", () => {
  expect(minuses("-10.8")).toBe("−10.8");
  expect(minuses("-1.2e-4")).toBe("−1.2e-4");
  expect(minuses('by -3 (-2 to 1) of " -5" and L0-1')).toBe('by −3 (−2 to 1) of " -5" and L0-1');
});

test("points of a scatter, named where there is room", () => {
  const view: View = { mark: "scatter", table: "part", x: "effect", y: "sum", label: "name" };
  const [far, near] = shapes(view, "circle");
  expect((far?.x ?? 0) > (near?.x ?? 0)).toBe(true);
  expect(shapes(view, "text").map(({ text }) => text)).toEqual(
    expect.arrayContaining(["embed", "L0.H0", "effect →", "↑ sum"]),
  );
});

test("slopes go from one number to the other", () => {
  const view: View = { mark: "slope", table: "part", label: "name", from: "effect", to: "sum" };
  const [level, rising] = shapes(view, "line");
  expect(level?.y1).toBe(level?.y2);
  expect((rising?.y1 ?? 0) > (rising?.y2 ?? 0)).toBe(true);
});

test("names at the ends of slopes are apart, and all within the drawing", () => {
  const close: Table = {
    kind: "part",
    columns: [
      { name: "name", kind: "text" },
      { name: "from", kind: "number" },
      { name: "to", kind: "number" },
    ],
    rows: [
      ["a", 1, 0],
      ["b", 0.02, 0.01],
      ["c", 0.01, 0.02],
      ["d", 0, 1],
    ],
  };
  const view: View = { mark: "slope", table: "part", label: "name", from: "from", to: "to" };
  const drawing = layout(view, [close], { width: 400 });
  const texts = drawing.shapes.flatMap((shape) => (shape.kind === "text" ? [shape] : []));
  for (const anchor of ["end", undefined]) {
    const heights = texts.filter((text) => text.anchor === anchor).map(({ y }) => y);
    expect(heights).toHaveLength(4);
    for (const [i, y] of heights.toSorted((a, b) => a - b).entries()) {
      expect(y).toBeLessThanOrEqual(drawing.height - 4);
      if (i > 0)
        expect(y - (heights.toSorted((a, b) => a - b)[i - 1] ?? 0)).toBeGreaterThanOrEqual(16);
    }
  }
});

test("a graph has its first layer at the bottom, and edges as wide as the root of their numbers", () => {
  const view: View = {
    ...{ mark: "graph", table: "part", from: "name", to: "to", value: "effect" },
    layers: [["embed"], ["L0.H0"], ["final"]],
  };
  const heights = shapes(view, "rect").map(({ y }) => y);
  expect(heights).toEqual(heights.toSorted((a, b) => b - a));
  const edges = shapes(view, "path");
  expect(edges.map(({ role }) => role)).toEqual(["against", "towards"]);
  expect(edges.map(({ width }) => width)).toEqual([6 * Math.SQRT1_2, 6]);
  expect(edges[1]?.node).toBe("embed L0.H0");
});

test("nodes of a graph stand in their columns where there is room, and in their layers always", () => {
  const view: View = {
    ...{ mark: "graph", table: "part", from: "name", to: "to", value: "effect" },
    layers: [["embed"], ["L0.H0", "L0.H1", "L0.H2"], ["final"]],
    columns: [["embed", "L0.H0"], [], ["L0.H1", "L0.H2", "final"]],
  };
  const middles = new Map(shapes(view, "text").map(({ text, x, y }) => [text, { x, y }]));
  const at = (name: string) => middles.get(name) ?? { x: Number.NaN, y: Number.NaN };
  expect(at("embed").x).toBe(at("L0.H0").x);
  expect(at("L0.H1").x).toBeGreaterThan(at("L0.H0").x);
  expect(at("L0.H2").x).toBeGreaterThan(at("L0.H1").x);
  expect(at("final").x).toBeCloseTo((at("L0.H1").x + at("L0.H2").x) / 2);
  expect(at("L0.H1").y).toBe(at("L0.H0").y);
  const names = ["embed", "L0.H0", "L0.H1", "L0.H2", "final"];
  const narrow = shapes(view, "text", undefined, 90);
  expect(narrow.map(({ text }) => text).sort()).toEqual([...names].sort());
});

test("more nodes than have room for their names are dots, in their layers and columns", () => {
  const columns = [0, 1, 2, 3].map((position) => [
    `t@${position}`,
    ...Array.from({ length: 60 }, (_, i) => `F${i}@${position}`),
  ]);
  const layers = [columns.map(([token = ""]) => token), columns.flatMap((names) => names.slice(1))];
  const view: View = {
    ...{ mark: "graph", table: "part", from: "name", to: "to", value: "effect" },
    ...{ layers, columns },
  };
  const dots = shapes(view, "circle", undefined, 400);
  expect(dots.map(({ node }) => node).sort()).toEqual([...(layers[1] ?? [])].sort());
  // One token a column: there is room for its name.
  expect(shapes(view, "text", undefined, 400).map(({ text }) => text)).toEqual(layers[0]);
  const tokens = shapes(view, "rect", undefined, 400);
  for (const { x, y, node = "" } of dots) {
    const column = Number(node.split("@")[1]);
    expect(x).toBeGreaterThan(100 * column);
    expect(x).toBeLessThan(100 * (column + 1));
    expect(y).toBeLessThan(Math.min(...tokens.map((box) => box.y)));
  }
  expect(new Set(dots.map(({ x, y }) => `${x.toFixed(2)} ${y.toFixed(2)}`)).size).toBe(dots.length);
});

test("routes pass through the blocks and positions that they name", () => {
  const view: View = {
    ...{ mark: "routes", table: "part", nodes: "to", at: "at", width: "effect" },
    axes: {
      x: [
        { key: "0", token: "a" },
        { key: "1", token: "b" },
      ],
      y: [{ key: "L0.attn" }],
    },
  };
  // The second row names `final`, which is no block.
  const [only, more] = shapes(view, "path");
  expect(more).toBeUndefined();
  expect(only?.says).toBe("L0.H0 at 0, 1: 2.00");
  expect(only?.d.match(/C/g)).toHaveLength(2);
});

test("arcs join tokens", () => {
  const view: View = {
    ...{ mark: "arcs", table: "part", from: "from", to: "from", value: "effect" },
    axes: {
      x: [
        { key: "0", token: " a" },
        { key: "1", token: " b" },
      ],
    },
  };
  expect(shapes(view, "path").map(({ says }) => says)).toEqual([
    "␣a to ␣a: 2.00",
    "␣b to ␣b: −1.00",
  ]);
});

test("tokens of passages are shaded on the scale of what they belong to, and keep their text", () => {
  const table: Table = {
    kind: "part",
    columns: [
      { name: "of", kind: "text" },
      { name: "passage", kind: "text" },
      { name: "token", kind: "token" },
      { name: "value", kind: "effect" },
    ],
    rows: [
      ["a", "1", " <b>", 4],
      ["a", "1", "x", 1],
      ["b", "2", "x", 0.5],
      ["b", "2", "y", -0.25],
      ["b", "2", "z", null],
    ],
  };
  const view: View = {
    ...{ mark: "passages", table: "part", passage: "passage", token: "token", value: "value" },
    within: "of",
  };
  const drawing = layout(view, [table], { width: 320 });
  const rects = drawing.shapes.filter(({ kind }) => kind === "rect");
  const full = rects[0]?.level ?? 0;
  expect(full).toBeGreaterThan(0.3);
  expect(rects.map(({ level = 0 }) => level / full)).toEqual([1, 0.25, 1, 0.5, 0]);
  expect(rects.map(({ role }) => role)).toEqual(
    ["towards", "towards", "towards", "against", "towards"], // null has no shade at all
  );
  const svg = svgOf(drawing);
  expect(svg).toContain("␣&lt;b&gt;: 4.00");
  expect(svg).not.toContain("<b>");
  // Where there is no room, they go on in the next line.
  const narrow = layout(view, [table], { width: 40 });
  expect(narrow.height).toBeGreaterThan(drawing.height);
});

test("lists have the table's own rest", () => {
  const view: View = { mark: "list", table: "part", columns: ["name", "effect"], rest: true };
  const texts = shapes(view, "text").map(({ text }) => text);
  expect(texts).toEqual(["name", "effect", "embed", "2.00", "L0.H0", "−1.00", "others", "0.500"]);
});

test("where a list has too little room, no word of it is cut, and a long path takes lines", () => {
  const path = "embed → L0.attn → L0.mlp → L1.attn → L3.mlp";
  const wide: Table = {
    kind: "part",
    columns: [
      { name: "path", kind: "text" },
      ...["contribution", "probability", "recomputed", "another"].map((name) => ({
        ...{ name, kind: "number" as const },
      })),
    ],
    rows: [[path, 1, 2, 3, 4]],
  };
  const view: View = { mark: "list", table: "part", columns: wide.columns.map(({ name }) => name) };
  const { shapes: drawn } = layout(view, [wide], { width: 300 });
  const texts = drawn.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []));
  expect(texts.filter((text) => text.endsWith("…"))).toEqual([]);
  expect(texts).toEqual(expect.arrayContaining(["contribution", "probability"]));
  const lines = texts.filter((text) => /embed|→|L\d/.test(text));
  expect(lines.join(" ")).toBe(path);
});

test("a head of one long word has its room where there is some", () => {
  const one: Table = {
    ...{ kind: "part", columns: [{ name: "neel-induction-2l-long", kind: "text" }] },
    rows: [["a"]],
  };
  const view: View = { mark: "list", table: "part", columns: ["neel-induction-2l-long"] };
  const { shapes: drawn } = layout(view, [one], { width: 600 });
  expect(drawn.flatMap((shape) => (shape.kind === "text" ? [shape.text] : []))).toEqual([
    ...["neel-induction-2l-long", "a"],
  ]);
});

test("what is rounding is 0", () => {
  const tiny: Table = {
    ...table,
    rounding: 1e-6,
    rows: [
      ["a", 1, 1, "b", 0, "0"],
      ["b", 1e-9, 1, "c", 0, "0"],
    ],
  };
  const { alt } = layout({ mark: "bars", table: "part", y: "name", x: "effect" }, [tiny], {
    width: 300,
  });
  expect(alt).toBe("2 bars of effect. a: 1.00; b: 0.");
});

test("hostile names stay text", () => {
  const hostile: Table = {
    ...table,
    title: HOSTILE,
    rows: table.rows.map((row) => [HOSTILE, ...row.slice(1)]),
  };
  for (const mark of ["bars", "list"] as const) {
    const view: View =
      mark === "bars"
        ? { mark, table: "part", y: "name", x: "effect", select: "name" }
        : { mark, table: "part", columns: ["name"] };
    const svg = svgOf(layout(view, [hostile], { width: 500 }), { alone: true });
    expect(/<(?:script|img)|<\/script|onerror="|\u202e/.exec(svg)).toBeNull();
    expect(svg).toContain("&lt;/script&gt;");
    expect(svg).toContain('role="img"');
  }
});

test("numbers of an axis are told apart, and as short as they are", () => {
  const ticks = (most: number, kind: "count" | "number" | "share") =>
    ticksFor(0, most).map((tick) => tickText(tick, { kind }));
  expect(ticks(1.1e6, "count")).toEqual(["0", "500,000", "1,000,000", "1,500,000"]);
  expect(ticks(40_000, "count")).toEqual(["0", "10000", "20000", "30000", "40000"]);
  expect(ticks(1.1e6, "number")).toEqual(["0", "5e+5", "1e+6", "1.5e+6"]);
  expect(ticks(0.001, "number")).toEqual(["0", "2e-4", "4e-4", "6e-4", "8e-4", "0.001"]);
  expect(ticks(0.5, "share")).toEqual(["0 %", "10 %", "20 %", "30 %", "40 %", "50 %"]);
  expect(powersFor(3, 2e11).map((tick) => tickText(tick, { kind: "count" }))).toEqual([
    ...["1", "1000", "1,000,000", "1e+9", "1e+12"],
  ]);
});

test("scales", () => {
  expect(ticksFor(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksFor(-0.3, 2.4)).toEqual([-1, 0, 1, 2, 3]);
  expect(powersFor(0.002, 30)).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
  const scale = symlog(1, [-9, 9], [0, 200]);
  expect([scale(-9), scale(0), scale(9)]).toEqual([0, 100, 200]);
  expect(scale(Math.sqrt(10) - 1)).toBeCloseTo(150, 6);
});

test("text: widths, what is cut, white space to be seen", () => {
  expect(textWidth("mmm")).toBeGreaterThan(textWidth("iii"));
  expect(textWidth("abcd", { mono: true })).toBeCloseTo(4 * 0.62 * 12, 6);
  expect(cut("a long name", 40).endsWith("…")).toBe(true);
  expect(textWidth(cut("a long name", 40))).toBeLessThanOrEqual(40);
  expect(visible(" a\n\tb")).toBe("␣a⏎⇥b");
});

test("a name of a bar takes three lines before it is cut", () => {
  const set = "L0.attn L0.mlp L1.attn L1.mlp L2.attn L3.attn L3.mlp";
  const sets: Table = {
    kind: "part",
    columns: [
      { name: "set", kind: "text" },
      { name: "norm", kind: "number" },
    ],
    rows: [
      [set, 3],
      ["L0.attn", 2],
    ],
  };
  const { shapes: drawn } = layout({ mark: "bars", table: "part", y: "set", x: "norm" }, [sets], {
    width: 356,
  });
  const names = drawn.flatMap((shape) =>
    shape.kind === "text" && shape.text.startsWith("L") ? [shape] : [],
  );
  expect(names.map(({ text }) => text).join(" ")).toBe(`${set} L0.attn`);
  const [y = 0, , , next = 0] = names.map((shape) => shape.y);
  expect(next - y).toBeGreaterThan(3 * 13); // the next bar is below all three
});
