import type { Engine, LinearAlgebra, Shaped } from "@resolvent/tensor";
import type { AttentionBlock } from "@resolvent/transformer";
import type { ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { addAgreement, laid, type Pair } from "./agreement.ts";
import { assignedGain, bestAssignment } from "./assignment.ts";
import { type BasisChange, type LayerBases, partnerOf } from "./basis-change.ts";
import { type Changing, changedNumbers, changesOf } from "./changing.ts";
import { identity, product, type Square, transposed } from "./matrix.ts";
import { type Nearness, nearnessOver } from "./objective.ts";
import { identityOf, type Permutation } from "./permutation.ts";
import { type Placed, placed } from "./places.ts";
import { centredProcrustes, procrustes } from "./procrustes.ts";
import { exactProducts } from "./products.ts";
import { along, partOf, type Slot, slotsOf } from "./slot.ts";
import { numbersOf, stretches } from "./stretch.ts";
import { checkSame } from "./two-models.ts";

/** What is changed at once: the basis of the residual stream, those of a layer's values or keys, or the order of its neurons. */
export interface BasisGroup {
  readonly kind: "residual" | "values" | "keys" | "mlp";
  /** −1 for the residual stream. */
  readonly layer: number;
}

/** How B is turned, and how well it then agrees with A. */
export interface RotationMatching {
  /** B so changed is near A. */
  readonly change: BasisChange;
  /**
   * `Σ_t ⟨A_t, B_t⟩` at the start and after each sweep, where the residual stream is turned of both models with folded norms: so it is
   * not the number that an order of the same models has. It never falls; a local optimum.
   */
  readonly objective: readonly number[];
  /** `‖A − B‖ / ‖A‖` of the same, before and after. */
  readonly distance: readonly [before: number, after: number];
  /** Whether the last sweep gained nothing to speak of, rather than that there were no more sweeps. */
  readonly settled: boolean;
  readonly order: readonly BasisGroup[];
}

export interface RotationOptions<T extends Shaped = Shaped> extends ReadOptions {
  readonly linearAlgebra: LinearAlgebra;
  /** Computes the products, where it is of float64; else plain loops do. */
  readonly engine?: Engine<T>;
  /** The order into which B is brought before, as `matchWeights` finds it; default as it is. That of neurons may change on the way. */
  readonly after?: Permutation;
  /** Whether the residual stream is turned, where the norms allow it; default true. */
  readonly residual?: boolean;
  /** Most sweeps over all groups; default 100. */
  readonly sweeps?: number;
  /** Called before each group of a sweep. */
  readonly onProgress?: (progress: {
    readonly sweep: number;
    readonly done: number;
    readonly total: number;
  }) => void;
}

/** A sweep that gains less, in units of the objective, is the last. */
const SETTLED = 1e-10;

/**
 * The bases of the residual stream and within heads in which a model's weights agree best with another's, by coordinate ascent: with all
 * others as they are, the best orthogonal matrix is that of Procrustes (Schönemann 1966; for heads Zhang et al. 2025, arXiv
 * 2502.00264; for the residual stream Ashkboos et al. 2024, arXiv 2401.15024), and the best rotation of a rotary pair an angle.
 *
 * ```ts
 * const { permutation } = await matchWeights(a, b);
 * const { change, objective } = await matchRotations(a, b, { linearAlgebra, after: permutation });
 * ```
 *
 * @throws InputError `merge/align-shapes`, `merge/align-axis`, `merge/permutation`, `merge/not-finite`, and what reading throws
 */
export async function matchRotations<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: RotationOptions<T>,
): Promise<RotationMatching> {
  const { sweeps = 100, onProgress, signal } = options;
  const turning = await turningOf(a, b, options);
  let now = turning.b;
  const near = [await nearnessIn(turning, now, { signal })];
  let settled = false;
  for (let sweep = 0; sweep < sweeps && !settled; sweep++) {
    for (const [done, group] of turning.order.entries()) {
      onProgress?.({ sweep, done, total: turning.order.length });
      now = await turned(turning, now, group, { signal });
    }
    const before = near.at(-1)?.objective ?? 0;
    near.push(await nearnessIn(turning, now, { signal }));
    const after = near.at(-1)?.objective ?? 0;
    settled = after - before <= SETTLED * Math.abs(after);
  }
  return {
    change: changeOf(now),
    objective: near.map(({ objective }) => objective),
    distance: [near[0]?.distance ?? 0, near.at(-1)?.distance ?? 0],
    settled,
    order: turning.order,
  };
}

/** Two models on the way. */
interface Turning {
  readonly a: Changing;
  /** As it is at the start. */
  readonly b: Changing;
  readonly order: readonly BasisGroup[];
  readonly linear: LinearAlgebra;
  /** Attention blocks by layer, with the scales of B's norms of queries and keys. */
  readonly blocks: ReadonlyMap<number, HeadBlock>;
}

interface HeadBlock {
  readonly block: AttentionBlock<Shaped>;
  readonly scales: readonly Float64Array[];
}

