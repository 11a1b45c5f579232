import { type Engine, InputError, type Shaped } from "@resolvent/tensor";
import {
  type Dtype,
  encodeNumbers,
  type ReadOptions,
  safetensorsChunks,
  type TensorToWrite,
} from "@resolvent/weights";
import type { Dictionary, Normalization } from "./dictionary.ts";
import { type DictionarySite, siteText } from "./site.ts";

export interface SaveDictionaryOptions extends ReadOptions {
  /** How the numbers are stored; default `F32`. */
  readonly dtype?: Extract<Dtype, "F64" | "F32" | "F16" | "BF16">;
}

/** Where a file's bytes go, piece by piece: `writePieces` of `@resolvent/weights/node`, or memory. */
export type WriteFile = (file: string, pieces: AsyncIterable<Uint8Array>) => Promise<void>;

const DTYPES = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" } as const;

/** A dictionary in the form that SAELens knows: what it has no field for is folded into the weights. */
interface Saved {
  readonly architecture: string;
  readonly subtracts: boolean;
  readonly normalization: Exclude<Normalization["kind"], "expected_average_only_in">;
  readonly k?: number;
  readonly rescales: boolean;
  readonly tensors: readonly SavedTensor[];
}

interface SavedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  numbers(): Promise<ArrayLike<number>>;
}

/**
 * Writes a dictionary as SAELens 6 reads it: `cfg.json` and `sae_weights.safetensors`. Factors that it has no field for
 * (of the input, of fine-tuning, norms of a decoder that is not topk's, a bias that a transcoder takes from its input)
 * are folded into the weights: activations and outputs are the same. One tensor is held at a time.
 *
 * ```ts
 * await saveDictionary(engine, dictionary, (file, pieces) => writePieces(join(folder, file), pieces));
 * ```
 *
 * @throws InputError `dictionary/not-savable` for what SAELens cannot compute: groupmax, tanh-relu, negative values
 * among the k largest or above a negative threshold, transcoders of topk or gated
 */
