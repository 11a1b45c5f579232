import type { Engine, Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Config, checkedK, configOf, shown } from "../config.ts";
import type { Activation, Dictionary } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed, type Told } from "../options.ts";
import { badConfig } from "../refuse.ts";
import { storedTorch, type Taking, taking } from "../stored.ts";
import { needFile } from "./files.ts";

/** What the classes of dictionary_learning call their tensors, and how they compute. */
interface Class {
  /** Weights of torch's linear layers, `encoder.weight` `[F, d]`; else `W_enc` `[d, F]`. */
  readonly linear: boolean;
  /** The decoder's bias, and whether it is taken from the input. */
  readonly bias: string;
  readonly subtracts: boolean;
  readonly act: "relu" | "gated" | "topk" | "batchtopk" | "jumprelu";
}

const CLASSES: ReadonlyMap<string, Class> = new Map<string, Class>([
  ["AutoEncoder", { linear: true, bias: "bias", subtracts: true, act: "relu" }],
  ["AutoEncoderNew", { linear: true, bias: "decoder.bias", subtracts: false, act: "relu" }],
  ["GatedAutoEncoder", { linear: true, bias: "decoder_bias", subtracts: true, act: "gated" }],
  ["AutoEncoderTopK", { linear: true, bias: "b_dec", subtracts: true, act: "topk" }],
  ["BatchTopKSAE", { linear: true, bias: "b_dec", subtracts: true, act: "batchtopk" }],
  ["MatryoshkaBatchTopKSAE", { linear: false, bias: "b_dec", subtracts: true, act: "batchtopk" }],
  ["JumpReluAutoEncoder", { linear: false, bias: "b_dec", subtracts: false, act: "jumprelu" }],
]);

/** A folder of dictionary_learning: `config.json` and `ae.pt`, whose pickle is read as data. */
export async function loadDictionaryLearning<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const whole = configOf(
    (await readJson(folder, "config.json", options)) ?? {},
    `${folder.name}/config.json`,
  );
  const config = whole.inside("trainer");
  const architecture = config.text("dict_class") ?? "";
  const own = CLASSES.get(architecture);
  if (own === undefined) {
    const known = [...CLASSES.keys()].join(", ");
    throw badConfig(config.name, "dict_class", `is ${shown(architecture)}; known are ${known}.`, {
      got: architecture,
    });
  }
  const d = config.needed("activation_dim");
  const features = config.needed("dict_size");

  const from = taking(
    engine,
    await storedTorch(await needFile(folder, "ae.pt", options), options),
    options,
  );
  const W_enc = own.linear
    ? await from.take("encoder.weight", { feature: features, d_in: d })
    : await from.take("W_enc", { d_in: d, feature: features });
  const W_dec = own.linear
    ? await from.take("decoder.weight", { d_out: d, feature: features })
    : await from.take("W_dec", { feature: features, d_out: d });
  const b_dec = await from.take(own.bias, { d_out: d });
  const bias = own.linear ? "encoder.bias" : "b_enc";
  const b_enc = own.act === "gated" ? undefined : await from.take(bias, { feature: features });
  const activation = await activationOf(engine, config, from, own.act, features);
  if (architecture === "MatryoshkaBatchTopKSAE") await checkGroups(config.name, from, features);
  from.finish();

  const buffer = whole.inside("buffer");
  const transcoder = buffer.text("io") === "in_and_out";
  const model = config.text("lm_name");
  const contextSize = buffer.number("ctx_len");
  return {
    name: folder.name,
    layout: "dictionary_learning",
    architecture,
    features,
    d_in: d,
    d_out: d,
    W_enc,
    ...(b_enc !== undefined && { b_enc }),
    ...(own.subtracts && { subtracted: engine.rename(b_dec, { d_out: "d_in" }) }),
    activation,
    normalization: { kind: "none" },
    W_dec,
    b_dec,
    transcoder,
    ...placed(options, sitesOf(config, transcoder), transcoder),
    trainedOn: {
      ...(model !== undefined && { model }),
      ...(contextSize !== undefined && { contextSize }),
    },
  };
}

async function activationOf<T extends Shaped>(
  engine: Engine<T>,
  config: Config,
  from: Taking<T>,
  act: Class["act"],
  features: number,
): Promise<Activation<T>> {
  const feature = { feature: features };
  switch (act) {
    case "relu":
      return { kind: "relu" };
    case "gated":
      return {
        kind: "gated",
        b_gate: await from.take("gate_bias", feature),
        b_mag: await from.take("mag_bias", feature),
        r_mag: await from.take("r_mag", feature),
      };
    case "jumprelu":
      return {
        kind: "jumprelu",
        threshold: await from.take("threshold", feature),
        rectified: true,
      };
    case "topk": {
      const k = await agreedK(config, from, features);
      if (from.has("threshold")) await from.numbers("threshold", []); // used where one asks for it
      return { kind: "topk", k, rectified: true };
    }
    case "batchtopk": {
      await agreedK(config, from, features);
      const [threshold = Number.NaN] = await from.numbers("threshold", []);
      if (threshold >= 0) {
        return { kind: "jumprelu", threshold: engine.fill(feature, threshold), rectified: true };
      }
      throw badConfig(config.name, "threshold", `is ${threshold}: it was never trained.`, {
        got: threshold,
      });
    }
  }
}

/** `k`, which stands in the config and among the tensors. */
async function agreedK<T>(config: Config, from: Taking<T>, features: number): Promise<number> {
  const [stored] = await from.numbers("k", []);
  const k = checkedK(config.name, stored, features);
  const said = config.get("k");
  if (said === undefined || said === k) return k;
  throw badConfig(config.name, "k", `is ${shown(said)} here and ${k} among the tensors.`, {
    said,
    stored: k,
  });
}

async function checkGroups<T>(name: string, from: Taking<T>, features: number): Promise<void> {
  const sizes = await from.numbers("group_sizes", from.sizes("group_sizes"));
  const sum = sizes.reduce((total, size) => total + size, 0);
  if (sum === features) return;
  throw badConfig(name, "group_sizes", `add up to ${sum}, and there are ${features} features.`);
}

function sitesOf(config: Config, transcoder: boolean): Told {
  const [, layer] = /^resid_post_layer_(\d+)$/.exec(config.text("submodule_name") ?? "") ?? [];
  return layer === undefined || transcoder ? {} : { input: `L${layer}.mlp.after` };
}
