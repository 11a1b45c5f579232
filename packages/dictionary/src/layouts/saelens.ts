import type { Engine, Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Config, checkDtype, checkedK, configOf, shown } from "../config.ts";
import type { Activation, Dictionary } from "../dictionary.ts";
import { decoderNorms } from "../norms.ts";
import { type LoadDictionaryOptions, placed } from "../options.ts";
import { badConfig } from "../refuse.ts";
import { siteOfHook } from "../site.ts";
import { storedSafetensors, type Taking, taking } from "../stored.ts";
import { needFile } from "./files.ts";
import { normalizationOf } from "./normalization.ts";
import { positionsOf, processingOf, trained } from "./saelens-metadata.ts";

/** How each architecture that SAELens names is computed. */
const ARCHITECTURES: ReadonlyMap<
  string,
  { readonly act: string; readonly transcoder?: true; readonly skip?: true }
> = new Map([
  ["standard", { act: "relu" }],
  ["gated", { act: "gated" }],
  ["topk", { act: "topk" }],
  ["jumprelu", { act: "jumprelu" }],
  ["batchtopk", { act: "batchtopk" }],
  ["matryoshka_batchtopk", { act: "batchtopk" }],
  ["transcoder", { act: "relu", transcoder: true }],
  ["skip_transcoder", { act: "relu", transcoder: true, skip: true }],
  ["jumprelu_transcoder", { act: "jumprelu", transcoder: true }],
  ["jumprelu_skip_transcoder", { act: "jumprelu", transcoder: true, skip: true }],
]);

/** A folder that SAELens has written: `cfg.json` and `sae_weights.safetensors`, of version 6 or before. */
export async function loadSaelens<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const config = configOf(
    (await readJson(folder, "cfg.json", options)) ?? {},
    `${folder.name}/cfg.json`,
  );
  // From version 6 on what is about the model stands in an object of its own.
  const about = config.get("metadata") === undefined ? config : config.inside("metadata");
  const architecture = config.text("architecture") ?? "standard";
  const kind = ARCHITECTURES.get(architecture);
  if (kind === undefined) {
    const known = [...ARCHITECTURES.keys()].join(", ");
    throw badConfig(config.name, "architecture", `is ${shown(architecture)}; known are ${known}.`, {
      got: architecture,
    });
  }
  checkDtype(config);
  const { transcoder = false, skip = false } = kind;
  const features = config.needed("d_sae");
  const d_in = config.needed("d_in");
  const d_out = config.size("d_out") ?? d_in;
  const act = actOf(config, kind.act);
  const subtracts = subtractsBias(config, transcoder);
  const reshape = config.text("reshape_activations") ?? "none";
  if (reshape !== "none" && reshape !== "hook_z") {
    throw badConfig(
      config.name,
      "reshape_activations",
      `is ${shown(reshape)}; known are none, hook_z.`,
    );
  }

  const file = await needFile(folder, "sae_weights.safetensors", options);
  const from = taking(engine, await storedSafetensors(file, options), options);
  const W_enc = await from.take("W_enc", { d_in, feature: features });
  const W_dec = await from.take("W_dec", { feature: features, d_out });
  const b_dec = await from.take("b_dec", { d_out });
  const b_enc = act === "gated" ? undefined : await from.take("b_enc", { feature: features });
  const activation = await activationOf(engine, config, from, act, features);
  const W_skip = skip ? await from.take("W_skip", { d_out, d_in }) : undefined;
  const scale = await scaleOf(engine, config, from, features);
  from.finish();

  const { normalization, warnings } = await normalizationOf(config, folder, options);
  const rescales = config.boolean("rescale_acts_by_decoder_norm") ?? isTraining(config, act);
  const norms =
    rescales && (act === "topk" || act === "batchtopk")
      ? await normsOf(engine, from, W_dec, features)
      : undefined;
  const hook = about.text("hook_name") ?? about.text("hook_point");
  const hookOut = about.text("hook_name_out");
  const head = about.number("hook_head_index") ?? about.number("hook_point_head_index");
  const processing = processingOf(about, hook);
  return {
    name: folder.name,
    layout: "saelens",
    architecture,
    features,
    d_in,
    d_out,
    W_enc,
    ...(b_enc !== undefined && { b_enc }),
    ...(subtracts && { subtracted: engine.rename(b_dec, { d_out: "d_in" }) }),
    ...(norms !== undefined && { norms }),
    activation,
    normalization,
    W_dec,
    b_dec,
    ...(scale !== undefined && { scale }),
    ...(W_skip !== undefined && { W_skip }),
    transcoder,
    ...placed(
      options,
      {
        input: hook === undefined ? undefined : siteOfHook(hook),
        output: hookOut === undefined ? undefined : siteOfHook(hookOut),
        head,
        positions: positionsOf(about),
        centred: processing.centred === true,
        warnings: [...warnings, ...(options.centred === undefined ? processing.warnings : [])],
      },
      transcoder,
    ),
    trainedOn: {
      ...trained(about, hook, hookOut),
      ...(processing.centred !== undefined && { centred: processing.centred }),
    },
  };
}

