import type { Shaped } from "@resolvent/tensor";
import type { AttentionBlock, MlpBlock } from "@resolvent/transformer";
import { decodeNumbers, type ReadOptions } from "@resolvent/weights";
import { checkFinite } from "../finite.ts";
import type { OpenMergeModel } from "../model.ts";
import { refuse } from "../refuse.ts";
import {
  type Bases,
  type BasisChange,
  checkNeurons,
  checkResidual,
  keyBases,
  valueBases,
} from "./basis-change.ts";
import { checkPermutation, identityOf, type Permutation } from "./permutation.ts";
import { permuteBytes } from "./permute.ts";
import { type Placed, type PlacedModel, placed } from "./places.ts";
import { type Products, plainProducts } from "./products.ts";
import { bytesOf, numbersOf } from "./stretch.ts";

/** A norm of what reads the residual stream, in the order of the change. */
interface Norm {
  readonly scale?: Float64Array | undefined;
  readonly bias?: Float64Array | undefined;
}

/** A model and how it is to change, checked. */
export interface Changing {
  readonly model: OpenMergeModel;
  readonly form: PlacedModel;
  readonly permutation: Permutation;
  readonly config: OpenMergeModel["config"];
  /** What the changed model computes with. */
  readonly tensors: readonly Placed[];
  /** What its unembedding is called, where it has been the embedding. */
  readonly headName: string | undefined;
  readonly products: Products;
  /** Absent where the residual stream stays as it is. */
  readonly residual: Residual | undefined;
  readonly layers: readonly LayerChange[];
}

export interface Residual {
  /** Undefined for the identity, which folds norms alone. */
  readonly Q: Float64Array | undefined;
  /** By what reads through them: `L0.attn`, `final`. */
  readonly norms: ReadonlyMap<string, Norm>;
  /** The norms of another model, which take their place. */
  readonly like: ReadonlyMap<string, Norm> | undefined;
  /** Those whose bias goes into the biases behind them. */
  readonly folded: ReadonlySet<string>;
}

interface LayerChange {
  readonly values?: Bases;
  readonly keys?: Bases;
  readonly neurons?: Float64Array;
}

export interface ChangingOptions extends ReadOptions {
  readonly like?: OpenMergeModel;
  /** Default plain loops. */
  readonly products?: Products;
}

/** What reads the residual stream through a norm. */
export const READS: readonly string[] = ["W_Q", "W_K", "W_V", "W_in", "W_gate", "W_U"];

/** Checks a change and reads what of the model it needs. @throws InputError as `changeBasis` does */
export async function changesOf(
  model: OpenMergeModel,
  change: BasisChange,
  { like, products = plainProducts, signal }: ChangingOptions,
): Promise<Changing> {
  const form = placed(model);
  const permutation = change.after ?? identityOf(form.sizes);
  checkPermutation(permutation, form.sizes);
  const own = form.tensors.filter(({ copy }) => !copy);
  if (change.residual !== undefined) await checkResidual(form, change.residual, products);
  const head = change.residual === undefined ? undefined : untied(form);
  const start = { model, form, permutation, products };
  return {
    ...start,
    tensors: [...own, ...(head === undefined ? [] : [head])],
    headName: head && (form.tensors.find(({ copy }) => copy)?.name ?? form.unembedding),
    config: head === undefined ? model.config : { ...model.config, tie_word_embeddings: false },
    residual:
      change.residual === undefined
        ? undefined
        : await residualOf(start, change.residual, like, { signal }),
    layers: await Promise.all(
      form.sizes.layers.map((_, layer) => layerOf(start, change, layer, { signal })),
    ),
  };
}

export type Start = Pick<Changing, "model" | "form" | "permutation" | "products">;

/** The unembedding of a tied model as a tensor of its own: a stored copy, or the embedding. */
function untied({ tensors, unembedding }: PlacedModel): Placed | undefined {
  const embedding = tensors.find(({ holds }) => holds.includes("final.W_U"));
  if (embedding === undefined || embedding.holds.length === 1 || unembedding === undefined)
    return undefined;
  const copy = tensors.find((tensor) => tensor.copy);
  return { ...embedding, ...copy, place: unembedding, holds: ["final.W_U"], copy: false };
}