export async function saveDictionary<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
  write: WriteFile,
  { dtype = "F32", signal }: SaveDictionaryOptions = {},
): Promise<void> {
  const saved = await savedForm(engine, dictionary);
  const { d_in, d_out, features, transcoder, trainedOn, input, output } = dictionary;
  const config = {
    d_in,
    d_sae: features,
    dtype: DTYPES[dtype],
    device: "cpu",
    apply_b_dec_to_input: saved.subtracts,
    normalize_activations: saved.normalization,
    reshape_activations: input?.site.endsWith(".mixed") === true ? "hook_z" : "none",
    ...(saved.k !== undefined && { k: saved.k, rescale_acts_by_decoder_norm: saved.rescales }),
    ...(transcoder && { d_out }),
    architecture: saved.architecture,
    metadata: {
      sae_lens_version: "6.18.0",
      sae_lens_training_version: null,
      model_name: trainedOn.model ?? null,
      hook_name: hookOf(input) ?? trainedOn.hook ?? null,
      hook_head_index: input?.head ?? null,
      ...(transcoder && {
        hook_name_out: hookOf(output) ?? trainedOn.hookOut ?? null,
        hook_head_index_out: output?.head ?? null,
      }),
      prepend_bos: trainedOn.prependBos ?? null,
      context_size: trainedOn.contextSize ?? null,
      model_from_pretrained_kwargs: { center_writing_weights: dictionary.centred },
      ...(dictionary.positions !== undefined && {
        seqpos_slice: [
          dictionary.positions.start,
          dictionary.positions.stop,
          dictionary.positions.step,
        ],
      }),
    },
  };
  const tensors = saved.tensors.map(
    ({ name, shape, numbers }): TensorToWrite => ({
      name,
      dtype,
      shape,
      bytes: async () => encodeNumbers(await numbers(), dtype, name),
    }),
  );
  await write("cfg.json", once(new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`)));
  await write("sae_weights.safetensors", safetensorsChunks(tensors, { signal }));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function notSavable(name: string, says: string): InputError {
  return new InputError({
    code: "dictionary/not-savable",
    message: `${name}: ${says}, which SAELens does not compute.`,
    remedy: "Keep the folder that it came from.",
    details: { name },
  });
}

/** What SAELens calls a site, where it has a name for it. */
function hookOf(place: DictionarySite | undefined): string | undefined {
  if (place === undefined) return undefined;
  if (place.site === "embed.token") return "hook_embed";
  if (place.site === "embed.position") return "hook_pos_embed";
  const [, layer, part = ""] =
    /^L(\d+)\.(.*)$/.exec(siteText({ site: place.site, form: place.form })) ?? [];
  const hook = HOOKS[part];
  return layer === undefined || hook === undefined ? undefined : `blocks.${layer}.${hook}`;
}

const HOOKS: Readonly<Record<string, string>> = {
  "attn.read": "hook_resid_pre",
  "mlp.read": "hook_resid_mid",
  "mlp.after": "hook_resid_post",
  "attn.write": "hook_attn_out",
  "mlp.write": "hook_mlp_out",
  "mlp.out": "mlp.hook_out",
  "attn.mixed": "attn.hook_z",
  "attn.normalized": "ln1.hook_normalized",
  "mlp.normalized": "ln2.hook_normalized",
  "mlp.normed": "mlp.hook_in",
};

async function savedForm<T extends Shaped>(
  engine: Engine<T>,
  dictionary: Dictionary<T>,
): Promise<Saved> {
  const { name, features, d_in, d_out, activation, normalization, transcoder } = dictionary;
  /** A weight's numbers in the order of some axes, each multiplied by what belongs to its place along one of them. */
  const read = async (weight: T, axes: readonly string[]): Promise<Float64Array> => {
    const arranged = engine.scope(() => engine.arrange(weight, axes));
    try {
      return Float64Array.from((await engine.read(arranged)).data);
    } finally {
      if (arranged !== weight) engine.free(arranged);
    }
  };
  const vector = async (weight: T | undefined): Promise<Float64Array | undefined> =>
    weight && (await read(weight, Object.keys(weight.shape)));
  const factor = normalization.kind === "expected_average_only_in" ? normalization.factor : 1;
  const norms = await vector(dictionary.norms);
  const scale = await vector(dictionary.scale);
  const isTopK = activation.kind === "topk";
  const folded = isTopK ? undefined : norms; // topk has a flag for it
  const out = transcoder ? 1 : 1 / factor;

  const W_enc = async (): Promise<Float64Array> => {
    const numbers = await read(dictionary.W_enc, ["d_in", "feature"]);
    return numbers.map((value, i) => value * factor * (folded?.[i % features] ?? 1));
  };
  /** What is taken from a transcoder's input is a constant of its pre-activations. */
  const taken = transcoder ? await vector(dictionary.subtracted) : undefined;
  const b_enc = async (bias: T | undefined): Promise<Float64Array> => {
    const numbers = (await vector(bias)) ?? new Float64Array(features);
    if (taken !== undefined) {
      const weights = await read(dictionary.W_enc, ["d_in", "feature"]);
      for (const [i, weight] of weights.entries()) {
        const feature = i % features;
        numbers[feature] =
          (numbers[feature] as number) - weight * (taken[(i - feature) / features] as number); // within
      }
    }
    return numbers.map((value, f) => value * (folded?.[f] ?? 1));
  };
  const W_dec = async (): Promise<Float64Array> => {
    const numbers = await read(dictionary.W_dec, ["feature", "d_out"]);
    return numbers.map((value, i) => {
      const feature = Math.floor(i / d_out);
      return (value * out * (scale?.[feature] ?? 1)) / (folded?.[feature] ?? 1);
    });
  };
  const of =
    (feature: T): SavedTensor["numbers"] =>
    async () =>
      (await vector(feature)) ?? [];
  const own: SavedTensor[] = [
    { name: "W_enc", shape: [d_in, features], numbers: W_enc },
    { name: "W_dec", shape: [features, d_out], numbers: W_dec },
    {
      name: "b_dec",
      shape: [d_out],
      numbers: async () =>
        ((await vector(dictionary.b_dec)) ?? new Float64Array(0)).map((value) => value * out),
    },
  ];
  const { W_skip } = dictionary;
  if (W_skip !== undefined) {
    own.push({
      name: "W_skip",
      shape: [d_out, d_in],
      numbers: async () => await read(W_skip, ["d_out", "d_in"]),
    });
  }
  const biased = {
    name: "b_enc",
    shape: [features],
    numbers: async () => await b_enc(dictionary.b_enc),
  };
  const parts = {
    subtracts: !transcoder && dictionary.subtracted !== undefined,
    normalization: normalization.kind === "expected_average_only_in" ? "none" : normalization.kind,
    rescales: isTopK && norms !== undefined,
  } as const;
  const skip = W_skip === undefined ? "" : "skip_";
  if (W_skip !== undefined && !transcoder)
    throw notSavable(name, "it is no transcoder and has a skip");

  switch (activation.kind) {
    case "relu":
      return {
        ...parts,
        architecture: transcoder ? `${skip}transcoder` : "standard",
        tensors: [...own, biased],
      };
    case "jumprelu": {
      const threshold = (await vector(activation.threshold)) ?? new Float64Array(0);
      if (!activation.rectified && threshold.some((value) => value < 0)) {
        throw notSavable(name, "it keeps negative values above a negative threshold");
      }
      return {
        ...parts,
        architecture: transcoder ? `jumprelu_${skip}transcoder` : "jumprelu",
        tensors: [
          ...own,
          biased,
          { name: "threshold", shape: [features], numbers: async () => threshold },
        ],
      };
    }
    case "topk":
      if (transcoder) throw notSavable(name, "it is a transcoder of topk");
      if (!activation.rectified)
        throw notSavable(name, "it keeps negative values among the k largest");
      return { ...parts, architecture: "topk", k: activation.k, tensors: [...own, biased] };
    case "gated": {
      if (transcoder) throw notSavable(name, "it is a transcoder with gates");
      const { b_gate, b_mag, r_mag } = activation;
      const gates = Object.entries({ b_gate, b_mag, r_mag }).map(([gate, weight]) => ({
        name: gate,
        shape: [features],
        numbers: of(weight),
      }));
      return { ...parts, architecture: "gated", tensors: [...own, ...gates] };
    }
    case "groupmax":
    case "tanh-relu":
      throw notSavable(name, `its activation is ${activation.kind}`);
  }
}
