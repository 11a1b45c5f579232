import type { Engine, Shaped } from "@resolvent/tensor";
import { readJson } from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { checkedK, configOf, shown } from "../config.ts";
import type { Activation, Dictionary } from "../dictionary.ts";
import { type LoadDictionaryOptions, lastPart, placed } from "../options.ts";
import { badConfig } from "../refuse.ts";
import { storedSafetensors, taking } from "../stored.ts";
import { needFile } from "./files.ts";

/** A folder of EleutherAI's sparsify: `cfg.json` and `sae.safetensors`, named after the module whose output is meant. */
export async function loadSparsify<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const config = configOf(
    (await readJson(folder, "cfg.json", options)) ?? {},
    `${folder.name}/cfg.json`,
  );
  const { name } = config;
  const act = config.text("activation") ?? "topk";
  if (act !== "topk" && act !== "groupmax") {
    throw badConfig(name, "activation", `is ${shown(act)}; known are topk, groupmax.`, {
      got: act,
    });
  }
  if (config.boolean("signed") === true) {
    throw badConfig(
      name,
      "signed",
      "is true: the largest by size, signs kept, are another function.",
    );
  }
  const d = config.needed("d_in");
  const latents = config.number("num_latents") ?? 0;
  const features =
    latents === 0 ? d * config.needed("expansion_factor") : config.needed("num_latents");
  const k = checkedK(name, config.get("k"), features);
  if (act === "groupmax" && features % k !== 0) {
    throw badConfig(
      name,
      "k",
      `is ${k}: ${features} features do not fall into ${k} groups of one size.`,
    );
  }
  const activation: Activation<T> =
    act === "groupmax" ? { kind: "groupmax", groups: k } : { kind: "topk", k, rectified: true };
  const transcode = config.boolean("transcode");
  const skip = config.boolean("skip_connection") ?? false;

  const file = await needFile(folder, "sae.safetensors", options);
  const from = taking(engine, await storedSafetensors(file, options), options);
  const W_enc = await from.take("encoder.weight", { feature: features, d_in: d });
  const b_enc = await from.take("encoder.bias", { feature: features });
  const W_dec = await from.take("W_dec", { feature: features, d_out: d });
  const b_dec = await from.take("b_dec", { d_out: d });
  const W_skip = skip ? await from.take("W_skip", { d_out: d, d_in: d }) : undefined;
  from.finish();

  // Before February 2025 configs did not say `transcode`; what has a skip is a transcoder all the same, and its b_dec
  // was subtracted as in the SAEs of that time.
  const transcoder = transcode ?? skip;
  const subtracts = transcode !== true;
  return {
    name: folder.name,
    layout: "sparsify",
    architecture: act,
    features,
    d_in: d,
    d_out: d,
    W_enc,
    b_enc,
    ...(subtracts && { subtracted: engine.rename(b_dec, { d_out: "d_in" }) }),
    activation,
    normalization: { kind: "none" },
    W_dec,
    b_dec,
    ...(W_skip !== undefined && { W_skip }),
    transcoder,
    ...placed(options, sitesOf(lastPart(folder.name), transcoder), transcoder),
    trainedOn: {},
  };
}

/** The folder is the module whose output is meant: `layers.5.mlp`, `h.3`. */
function sitesOf(
  module: string,
  transcoder: boolean,
): { readonly input?: string; readonly output?: string } {
  if (module === "embed_tokens" || module === "wte") return { input: "embed.token" };
  const [, layer, part] =
    /(?:layers|h)\.(\d+)(?:\.(mlp|attn|attention|self_attn))?$/.exec(module) ?? [];
  if (layer === undefined) return {};
  if (part === undefined) return { input: `L${layer}.mlp.after`, output: `L${layer}.mlp.after` };
  const block = `L${layer}.${part === "mlp" ? "mlp" : "attn"}`;
  return { input: `${block}.${transcoder ? "normed" : "write"}`, output: `${block}.write` };
}
