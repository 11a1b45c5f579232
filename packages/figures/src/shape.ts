/**
 * What a shape means, from which its colour, weight and dash follow:
 *
 * | role | is |
 * |---|---|
 * | `towards`, `against` | a number above, below zero |
 * | `size` | a number that has no sign |
 * | `twin`, `line` | a second number, a running sum |
 * | `series-0` … `series-3` | one of several series |
 * | `ink`, `strong`, `faint` | text |
 * | `axis`, `grid` | lines that numbers are read off |
 * | `empty` | where there is no number |
 */
export type Role =
  | "towards"
  | "against"
  | "size"
  | "twin"
  | "line"
  | `series-${0 | 1 | 2 | 3}`
  | "ink"
  | "strong"
  | "faint"
  | "axis"
  | "grid"
  | "empty";

/** What a shape stands for. */
export interface Refers {
  /** Nodes and positions, so that whoever shows it can link it. */
  readonly node?: string;
  readonly pos?: string;
  /** The cell of the view's column `select`. */
  readonly key?: string;
  /** What it says where it is pointed at, or heard. */
  readonly says?: string;
}

interface ShapeBase extends Refers {
  readonly role: Role;
  /** How much of its colour it has, 0 to 1; default all. */
  readonly level?: number;
}

/** A shape of a drawing, in pixels from its upper left corner. */
export type Shape =
  | (ShapeBase & {
      readonly kind: "rect";
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    })
  | (ShapeBase & {
      readonly kind: "line";
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
      readonly width?: number;
    })
  | (ShapeBase & {
      readonly kind: "path";
      readonly d: string;
      readonly width?: number;
      /** An area, where a sign's path is a line. */
      readonly filled?: boolean;
    })
  | (ShapeBase & {
      readonly kind: "circle";
      readonly x: number;
      readonly y: number;
      readonly r: number;
    })
  | (ShapeBase & {
      readonly kind: "text";
      readonly x: number;
      /** Of its base line. */
      readonly y: number;
      readonly text: string;
      /** Characters of it, from and up to, that are grey: another engine may have other digits. */
      readonly unsure?: readonly [from: number, to: number];
      readonly anchor?: "start" | "middle" | "end";
      /** Turned to run upwards. */
      readonly upwards?: boolean;
      readonly mono?: boolean;
    });

/** A view, laid out. */
export interface Drawing {
  /** At most what was asked for, but where there is no way to draw it so narrow. */
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** The same in words, for those who hear it. */
  readonly alt: string;
  readonly shapes: readonly Shape[];
}