async function turningOf<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: RotationOptions<T>,
): Promise<Turning> {
  const { linearAlgebra: linear, after, signal } = options;
  const form = placed(b);
  const { d_model, d_head, writeNorms } = form.architecture;
  const free = options.residual !== false && writeNorms !== true && d_model > 1;
  const ones = free ? { residual: identity(d_model) } : {};
  const blocks = new Map<number, HeadBlock>();
  for (const layer of form.sizes.layers.keys()) {
    const block = form
      .blocks(layer)
      .find((one): one is AttentionBlock<Shaped> => one.kind === "attn");
    if (block === undefined) continue;
    const paths = [`${block.name}.queryNorm.scale`, `${block.name}.keyNorm.scale`];
    const norms = form.tensors.filter(({ holds }) => paths.includes(holds[0] ?? ""));
    const scales = await Promise.all(norms.map((norm) => numbersOf(b, norm, { signal })));
    blocks.set(layer, { block, scales });
  }
  const heads = d_head > 1 ? [...blocks.keys()] : [];
  const own = { products: exactProducts(options.engine), signal };
  const inA = await changesOf(a, ones, own);
  const inB = await changesOf(b, { ...ones, ...(after !== undefined && { after }) }, own);
  checkSame(inA.form.name, inA.tensors, form.name, inB.tensors);
  return {
    a: inA,
    b: inB,
    order: [
      ...(free ? [{ kind: "residual" as const, layer: -1 }] : []),
      ...form.sizes.layers.flatMap(({ mlp }, layer): BasisGroup[] => [
        ...(heads.includes(layer) ? [{ kind: "values" as const, layer }] : []),
        ...(heads.includes(layer) ? [{ kind: "keys" as const, layer }] : []),
        ...(free && mlp > 1 ? [{ kind: "mlp" as const, layer }] : []),
      ]),
    ],
    linear,
    blocks,
  };
}

/** What has been found, as data. */
function changeOf({ form, residual, layers, permutation }: Changing): BasisChange {
  return {
    after: permutation,
    ...(residual !== undefined && {
      residual: residual.Q ?? identity(form.architecture.d_model),
    }),
    layers: layers.map(
      ({ values, keys }): LayerBases => ({
        ...(values !== undefined && { values: values.matrices }),
        ...(keys !== undefined && { keys: keys.matrices }),
      }),
    ),
  };
}

/** The tensors that both compute with, one after the other; scales that are folded are 1 in both, and left out. */
async function* pairsOf(
  { a }: Turning,
  b: Changing,
  wants: (tensor: Placed) => boolean,
  options: ReadOptions,
): AsyncGenerator<Pair> {
  for (const tensor of b.tensors) {
    const other = a.tensors.find(({ place }) => place === tensor.place);
    const folded = b.residual !== undefined && tensor.holds[0]?.endsWith(".norm.scale") === true;
    if (other === undefined || folded || !wants(tensor)) continue;
    const inA = stretches(other);
    for (const [i, stretch] of stretches(tensor).entries()) {
      options.signal?.throwIfAborted();
      const x = await changedNumbers(a, inA[i] ?? other, options);
      yield { tensor: stretch, a: x, b: await changedNumbers(b, stretch, options) };
    }
  }
}

async function nearnessIn(turning: Turning, b: Changing, options: ReadOptions): Promise<Nearness> {
  const { sizes } = b.form;
  return await nearnessOver(
    pairsOf(turning, b, () => true, options),
    identityOf(sizes),
    sizes,
  );
}

/** B with one group turned towards A. */
async function turned(
  turning: Turning,
  b: Changing,
  { kind, layer }: BasisGroup,
  options: ReadOptions,
): Promise<Changing> {
  if (kind === "residual") return await turnedStream(turning, b, options);
  if (kind === "mlp") return await ordered(turning, b, layer, options);
  const { block, scales } = turning.blocks.get(layer) as HeadBlock; // groups are of these
  const roles = kind === "values" ? ["W_V", "b_V", "W_O"] : ["W_Q", "b_Q", "W_K", "b_K"];
  const n = b.form.architecture.d_head;
  const sums = await headSums(turning, b, { layer, roles }, options);
  const now = b.layers[layer]?.[kind]?.matrices ?? sums.map(() => identity(n));
  const matrices: Square[] = [];
  for (const [kv, one] of sums.entries()) {
    const turn =
      kind === "values"
        ? await procrustes(turning.linear, b.products, one, n)
        : await keyTurn(turning, block, scales, one);
    matrices.push(product(turn, now[kv] as Square, n));
  }
  // What undoes an orthogonal matrix is its transpose, whose transpose it is.
  const bases = { matrices, undoing: matrices };
  return { ...b, layers: b.layers.with(layer, { ...b.layers[layer], [kind]: bases }) };
}

