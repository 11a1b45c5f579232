/** Training in plain loops, from the definitions: what the tests of training hold it against. */
export interface NaiveWeights {
  readonly [name: string]: number[][];
}

export interface NaiveLoss {
  readonly kind: "l1" | "topk" | "batchtopk" | "jumprelu" | "gated";
  readonly coefficient?: number;
  readonly k?: number;
  readonly groups?: readonly number[];
  readonly aux?: { readonly weight: number; readonly k: number; readonly dead: readonly number[] };
  readonly bandwidth?: number;
  readonly subtracts: boolean;
  readonly norms?: boolean;
}

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * at(b, i), 0);
const at = (a: readonly number[] | undefined, i: number): number => a?.[i] ?? Number.NaN;
const row = (a: readonly number[][] | undefined, i: number): number[] => a?.[i] ?? [];
const add = (to: number[][] | undefined, i: number, values: readonly number[], by = 1): void => {
  const own = row(to, i);
  values.forEach((value, j) => {
    own[j] = at(own, j) + by * value;
  });
};

/** Loss and gradients. Vectors are matrices of one row. */
export function naiveGradients(
  w: NaiveWeights,
  loss: NaiveLoss,
  x: readonly (readonly number[])[],
  y: readonly (readonly number[])[],
): { loss: number; grad: NaiveWeights } {
  const grad: Record<string, number[][]> = Object.fromEntries(
    Object.entries(w).map(([name, rows]) => [name, rows.map((one) => one.map(() => 0))]),
  );
  const F = w.W_dec?.length ?? 0;
  const n = x.length;
  const [b_dec, b_enc] = [row(w.b_dec, 0), row(w.b_enc, 0)];
  const inputs = x.map((one) => one.map((value, i) => value - (loss.subtracts ? at(b_dec, i) : 0)));
  const features = Array.from({ length: F }, (_, f) => f);
  const product = inputs.map((one) => features.map((f) => dot(one, row(w.W_enc, f))));
  const z = product.map((one) => one.map((value, f) => value + (w.b_enc ? at(b_enc, f) : 0)));
  const theta = row(w.log_threshold, 0).map(Math.exp);
  const norm = (f: number): number => Math.hypot(...row(w.W_dec, f));
  let total = 0;
  const only = (feature: number, g: number): number[] =>
    features.map((f) => (f === feature ? g : 0));
  /** The gradient by a pre-activation goes on into the encoder. */
  const intoEncoder = (r: number, f: number, g: number, bias: string): void => {
    add(grad.W_enc, f, row(inputs as number[][], r), g);
    if (grad[bias]) add(grad[bias], 0, only(f, g));
    if (loss.subtracts) add(grad.b_dec, 0, row(w.W_enc, f), -g);
  };

  /** What is active: pairs of row and feature. */
  const all = z.flatMap((one, r) => one.map((value, f) => ({ r, f, value })));
  const largest = (some: typeof all, k: number): typeof all =>
    [...some].sort((a, b) => b.value - a.value).slice(0, k);
  const chosen = {
    topk: () =>
      x.flatMap((_, r) =>
        largest(
          all.filter((one) => one.r === r),
          loss.k ?? 0,
        ),
      ),
    batchtopk: () => largest(all, (loss.k ?? 0) * n),
    l1: () => all,
    jumprelu: () => all.filter(({ f, value }) => value > at(theta, f)),
    gated: () => all,
  }[loss.kind]();
  const magnitude = (r: number, f: number): number =>
    at(row(product, r), f) * Math.exp(at(row(w.r_mag, 0), f)) + at(row(w.b_mag, 0), f);
  const gate = (r: number, f: number): number => at(row(product, r), f) + at(row(w.b_gate, 0), f);
  const active = chosen
    .map(({ r, f, value }) =>
      loss.kind === "gated"
        ? { r, f, value: gate(r, f) > 0 ? magnitude(r, f) : 0 }
        : { r, f, value },
    )
    .filter(({ value }) => value > 0);

  /** `scale · mean ‖target − (Σ a d + b)‖²` of some pairs; what it adds to the gradients by each a. */
  const reconstruct = (
    pairs: typeof all,
    target: readonly (readonly number[])[],
    scale: number,
    { bias = true, hold = false } = {},
  ): { output: number[][]; byA: number[] } => {
    const output = target.map((_, r) =>
      bias
        ? b_dec.map((b, i) => b + (w.W_skip ? dot(row(w.W_skip, i), row(x as number[][], r)) : 0))
        : row(target as number[][], r).map(() => 0),
    );
    for (const { r, f, value } of pairs) add(output, r, row(w.W_dec, f), value);
    const g = output.map((one, r) =>
      one.map((value, i) => (2 * scale * (value - at(row(target as number[][], r), i))) / n),
    );
    output.forEach((one, r) => {
      one.forEach((value, i) => {
        total += (scale * (at(row(target as number[][], r), i) - value) ** 2) / n;
      });
    });
    for (const [r, one] of g.entries()) {
      if (bias && !hold) add(grad.b_dec, 0, one);
      if (bias && !hold && grad.W_skip)
        for (const [i, value] of one.entries()) add(grad.W_skip, i, row(x as number[][], r), value);
    }
    const byA = pairs.map(({ r, f, value }) => {
      if (!hold) add(grad.W_dec, f, row(g, r), value);
      return dot(row(g, r), row(w.W_dec, f));
    });
    return { output, byA };
  };

  const back = (pairs: typeof all, byA: readonly number[]): void => {
    for (const [i, { r, f }] of pairs.entries()) {
      const g = at(byA, i);
      if (loss.kind !== "gated") {
        intoEncoder(r, f, g, "b_enc");
        continue;
      }
      const scale = Math.exp(at(row(w.r_mag, 0), f));
      const byScale = g * scale * at(row(product, r), f);
      intoEncoder(r, f, g * scale, "none");
      add(grad.b_mag, 0, only(f, g));
      add(grad.r_mag, 0, only(f, byScale));
    }
  };

  let end = 0;
  let output: number[][] = [];
  for (const size of loss.groups ?? [F]) {
    end += size;
    const prefix = active.filter(({ f }) => f < end);
    const made = reconstruct(prefix, y, 1);
    back(prefix, made.byA);
    output = made.output;
    if (loss.kind !== "jumprelu") continue;
    const eps = loss.bandwidth ?? Number.NaN;
    for (const { r, f, value } of all) {
      const th = at(theta, f);
      if (value > th) total += (loss.coefficient ?? 0) / n;
      if (Math.abs((value - th) / eps) >= 0.5) continue;
      const error = output.map((one, i) =>
        one.map((o, j) => (2 * (o - at(row(y as number[][], i), j))) / n),
      );
      const byA = dot(row(error, r), row(w.W_dec, f));
      const g = (-th / eps) * byA - (loss.coefficient ?? 0) / n / eps;
      add(grad.log_threshold, 0, only(f, g * th));
    }
  }
  if (loss.kind === "l1") {
    for (const { r, f, value } of active) {
      const c = (loss.coefficient ?? 0) / n;
      const length = loss.norms === true ? norm(f) : 1;
      total += c * value * length;
      intoEncoder(r, f, c * length, "b_enc");
      if (loss.norms === true) add(grad.W_dec, f, row(w.W_dec, f), (c * value) / length);
    }
  }
  if (loss.kind === "gated") {
    const open = all
      .map(({ r, f }) => ({ r, f, value: gate(r, f) }))
      .filter(({ value }) => value > 0);
    const held = reconstruct(open, y, 1, { hold: true });
    open.forEach(({ r, f, value }, i) => {
      total += ((loss.coefficient ?? 0) * value) / n;
      intoEncoder(r, f, at(held.byA, i) + (loss.coefficient ?? 0) / n, "b_gate");
    });
  }
  if (loss.aux !== undefined && loss.aux.dead.length > 0) {
    const { dead, k, weight } = loss.aux;
    const left = y.map((one, r) => one.map((value, i) => value - at(row(output, r), i)));
    const some = all.filter(({ f }) => dead.includes(f));
    const revived = x
      .flatMap((_, r) =>
        largest(
          some.filter((one) => one.r === r),
          Math.min(k, dead.length),
        ),
      )
      .filter(({ value }) => value > 0);
    back(revived, reconstruct(revived, left, weight, { bias: false }).byA);
  }
  return { loss: total, grad };
}

