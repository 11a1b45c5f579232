import type { Role, Shape } from "./shape.ts";
import type { COLOURS } from "./style.ts";
import { UNSURE } from "./svg-node.ts";
import { FONT } from "./text.ts";

type Text = Extract<Shape, { readonly kind: "text" }>;

/** What of a canvas's context is used; `P` is its paths. */
export interface Pen<P> {
  fillStyle: unknown;
  strokeStyle: unknown;
  lineWidth: number;
  globalAlpha: number;
  font: string;
  textAlign: unknown;
  setLineDash(lengths: number[]): void;
  fill(path: P): void;
  stroke(path: P): void;
  fillText(text: string, x: number, y: number): void;
  measureText(text: string): { readonly width: number };
  save(): void;
  restore(): void;
  translate(x: number, y: number): void;
  rotate(angle: number): void;
}

export interface PaintOptions<P> {
  /** A path by its data: `(d) => new Path2D(d)`. */
  readonly path: (d: string) => P;
  /** The colours of the place where it is drawn, as the variables `--rs-*` have them. */
  readonly colours: Readonly<Record<keyof (typeof COLOURS)["light"], string>>;
}

/** The dash of lines that speak against, as in the style of figures. */
const DASH = [6, 3];

/** Draws shapes on a canvas, as they look in SVG: for thousands of them, which elements would be slow with. */
export function paint<P>(
  pen: Pen<P>,
  shapes: readonly Shape[],
  { path, colours }: PaintOptions<P>,
): void {
  for (const shape of shapes) {
    const { role, level = 1 } = shape;
    const colour = colours[nameOf(role)];
    pen.save();
    pen.globalAlpha = level;
    if (shape.kind === "text") {
      pen.fillStyle = colour;
      pen.translate(shape.x, shape.y);
      if (shape.upwards === true) pen.rotate(-Math.PI / 2);
      paintText(pen, shape);
    } else {
      const own = path(dataOf(shape));
      const isLine = shape.kind === "line" || (shape.kind === "path" && shape.filled !== true);
      if (isLine) {
        pen.strokeStyle = colour;
        pen.lineWidth = shape.width ?? 1;
        if (role === "against") pen.setLineDash(DASH);
        pen.stroke(own);
      } else {
        pen.fillStyle = colour;
        pen.fill(own);
        if (role === "empty") {
          pen.strokeStyle = colours.grid;
          pen.lineWidth = 1;
          pen.stroke(own);
        }
      }
    }
    pen.restore();
  }
}

/** A text from where the pen is, its unsure digits grey and italic. */
function paintText<P>(
  pen: Pen<P>,
  { text, unsure = [text.length, text.length], anchor = "start", mono, role, level = 1 }: Text,
): void {
  const family = mono === true ? "ui-monospace,Menlo,Consolas,monospace" : "system-ui,sans-serif";
  const font = `${role === "strong" ? "600 " : ""}${FONT}px ${family}`;
  const [from, to] = unsure;
  const parts = [
    { own: text.slice(0, from), font, level },
    // What is grey stays as it is.
    {
      ...{ own: text.slice(from, to), font: `italic ${font}` },
      level: role === "faint" ? level : UNSURE * level,
    },
    { own: text.slice(to), font, level },
  ]
    .filter(({ own }) => own !== "")
    .map((part) => {
      pen.font = part.font;
      return { ...part, width: pen.measureText(part.own).width };
    });
  const whole = parts.reduce((sum, { width }) => sum + width, 0);
  let x = anchor === "start" ? 0 : anchor === "middle" ? -whole / 2 : -whole;
  pen.textAlign = "start";
  for (const part of parts) {
    pen.font = part.font;
    pen.globalAlpha = part.level;
    pen.fillText(part.own, x, 0);
    x += part.width;
  }
}

/** The colour of a role. */
function nameOf(role: Role): keyof (typeof COLOURS)["light"] {
  if (role === "empty") return "panel";
  return role === "strong" || role === "line" ? "ink" : role;
}

/** A shape as the data of a path. */
function dataOf(shape: Exclude<Shape, { readonly kind: "text" }>): string {
  switch (shape.kind) {
    case "path":
      return shape.d;
    case "line":
      return `M${shape.x1},${shape.y1}L${shape.x2},${shape.y2}`;
    case "rect": {
      const { x, y, width, height } = shape;
      return `M${x},${y}h${width}v${height}h${-width}Z`;
    }
    case "circle": {
      const { x, y, r } = shape;
      return `M${x - r},${y}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0Z`;
    }
  }
}
