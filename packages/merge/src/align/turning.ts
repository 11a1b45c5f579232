import type { Engine, LinearAlgebra, Shaped } from "@resolvent/tensor";
import type { AttentionBlock } from "@resolvent/transformer";
import type { ReadOptions } from "@resolvent/weights";
import type { OpenMergeModel } from "../model.ts";
import { addAgreement, laid, type Pair } from "./agreement.ts";
import { assignedGain, bestAssignment } from "./assignment.ts";
import { changedNumbers } from "./changed-numbers.ts";
import { type Changing, changesOf } from "./changing.ts";
import { type HeadBlock, keyTurn } from "./key-turn.ts";
import { identity, product, type Square, transposed } from "./matrix.ts";
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

export interface TurningOptions<T extends Shaped = Shaped> extends ReadOptions {
  readonly linearAlgebra: LinearAlgebra;
  /** Computes the products, where it is of float64; else plain loops do. */
  readonly engine?: Engine<T>;
  /** The order into which B is brought before, as `matchWeights` finds it; default as it is. That of neurons may change on the way. */
  readonly after?: Permutation;
  /** Whether the residual stream is turned, where the norms allow it; default true. */
  readonly residual?: boolean;
}

/** Two models on the way. */
export interface Turning {
  readonly a: Changing;
  /** As it is at the start. */
  readonly b: Changing;
  readonly order: readonly BasisGroup[];
  readonly linear: LinearAlgebra;
  /** Attention blocks by layer, with the scales of B's norms of queries and keys. */
  readonly blocks: ReadonlyMap<number, HeadBlock>;
}

/** Two models before anything is turned. */
export async function turningOf<T extends Shaped>(
  a: OpenMergeModel,
  b: OpenMergeModel,
  options: TurningOptions<T>,
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

/** The tensors that both compute with, one after the other; scales that are folded are 1 in both, and left out. */
export async function* pairsOf(
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

/** B with one group turned towards A. */
export async function turned(
  turning: Turning,
  b: Changing,
  { kind, layer }: BasisGroup,
  options: ReadOptions,
): Promise<Changing> {
  if (kind === "residual") return await turnedStream(turning, b, options);
  if (kind === "mlp") return await ordered(turning, b, layer, options);
  const head = turning.blocks.get(layer) as HeadBlock; // groups are of these
  const roles = kind === "values" ? ["W_V", "b_V", "W_O"] : ["W_Q", "b_Q", "W_K", "b_K"];
  const n = b.form.architecture.d_head;
  const sums = await headSums(turning, b, { layer, roles }, options);
  const now = b.layers[layer]?.[kind]?.matrices ?? sums.map(() => identity(n));
  const matrices: Square[] = [];
  for (const [kv, one] of sums.entries()) {
    const turn =
      kind === "values"
        ? await procrustes(turning.linear, b.products, one, n)
        : await keyTurn(turning.linear, b.products, head, one);
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
