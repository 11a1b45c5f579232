/** Which numbers a parameter takes. */
export interface Range {
  readonly whole: boolean;
  /** The least of them. */
  readonly least?: number;
  /** All are above this. */
  readonly above?: number;
  /** The greatest of them. */
  readonly most?: number;
  /** All are below this. */
  readonly below?: number;
}

/** Whether a number is one of a range; none that is not finite, or whole but not exact. */
export function inRange({ whole, least, above, most, below }: Range, value: number): boolean {
  return (
    (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
    (least === undefined || value >= least) &&
    (above === undefined || value > above) &&
    (most === undefined || value <= most) &&
    (below === undefined || value < below)
  );
}

/** A range in words: `a whole number from 0 to 12`, `a number above 0 and at most 1`. */
export function rangeText({ whole, least, above, most, below }: Range): string {
  const bounds = [
    least !== undefined && (most === undefined ? `from ${least}` : `from ${least} to ${most}`),
    above !== undefined && `above ${above}`,
    most !== undefined && least === undefined && `at most ${most}`,
    below !== undefined && `below ${below}`,
  ].filter((bound) => bound !== false);
  return `${whole ? "a whole number" : "a number"} ${bounds.join(" and ")}`.trim();
}
