/** `‖v‖`: the root of the sum of the squares of some numbers. */
export function normOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const x of numbers) sum += x * x;
  return Math.sqrt(sum);
}