/** B with a layer's neurons in the best order: where the stream has turned, it may be another than before. */
async function ordered(
  turning: Turning,
  b: Changing,
  layer: number,
  options: ReadOptions,
): Promise<Changing> {
  const { sizes } = b.form;
  const n = sizes.layers[layer]?.mlp ?? 0;
  const sums = new Float64Array(n * n);
  const asItIs = { permutation: identityOf(sizes), sizes, products: b.products };
  const wants = (tensor: Placed): boolean =>
    tensor.layer === layer && tensor.parts.some(({ kind }) => kind === "mlp");
  for await (const pair of pairsOf(turning, b, wants, options)) {
    await addAgreement(sums, pair, "mlp", asItIs);
  }
  const order = bestAssignment(sums, n);
  const [best, now] = [order, [...order.keys()]].map((one) => assignedGain(sums, one)) as [
    number,
    number,
  ]; // of two
  if (best <= now + b.products.tolerance * Math.abs(best)) return b;
  const { permutation } = b;
  const old = permutation.mlp[layer] ?? [];
  const mlp = permutation.mlp.with(
    layer,
    order.map((at) => old[at] as number),
  );
  return { ...b, permutation: { ...permutation, mlp } };
}

async function turnedStream(
  turning: Turning,
  b: Changing,
  options: ReadOptions,
): Promise<Changing> {
  const { architecture, sizes } = b.form;
  const { products, residual } = b;
  const n = architecture.d_model;
  const sums = new Float64Array(n * n);
  const asItIs = { permutation: identityOf(sizes), sizes, products };
  const wants = (tensor: Placed): boolean => tensor.parts.some(({ kind }) => kind === "residual");
  for await (const pair of pairsOf(turning, b, wants, options)) {
    await addAgreement(sums, pair, "residual", asItIs);
  }
  const best = architecture.norm === "layer" ? centredProcrustes : procrustes;
  const turn = await best(turning.linear, products, sums, n);
  if (residual === undefined) return b; // the group is there where it is not
  if (residual.Q === undefined) return { ...b, residual: { ...residual, Q: turn } };
  const Q = new Float64Array(n * n);
  const rows = { rows: n, length: n };
  await products.addTo(Q, { data: turn, ...rows }, { data: transposed(residual.Q, n), ...rows });
  return { ...b, residual: { ...residual, Q } };
}

/** By key-value head, `Σ A[i, …] · B[j, …]` over what its values, or its keys and queries, are made by. */
async function headSums(
  turning: Turning,
  b: Changing,
  { layer, roles }: { readonly layer: number; readonly roles: readonly string[] },
  options: ReadOptions,
): Promise<Square[]> {
  const { architecture, sizes } = b.form;
  const n = architecture.d_head;
  const heads = sizes.layers[layer]?.kvHeads ?? 0;
  const sums = Array.from({ length: heads }, () => new Float64Array(n * n));
  const has = ({ role }: Slot): boolean => roles.includes(role);
  const wants = (tensor: Placed): boolean => tensor.layer === layer && slotsOf(tensor).some(has);
  for await (const { tensor, a: x, b: y } of pairsOf(turning, b, wants, options)) {
    for (const slot of slotsOf(tensor).filter(has)) {
      const part = partOf(slot, "d_head");
      if (part === undefined) continue;
      for (const [kv, sum] of sums.entries()) {
        const { own, rest } = along(slot, part, { kv, of: heads });
        const rows = { rows: n, length: rest.length };
        await b.products.addTo(
          sum,
          { data: laid(x, own, rest), ...rows },
          { data: laid(y, own, rest), ...rows },
        );
      }
    }
  }
  return sums;
}

/** The best of what leaves scores as they are: rotations of rotary pairs, and an orthogonal matrix of what does not turn. */
async function keyTurn(
  { linear, b }: Turning,
  block: AttentionBlock<Shaped>,
  scales: readonly Float64Array[],
  sums: Square,
): Promise<Square> {
  const n = b.form.architecture.d_head;
  const out = identity(n);
  const at = (i: number, j: number): number => sums[i * n + j] as number;
  const still: number[] = [];
  for (let i = 0; i < n; i++) {
    const j = partnerOf(block, i);
    if (j === undefined) still.push(i);
    if (j === undefined || j < i || scales.some((scale) => scale[i] !== scale[j])) continue;
    const angle = Math.atan2(at(j, i) - at(i, j), at(i, i) + at(j, j));
    out[i * n + i] = out[j * n + j] = Math.cos(angle);
    out[j * n + i] = Math.sin(angle);
    out[i * n + j] = -Math.sin(angle);
  }
  const equal = scales.every((scale) => still.every((i) => scale[i] === scale[still[0] ?? 0]));
  if (still.length < 2 || !equal) return out;
  const m = still.length;
  const part = Float64Array.from({ length: m * m }, (_, k) =>
    at(still[Math.floor(k / m)] as number, still[k % m] as number),
  );
  const turn = await procrustes(linear, b.products, part, m);
  for (const [k, one] of turn.entries()) {
    out[(still[Math.floor(k / m)] as number) * n + (still[k % m] as number)] = one;
  }
  return out;
}
