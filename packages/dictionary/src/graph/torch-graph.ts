import { InputError } from "@resolvent/tensor";
import { type ByteSource, decodeNumbers, type ReadOptions } from "@resolvent/weights";
import {
  isTorchTensor,
  openTorch,
  type TorchArchive,
  type TorchValue,
} from "@resolvent/weights/torch";
import type { AttributionGraph } from "./graph.ts";
import { type TokenOptions, type WholeGraph, wholeGraph } from "./whole-graph.ts";

/**
 * All classes that graphs of circuit-tracer name beside tensors. They are read as data, and nothing of them is run: a
 * target of attribution, and the model's config, which is circuit-tracer's own or one of TransformerLens.
 */
const RECORDS: readonly string[] = [
  "circuit_tracer.attribution.targets.LogitTarget",
  "circuit_tracer.utils.tl_nnsight_mapping.UnifiedConfig",
  "transformer_lens.HookedTransformerConfig.HookedTransformerConfig",
  "transformer_lens.config.HookedTransformerConfig.HookedTransformerConfig",
  "transformer_lens.config.hooked_transformer_config.HookedTransformerConfig",
  "transformer_lens.config.TransformerBridgeConfig.TransformerBridgeConfig",
  "transformer_lens.config.transformer_bridge_config.TransformerBridgeConfig",
  // What configs have in their fields.
  ...["float64", "float32", "float16", "bfloat16"].map((dtype) => `torch.${dtype}`),
  "torch.device",
];

export interface TorchGraphOptions extends TokenOptions, ReadOptions {}

/**
 * The whole attribution graph in a file that circuit-tracer saved with `to_pt`, of 2025 and of 2026. The file is read as
 * data: no pickle is run.
 *
 * @throws InputError `dictionary/bad-graph`, `dictionary/too-many`; what `openTorch` throws, such as
 *   `weights/pickle-global` for any class beyond a closed list
 */
export async function readTorchGraph(
  source: ByteSource,
  options: TorchGraphOptions = {},
): Promise<AttributionGraph> {
  const archive = await openTorch(source, { ...options, records: RECORDS });
  const whole = await wholeOf(archive, options);
  return wholeGraph(whole, { name: source.name, ...options });
}

async function wholeOf(archive: TorchArchive, options: ReadOptions): Promise<WholeGraph> {
  const { value, source } = archive;
  const bad = (at: string, expected: string): InputError =>
    new InputError({
      code: "dictionary/bad-graph",
      message: `${source.name}: ${at}: expected ${expected}.`,
      remedy: "A graph is what circuit-tracer saves with to_pt.",
      details: { name: source.name, at, expected },
    });
  if (!isDict(value)) throw bad("the file", "a dict");
  const table = async (key: string, rank: 1 | 2): Promise<WholeGraph["adjacency"]> => {
    const tensor = value.get(key);
    if (!isTorchTensor(tensor)) throw bad(key, "a tensor");
    const { shape, dtype } = tensor;
    const [rows = 0, columns = 1] = shape;
    if (shape.length !== rank) throw bad(key, `${rank} axes, got [${shape.join(", ")}]`);
    const raw = await archive.read(tensor, options);
    // Float32 as it lies in the file: the matrix is most of it.
    const data = decodeNumbers(raw, dtype === "F32" ? "f32" : "f64", key);
    return { rows, columns, data };
  };
  const config = recordState(value.get("cfg"));
  const layers = config?.get("n_layers");
  if (typeof layers !== "number") throw bad("cfg", "a config with n_layers");
  const prompt = value.get("input_string");
  if (typeof prompt !== "string") throw bad("input_string", "a text");
  const scan = value.get("scan_name") ?? value.get("scan");
  return {
    ...{ prompt, layers },
    scan: typeof scan === "string" ? [scan] : Array.isArray(scan) ? scan.map(String) : [],
    tokens: (await table("input_tokens", 1)).data,
    adjacency: await table("adjacency_matrix", 2),
    activeFeatures: await table("active_features", 2),
    selected: (await table("selected_features", 1)).data,
    activations: (await table("activation_values", 1)).data,
    probabilities: (await table("logit_probabilities", 1)).data,
    logits: await logitsOf(),
  };

  /** Since 2026 a list of targets, before it their tokens, under either name. */
  async function logitsOf(): Promise<WholeGraph["logits"]> {
    const targets = value instanceof Map ? value.get("logit_targets") : undefined;
    if (Array.isArray(targets)) {
      return targets.map((target: TorchValue, i) => {
        const [text, id] = argumentsOf(target);
        if (typeof text === "string" && typeof id === "number") return { text, id };
        throw bad(`logit_targets[${i}]`, "a token and its number");
      });
    }
    const key = targets === undefined ? "logit_tokens" : "logit_targets";
    return Array.from((await table(key, 1)).data, (id) => ({ text: "", id }));
  }
}

function isDict(value: TorchValue | undefined): value is ReadonlyMap<TorchValue, TorchValue> {
  return value instanceof Map;
}

/** What a config holds. */
function recordState(
  value: TorchValue | undefined,
): ReadonlyMap<TorchValue, TorchValue> | undefined {
  if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
  return value.kind === "record" && isDict(value.state) ? value.state : undefined;
}

/** What a target is made from: `LogitTarget(token_str, vocab_idx)`, or such a tuple. */
function argumentsOf(value: TorchValue): readonly TorchValue[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null || !("kind" in value)) return [];
  return value.kind === "record" ? value.args : [];
}
