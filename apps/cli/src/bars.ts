/** The scale of bars: places on both sides of zero, and how many of them a unit takes. */
export interface BarScale {
  readonly left: number;
  readonly right: number;
  readonly unit: number;
}

/**
 * The scale on which bars of numbers take so many places. Numbers of two signs have a zero between them; bars of one
 * sign all begin at the left.
 *
 * @param least the longest bar stands at least for this
 */
export function barScale(
  numbers: readonly number[],
  { width, least = 0 }: { readonly width: number; readonly least?: number },
): BarScale {
  const finite = numbers.filter(Number.isFinite);
  const above = finite.reduce((a, b) => Math.max(a, b), 0);
  const below = -finite.reduce((a, b) => Math.min(a, b), 0);
  if (above === 0 || below === 0) {
    const largest = Math.max(above, below, least);
    return { left: 0, right: width, unit: largest === 0 ? 0 : width / largest };
  }
  const most = Math.max(above, least);
  const room = width - 1; // for the zero
  const left = Math.min(room - 1, Math.max(1, Math.round(room / (1 + most / below))));
  const right = room - left;
  return { left, right, unit: Math.min(left / below, right / most) };
}

/**
 * The bar of a number on a scale, in eighths of a place; what is negative is hollow, and where there are two signs it
 * lies to the left of the zero. All bars of a scale take the same places.
 */
export function bar(number: number, { left, right, unit }: BarScale): string {
  const room = number < 0 && left > 0 ? left : right;
  const eighths = Math.min(room * 8, Math.round(Math.abs(number) * unit * 8)) || 0;
  const hollow = "░".repeat(Math.ceil(eighths / 8));
  if (left === 0 && number < 0) return hollow.padEnd(right);
  const solid =
    "█".repeat(Math.floor(eighths / 8)) +
    (["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8] ?? "");
  if (left === 0) return solid.padEnd(right);
  return number < 0
    ? `${hollow.padStart(left)}│${" ".repeat(right)}`
    : `${" ".repeat(left)}│${solid.padEnd(right)}`;
}