async function residualOf(
  start: Start,
  Q: Float64Array,
  like: OpenMergeModel | undefined,
  options: ReadOptions,
): Promise<Residual> {
  const norms = await normsOf(start, options);
  const n = start.form.architecture.d_model;
  const paths = new Set(start.form.tensors.flatMap(({ holds }) => holds));
  const folded = [...norms.keys()].filter((owner) =>
    READS.every((role) => !paths.has(`${owner}.${role}`) || paths.has(`${owner}.${biasOf(role)}`)),
  );
  let others: ReadonlyMap<string, Norm> | undefined;
  if (like !== undefined) {
    const form = placed(like);
    const permutation = identityOf(form.sizes);
    others = await normsOf({ ...start, model: like, form, permutation }, options);
    for (const [owner, { scale, bias }] of norms) {
      const other = others.get(owner);
      const same = other?.scale?.length === scale?.length && other?.bias?.length === bias?.length;
      if (!same) throw differs(form.name, start.form.name, owner);
      checkScale(form.name, owner, other?.scale);
    }
  }
  for (const [owner, { scale, bias }] of norms) {
    if (folded.includes(owner) || bias === undefined) continue;
    checkScale(
      start.form.name,
      owner,
      scale?.map((one, i) => (bias[i] === 0 ? 1 : one)),
    );
  }
  const isIdentity = Q.every((one, at) => one === (at % (n + 1) === 0 ? 1 : 0));
  return { Q: isIdentity ? undefined : Q, norms, like: others, folded: new Set(folded) };
}

function biasOf(role: string): string {
  return role.replace(/^W/, "b");
}

/** Scales and biases of the norms that blocks and the unembedding read through. */
async function normsOf(start: Start, options: ReadOptions): Promise<Map<string, Norm>> {
  const norms = new Map<string, Norm>();
  for (const tensor of start.form.tensors) {
    const [owner, what] = tensor.holds[0]?.split(/\.norm\.(?=scale$|bias$)/) ?? [];
    if (owner === undefined || what === undefined) continue;
    const numbers = await permutedNumbers(start, tensor, options);
    norms.set(owner, { ...norms.get(owner), [what]: numbers });
  }
  return norms;
}

async function layerOf(
  { model, form }: Start,
  change: BasisChange,
  layer: number,
  options: ReadOptions,
): Promise<LayerChange> {
  const { values, keys, neurons } = change.layers?.[layer] ?? {};
  const blocks = form.blocks(layer);
  const attn = blocks.find((block): block is AttentionBlock<Shaped> => block.kind === "attn");
  const mlp = blocks.find((block): block is MlpBlock<Shaped> => block.kind === "mlp");
  const normed = async (path: string): Promise<Float64Array | undefined> => {
    const tensor = form.tensors.find(({ holds }) => holds.includes(path));
    return tensor && (await numbersOf(model, tensor, options));
  };
  if (neurons !== undefined && mlp !== undefined) {
    const inMlp = form.tensors.filter(
      (one) => one.layer === layer && one.parts.some(({ kind }) => kind === "mlp"),
    );
    checkNeurons(
      mlp,
      inMlp.every(({ holds }) => holds.length > 0),
      neurons,
    );
  }
  return {
    ...(values !== undefined && attn !== undefined && { values: valueBases(attn, values) }),
    ...(keys !== undefined &&
      attn !== undefined && {
        keys: keyBases(attn, keys, {
          query: await normed(`${attn.name}.queryNorm.scale`),
          key: await normed(`${attn.name}.keyNorm.scale`),
        }),
      }),
    ...(neurons !== undefined && { neurons }),
  };
}

/** A tensor, or a stretch of one, in the order that comes first. @throws InputError what reading throws */
export async function permutedNumbers(
  { model, form, permutation }: Start,
  tensor: Placed,
  options: ReadOptions,
): Promise<Float64Array<ArrayBuffer>> {
  const raw = await bytesOf(model, tensor, options);
  const bytes = permuteBytes(raw, tensor, permutation, form.sizes);
  const where = `${tensor.name} of ${form.name}`;
  const numbers = decodeNumbers({ ...raw, bytes }, "f64", where);
  checkFinite(numbers, where);
  return numbers;
}

function checkScale(model: string, owner: string, scale: Float64Array | undefined): void {
  const at = scale?.indexOf(0) ?? -1;
  if (at === -1) return;
  throw refuse(
    "basis-scale",
    `The norm of ${owner} in ${model} scales coordinate ${at} by 0, and is divided by.`,
    "Align without rotations of the residual stream, or with both models' norms folded.",
    { model, norm: owner, entry: at },
  );
}

function differs(a: string, b: string, owner: string): Error {
  return refuse(
    "align-shapes",
    `The norm of ${owner} is another one in ${a} than in ${b}.`,
    "Align models of one architecture and one size.",
    { a, b, norm: owner },
  );
}