/** What Adam has of each weight. */
export interface NaiveState {
  readonly weights: NaiveWeights;
  readonly first: NaiveWeights;
  readonly second: NaiveWeights;
}

/** One step of Adam, in the form of the paper; decoder rows at length 1 where `unit` says so. */
export function naiveStep(
  { weights, first, second }: NaiveState,
  grad: NaiveWeights,
  { step, rate, clip, unit }: { step: number; rate: number; clip: number; unit: boolean },
): NaiveState {
  const flat = Object.entries(grad).map(([name, rows]): [string, number[][]] => [
    name,
    rows.map((one, i) => {
      if (!unit || name !== "W_dec") return one;
      const d = row(weights.W_dec, i);
      const along = dot(one, d) / dot(d, d);
      return one.map((g, j) => g - along * at(d, j));
    }),
  ]);
  const norm = Math.hypot(...flat.flatMap(([, rows]) => rows.flat()));
  const shrink = Math.min(1, clip / norm);
  const next: Record<"weights" | "first" | "second", Record<string, number[][]>> = {
    weights: {},
    first: {},
    second: {},
  };
  for (const [name, rows] of flat) {
    const m = rows.map((one, i) =>
      one.map((g, j) => 0.9 * at(row(first[name], i), j) + 0.1 * shrink * g),
    );
    const v = rows.map((one, i) =>
      one.map((g, j) => 0.999 * at(row(second[name], i), j) + 0.001 * (shrink * g) ** 2),
    );
    next.first[name] = m;
    next.second[name] = v;
    next.weights[name] = rows.map((one, i) => {
      const moved = one.map((_, j) => {
        const mean = at(row(m, i), j) / (1 - 0.9 ** step);
        const square = at(row(v, i), j) / (1 - 0.999 ** step);
        return at(row(weights[name], i), j) - (rate * mean) / (Math.sqrt(square) + 1e-8);
      });
      if (!unit || name !== "W_dec") return moved;
      const length = Math.hypot(...moved);
      return moved.map((value) => value / length);
    });
  }
  return next;
}
