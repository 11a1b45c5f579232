import type { Shape } from "./shape.ts";
import { textWidth } from "./text.ts";

/** Pixels of a square in which pieces of shapes are looked up together. */
const SQUARE = 16;

/** Straight pieces that stand for a curve. */
const PIECES = 8;

/** A straight piece of a line. */
type Piece = readonly [x1: number, y1: number, x2: number, y2: number];

/** Finds the shape that is meant by a place in a drawing. */
export interface Near {
  /** The shape with a key at a place, or the nearest to it within reach; the uppermost of those that are as near. */
  at(x: number, y: number, reach?: number): Shape | undefined;
}

/**
 * What is meant by pointing at a place of a drawing, without elements: lines are hit within reach (6 pixels), areas and
 * letters where they are. Made once of all shapes, it looks at those only that are near.
 */
export function nearOf(shapes: readonly Shape[]): Near {
  interface Own {
    readonly shape: number;
    readonly piece: Piece | null;
  }
  const squares = new Map<number, Own[]>();
  /** Into squares of a row. */
  const put = (own: Own, row: number, [x1, x2]: readonly [number, number]): void => {
    const right = squareOf(Math.max(x1, x2));
    for (let column = squareOf(Math.min(x1, x2)); column <= right; column++) {
      const id = idOf(column, row);
      const here = squares.get(id);
      if (here === undefined) squares.set(id, [own]);
      else here.push(own);
    }
  };
  shapes.forEach((shape, i) => {
    if (shape.key === undefined) return;
    const box = boxOf(shape);
    if (box !== undefined) {
      const [x1, y1, x2, y2] = box;
      const own = { shape: i, piece: null };
      for (let row = squareOf(y1); row <= squareOf(y2); row++) put(own, row, [x1, x2]);
      return;
    }
    for (const piece of piecesOf(shape)) {
      const own = { shape: i, piece };
      const [, y1, , y2] = piece;
      const bottom = squareOf(Math.max(y1, y2));
      for (let row = squareOf(Math.min(y1, y2)); row <= bottom; row++)
        put(own, row, inRow(piece, row));
    }
  });
  return {
    at: (x, y, reach = 6) => {
      let [best, away] = [-1, reach];
      const [row, column] = [squareOf(y), squareOf(x)];
      const around = Math.ceil(reach / SQUARE);
      for (let r = row - around; r <= row + around; r++) {
        for (let c = column - around; c <= column + around; c++) {
          for (const { shape, piece } of squares.get(idOf(c, r)) ?? []) {
            const own = piece === null ? awayFrom(shapes[shape], x, y) : awayFromPiece(piece, x, y);
            if (own > away || (own === away && shape < best)) continue;
            [best, away] = [shape, own];
          }
        }
      }
      return shapes[best];
    },
  };
}

const squareOf = (pixels: number): number => Math.floor(pixels / SQUARE);

/** Drawings are less than a million pixels high or wide. */
const idOf = (column: number, row: number): number => row * 65_536 + column;

/** From where to where a straight piece runs in a row of squares that it passes. */
function inRow([x1, y1, x2, y2]: Piece, row: number): readonly [number, number] {
  if (y1 === y2) return [x1, x2];
  const at = (y: number): number => {
    const along = (y - y1) / (y2 - y1);
    return x1 + (x2 - x1) * Math.min(1, Math.max(0, along));
  };
  return [at(row * SQUARE), at((row + 1) * SQUARE)];
}

/** What a shape covers; undefined of a line. */
function boxOf(shape: Shape): Piece | undefined {
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
    case "path": {
      if (shape.filled !== true) return undefined;
      const points = piecesOf(shape);
      const over = (at: 0 | 1, of: (...numbers: number[]) => number): number =>
        points.reduce((so, piece) => of(so, piece[at], piece[at + 2] ?? so), points[0]?.[at] ?? 0);
      return [over(0, Math.min), over(1, Math.min), over(0, Math.max), over(1, Math.max)];
    }
    case "line":
      return undefined;
  }
}

/** How far a place is from what a shape covers: 0 inside. */
function awayFrom(shape: Shape | undefined, x: number, y: number): number {
  const [x1, y1, x2, y2] = (shape && boxOf(shape)) ?? [0, 0, 0, 0];
  return Math.hypot(Math.max(x1 - x, 0, x - x2), Math.max(y1 - y, 0, y - y2));
}

function awayFromPiece([x1, y1, x2, y2]: Piece, x: number, y: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(x - x1 - t * dx, y - y1 - t * dy);
}

/** The straight pieces of a line; of a path those that stand for its curves. */
function piecesOf(shape: Shape): readonly Piece[] {
  if (shape.kind === "line") return [[shape.x1, shape.y1, shape.x2, shape.y2]];
  if (shape.kind !== "path") return [];
  const pieces: Piece[] = [];
  let [x, y] = [0, 0];
  for (const [, command = "", numbers = ""] of shape.d.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const given = (numbers.match(/-?\d+(?:\.\d+)?(?:e-?\d+)?/g) ?? []).map(Number);
    const ends =
      given.length === 1 ? (command === "H" ? [given[0] ?? x, y] : [x, ...given]) : given;
    const [endX = x, endY = y] = ends.slice(-2);
    if (command === "C") pieces.push(...curve(x, y, given));
    else if (command !== "M" && command !== "Z") pieces.push([x, y, endX, endY]);
    [x, y] = [endX, endY];
  }
  return pieces;
}

/** A cubic curve in pieces. */
function curve(
  x: number,
  y: number,
  [x1 = x, y1 = y, x2 = x, y2 = y, x3 = x, y3 = y]: number[],
): Piece[] {
  const at = (t: number, a: number, b: number, c: number, d: number): number =>
    (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t ** 3 * d;
  return Array.from({ length: PIECES }, (_, i): Piece => {
    const [from, to] = [i / PIECES, (i + 1) / PIECES];
    return [
      at(from, x, x1, x2, x3),
      at(from, y, y1, y2, y3),
      at(to, x, x1, x2, x3),
      at(to, y, y1, y2, y3),
    ];
  });
}