/** The activation by its own name, which before version 6 stood apart from the architecture. */
function actOf(config: Config, act: string): string {
  const named = config.text("activation_fn") ?? config.text("activation_fn_str") ?? "relu";
  if (named === "relu" || (named === "topk" && act === "topk")) return act;
  if (act === "relu" && (named === "topk" || named === "tanh-relu")) return named;
  throw badConfig(
    config.name,
    "activation",
    `(activation_fn) is ${shown(named)} of the architecture ${shown(config.get("architecture") ?? "standard")}; known are relu, topk, tanh-relu.`,
    { got: named },
  );
}

function subtractsBias(config: Config, transcoder: boolean): boolean {
  const subtracts = config.boolean("apply_b_dec_to_input") ?? !transcoder;
  if (!transcoder || !subtracts) return subtracts;
  throw badConfig(
    config.name,
    "apply_b_dec_to_input",
    "is true of a transcoder, whose b_dec belongs to another site than its input.",
  );
}

/** Configs of training runs have options that those for inference lack. */
function isTraining(config: Config, act: string): boolean {
  return act === "batchtopk" || config.has("aux_loss_coefficient");
}

async function activationOf<T extends Shaped>(
  engine: Engine<T>,
  config: Config,
  from: Taking<T>,
  act: string,
  features: number,
): Promise<Activation<T>> {
  const feature = { feature: features };
  switch (act) {
    case "relu":
    case "tanh-relu":
      return { kind: act };
    case "topk": {
      const k = config.get("k") ?? config.inside("activation_fn_kwargs").get("k");
      return { kind: "topk", k: checkedK(config.name, k, features), rectified: true };
    }
    case "gated":
      return {
        kind: "gated",
        b_gate: await from.take("b_gate", feature),
        b_mag: await from.take("b_mag", feature),
        r_mag: await from.take("r_mag", feature),
      };
    case "batchtopk": {
      const [threshold = 0] = await from.numbers("topk_threshold", []);
      if (threshold > 0) {
        return { kind: "jumprelu", threshold: engine.fill(feature, threshold), rectified: true };
      }
      throw badConfig(
        config.name,
        "threshold",
        `topk_threshold is ${threshold}: it was never trained.`,
        {
          got: threshold,
        },
      );
    }
    default: {
      const threshold =
        from.has("log_threshold") && !from.has("threshold")
          ? await from.mapped("log_threshold", feature, Math.exp)
          : await from.take("threshold", feature);
      return { kind: "jumprelu", threshold, rectified: true };
    }
  }
}

/** Norms of the decoder's rows, of which an outline has the shape alone. */
async function normsOf<T extends Shaped>(
  engine: Engine<T>,
  { shapes }: Taking<T>,
  W_dec: T,
  features: number,
): Promise<T> {
  return shapes ? engine.fill({ feature: features }, 1) : await decoderNorms(engine, W_dec);
}

/** The factors of fine-tuning, which versions before 6 know; ones say nothing. */
async function scaleOf<T extends Shaped>(
  engine: Engine<T>,
  config: Config,
  from: Taking<T>,
  features: number,
): Promise<T | undefined> {
  const flag = config.boolean("finetuning_scaling_factor") ?? false;
  const name = ["scaling_factor", "finetuning_scaling_factor"].find((one) => from.has(one));
  if (name === undefined)
    return flag ? await from.take("scaling_factor", { feature: features }) : undefined;
  const numbers = await from.numbers(name, [features]);
  if (numbers.every((value) => value === 1)) return undefined;
  if (flag) return engine.constant({ feature: features }, numbers);
  throw badConfig(
    config.name,
    "scaling_factor",
    "is among the tensors, and not ones, while finetuning_scaling_factor is false.",
  );
}
