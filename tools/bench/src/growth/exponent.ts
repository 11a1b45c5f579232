/**
 * The exponent α of the power `y = c · x^α` that fits best: the slope of the line through the logarithms, by least
 * squares. What is no number is left out.
 */
export function exponentOf(xs: readonly number[], ys: readonly number[]): number {
  const points = xs.flatMap((x, i) => {
    const y = ys[i] ?? Number.NaN;
    return y > 0 ? [[Math.log(x), Math.log(y)] as const] : [];
  });
  const mean = (of: readonly number[]): number => of.reduce((sum, n) => sum + n, 0) / of.length;
  const [middleX, middleY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope = points.reduce((sum, [x, y]) => sum + (x - middleX) * (y - middleY), 0);
  return slope / points.reduce((sum, [x]) => sum + (x - middleX) ** 2, 0);
}
