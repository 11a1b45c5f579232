import type { Ops, Shaped } from "@resolvent/tensor";

/** How near a value of the merge is to the mean of its models' values, and these to each other. */
export interface ActivationLinearity {
  /** Mean over tokens of `cos(m, e)`, `e = (1−α)a + αb`; tokens at which one is zero do not count; null where none does. */
  readonly cosine: number | null;
  /** `‖m − e‖ / ‖m‖` over all tokens; null where the merge's is next to nothing. */
  readonly relativeError: number | null;
  /** Mean over tokens of `cos(a, b)`: a merge of models that agree anyway is near their mean without any linearity. */
  readonly between: number | null;
  /** `‖b − a‖ / ‖a‖` over all tokens; null where the first's is next to nothing. */
  readonly apart: number | null;
}

/** How close a value of the merge comes to the same value of its models. */
export interface Alignment<T> {
  /** `⟨m, m⟩`, `⟨m, e⟩`, `⟨e, e⟩` of the merge and what is expected, `e = (1−α)a + αb`. */
  readonly mm: T;
  readonly me: T;
  readonly ee: T;
  /** `⟨m − e, m − e⟩` */
  readonly off: T;
  /** `⟨a, a⟩`, `⟨a, b⟩`, `⟨b, b⟩` of the two models. */
  readonly aa: T;
  readonly ab: T;
  readonly bb: T;
  /** `⟨b − a, b − a⟩` */
  readonly apart: T;
}

/** Values of the two models and of their merge. */
export interface Three<T> {
  readonly first: T;
  readonly second: T;
  readonly merge: T;
}

/** The inner products over some axes, by which merge, expectation and models are compared. */
export function alignmentOf<T extends Shaped>(
  ops: Ops<T>,
  { first, second, merge }: Three<T>,
  alpha: number,
  over: readonly string[],
): Alignment<T> {
  return ops.scope(() => {
    const expected = ops.add(ops.scale(first, 1 - alpha), ops.scale(second, alpha));
    const off = ops.sub(merge, expected);
    const apart = ops.sub(second, first);
    const dot = (x: T, y: T): T => ops.sum(ops.mul(x, y), over);
    return {
      mm: dot(merge, merge),
      me: dot(merge, expected),
      ee: dot(expected, expected),
      off: dot(off, off),
      aa: dot(first, first),
      ab: dot(first, second),
      bb: dot(second, second),
      apart: dot(apart, apart),
    };
  });
}

/** `⟨x, y⟩ / (‖x‖‖y‖)`; null where one is zero. */
export function cosineOf(xx: number, xy: number, yy: number): number | null {
  return xx === 0 || yy === 0 ? null : xy / (Math.sqrt(xx) * Math.sqrt(yy));
}
