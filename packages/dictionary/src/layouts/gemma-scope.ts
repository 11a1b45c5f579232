import type { Engine, Shaped } from "@resolvent/tensor";
import type { Folder } from "@resolvent/weights";
import type { Dictionary } from "../dictionary.ts";
import { type LoadDictionaryOptions, placed, type Told } from "../options.ts";
import { badShape } from "../refuse.ts";
import { storedNpz, taking } from "../stored.ts";
import { needFile } from "./files.ts";

const NAMES = ["W_enc", "b_enc", "W_dec", "b_dec", "threshold"] as const;

/** A folder of Gemma Scope: `params.npz`, whose place (`gemma-scope-2b-pt-res/layer_12/…`) says what it belongs to. */
export async function loadGemmaScope<T extends Shaped>(
  engine: Engine<T>,
  folder: Folder,
  options: LoadDictionaryOptions,
): Promise<Dictionary<T>> {
  const stored = await storedNpz(await needFile(folder, "params.npz", options), options);
  const from = taking(engine, stored, options);
  // Some files have lower-case names.
  const named = Object.fromEntries(
    NAMES.map((name) => [name, from.has(name) ? name : name.toLowerCase()]),
  ) as Record<(typeof NAMES)[number], string>; // one of each
  const [d_in = 0, features = 0, ...more] = from.sizes(named.W_enc);
  if (more.length > 0 || d_in === 0 || features === 0) {
    throw badShape(stored.name, named.W_enc, [d_in, features], from.sizes(named.W_enc));
  }
  const [d_out = 0] = from.sizes(named.b_dec);
  const path = folder.name.replaceAll("\\", "/");
  // Embeddings are multiplied by √d before they are read; these were trained on what they are before.
  const root = /(?:^|\/)embedding(?:\/|$)/.test(path) ? Math.sqrt(d_in) : 1;
  const W_enc = await from.mapped(
    named.W_enc,
    { d_in, feature: features },
    (value) => value / root,
  );
  const W_dec = await from.mapped(
    named.W_dec,
    { feature: features, d_out },
    (value) => value * root,
  );
  const b_enc = await from.take(named.b_enc, { feature: features });
  const b_dec = await from.take(named.b_dec, { d_out });
  const threshold = await from.take(named.threshold, { feature: features });
  from.finish();
  const transcoder = /transcoder/.test(path);
  return {
    name: folder.name,
    layout: "gemma-scope",
    architecture: "jumprelu",
    features,
    d_in,
    d_out,
    W_enc,
    b_enc,
    activation: { kind: "jumprelu", threshold, rectified: true },
    normalization: { kind: "none" },
    W_dec,
    b_dec,
    transcoder,
    ...placed(options, sitesOf(path, transcoder), transcoder),
    trainedOn: {},
  };
}

/** What the path says: the release, its last part, and the layer. */
function sitesOf(path: string, transcoder: boolean): Told {
  if (/(?:^|\/)embedding(?:\/|$)/.test(path)) return { input: "embed.token" };
  const [, layer] = /layer_(\d+)/.exec(path) ?? [];
  if (layer === undefined) return {};
  if (transcoder) return { input: `L${layer}.mlp.normalized`, output: `L${layer}.mlp.write` };
  const [, release] = /gemma-scope-[^/]*-(res|mlp|att)(?:[-@][^/]*)?(?:\/|$)/.exec(path) ?? [];
  const site = { res: "mlp.after", mlp: "mlp.write", att: "attn.mixed" }[release ?? ""];
  return site === undefined ? {} : { input: `L${layer}.${site}` };
}
