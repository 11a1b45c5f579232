/** A stretch of the text on its way to the model. */
export interface Piece {
  readonly text: string;
  /**
   * How many of its leading UTF-16 units come from the first character of the whole text: what a Metaspace with
   * `prepend_scheme` "first" asks for.
   */
  readonly first: number;
}

/** Part of a piece. */
export function slicePiece({ text, first }: Piece, start: number, end: number): Piece {
  return { text: text.slice(start, end), first: Math.max(0, Math.min(end, first) - start) };
}

/** A piece with its text changed character by character. */
export function mapPiece({ text, first }: Piece, change: (text: string) => string): Piece {
  return { text: change(text), first: first === 0 ? 0 : change(text.slice(0, first)).length };
}

/** Told of text that a step takes away or cannot express. */
export type Report = (loss: {
  readonly kind: "vanished" | "unknown";
  readonly text: string;
}) => void;
