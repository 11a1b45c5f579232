import type { Shape } from "./shape.ts";
import { textWidth } from "./text.ts";

/** Straight pieces that stand for a curve. */
const PIECES = 8;

/** An area from its upper left to its lower right, or a straight piece of a line from its start to its end. */
type Span = readonly [x1: number, y1: number, x2: number, y2: number];

/** Points, x and y in turn: the ends of a straight piece, or the four of a cubic curve. */
type Stroke = readonly number[];

/** Finds the shape that is meant by a place in a drawing. */
export interface Near {
  /** The shape with a key at a place, or the nearest to it within reach; the uppermost of those that are as near. */
  at(x: number, y: number, reach?: number): Shape | undefined;
}

/** A shape, and where it may be. */
interface Found {
  readonly shape: Shape;
  readonly box: Span;
  /** Straight pieces of a line, once somebody has pointed near it; null of what is all of its box. */
  pieces: readonly Span[] | null | undefined;
}

/**
 * What is meant by pointing at a place of a drawing, without elements: lines are hit within reach (6 pixels), areas and
 * letters where they are. Made once of all shapes: where each may be. A line is cut into pieces once somebody points near
 * it, so that no place of a large drawing waits for all of its lines.
 */
export function nearOf(shapes: readonly Shape[]): Near {
  const all = shapes.flatMap((shape) => (shape.key === undefined ? [] : foundOf(shape)));
  return {
    at: (x, y, reach = 6) => {
      let [best, away]: [Shape | undefined, number] = [undefined, reach];
      for (const one of all) {
        let own = awayFromBox(one.box, x, y);
        if (own > away) continue;
        if (one.pieces === undefined) one.pieces = strokesOf(one.shape).flatMap(piecesOf);
        if (one.pieces !== null) own = awayFromPieces(one.pieces, x, y);
        if (own <= away) [best, away] = [one.shape, own];
      }
      return best;
    },
  };
}

/** Where a shape may be; nothing of one without any place. */
function foundOf(shape: Shape): Found[] {
  const area = areaOf(shape);
  if (area !== undefined) return [{ shape, box: area, pieces: null }];
  const box = around(strokesOf(shape));
  return box === undefined ? [] : [{ shape, box, pieces: undefined }];
}

/** What a shape covers; undefined of a line. */
function areaOf(shape: Shape): Span | undefined {
  switch (shape.kind) {
    case "rect":
      return [shape.x, shape.y, shape.x + shape.width, shape.y + shape.height];
    case "circle":
      return [shape.x - shape.r, shape.y - shape.r, shape.x + shape.r, shape.y + shape.r];
    case "text": {
      const { x, y, text, anchor = "start", upwards = false, mono = false } = shape;
      const wide = textWidth(text, { mono });
      const before = anchor === "start" ? 0 : anchor === "middle" ? wide / 2 : wide;
      return upwards
        ? [x - 10, y - wide + before, x + 3, y + before]
        : [x - before, y - 10, x - before + wide, y + 3];
    }
    case "path":
      return shape.filled === true ? around(strokesOf(shape).flatMap(piecesOf)) : undefined;
    case "line":
      return undefined;
  }
}

/** The area that points are within, and so the curves between them; undefined of none. */
function around(strokes: readonly Stroke[]): Span | undefined {
  if (strokes.length === 0) return undefined;
  let [x1, y1] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [x2, y2] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const stroke of strokes)
    stroke.forEach((value, i) => {
      if (i % 2 === 0) {
        x1 = Math.min(x1, value);
        x2 = Math.max(x2, value);
      } else {
        y1 = Math.min(y1, value);
        y2 = Math.max(y2, value);
      }
    });
  return [x1, y1, x2, y2];
}

/** How far a place is from an area: 0 inside. */
function awayFromBox([x1, y1, x2, y2]: Span, x: number, y: number): number {
  return Math.hypot(Math.max(x1 - x, 0, x - x2), Math.max(y1 - y, 0, y - y2));
}

/** How far a place is from the nearest of straight pieces. */
function awayFromPieces(pieces: readonly Span[], x: number, y: number): number {
  let away = Number.POSITIVE_INFINITY;
  for (const [x1, y1, x2, y2] of pieces) {
    const [dx, dy] = [x2 - x1, y2 - y1];
    const along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1);
    const t = Math.min(1, Math.max(0, along));
    away = Math.min(away, Math.hypot(x - x1 - t * dx, y - y1 - t * dy));
  }
  return away;
}

/** Commands of a path and their numbers. */
const TOKEN = /[A-Za-z]|-?\d+(?:\.\d+)?(?:e-?\d+)?/g;

/** What a line is drawn by. */
function strokesOf(shape: Shape): readonly Stroke[] {
  if (shape.kind === "line") return [[shape.x1, shape.y1, shape.x2, shape.y2]];
  if (shape.kind !== "path") return [];
  const strokes: Stroke[] = [];
  let [x, y, command] = [0, 0, ""];
  let given: number[] = [];
  const end = (): void => {
    const [endX = x, endY = y] =
      given.length > 1 ? given.slice(-2) : command === "H" ? [given[0], y] : [x, given[0]];
    if (command === "C") strokes.push([x, y, ...given]);
    else if (command !== "" && command !== "M" && command !== "Z") strokes.push([x, y, endX, endY]);
    [x, y, given] = [endX, endY, []];
  };
  for (const token of shape.d.match(TOKEN) ?? []) {
    if (/[A-Za-z]/.test(token[0] ?? "")) {
      end();
      command = token;
    } else given.push(Number(token));
  }
  end();
  return strokes;
}

/** A stroke in straight pieces. */
function piecesOf(stroke: Stroke): Span[] {
  const [x = 0, y = 0, x1 = x, y1 = y, x2 = x1, y2 = y1, x3 = x2, y3 = y2] = stroke;
  if (stroke.length === 4) return [[x, y, x1, y1]];
  const at = (t: number, a: number, b: number, c: number, d: number): number =>
    (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t ** 3 * d;
  return Array.from({ length: PIECES }, (_, i): Span => {
    const [from, to] = [i / PIECES, (i + 1) / PIECES];
    return [
      at(from, x, x1, x2, x3),
      at(from, y, y1, y2, y3),
      at(to, x, x1, x2, x3),
      at(to, y, y1, y2, y3),
    ];
  });
}
