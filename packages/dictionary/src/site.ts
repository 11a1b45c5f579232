import { InputError, type Shaped } from "@resolvent/tensor";
import { type Model, type Site, siteAxes } from "@resolvent/transformer";

/**
 * What of a site's value a dictionary reads or writes:
 *
 * | form | value |
 * |---|---|
 * | `value` | as it is; heads flattened, the first slowest |
 * | `normed` | what the block's norm makes of it, `γ·Px/σ + β`: the input of `W_in` or `W_Q` |
 * | `normalized` | the same without γ and β, `Px/σ` |
 */
export type SiteForm = "value" | "normed" | "normalized";

/** Where a dictionary reads or writes. */
export interface DictionarySite {
  readonly site: Site;
  readonly form: SiteForm;
  /** One head of a site that has them. */
  readonly head?: number;
}

/** The site as a text: `L1.mlp.after`, `L1.mlp.normed`, `L1.attn.mixed.H3`. */
export function siteText({ site, form, head }: DictionarySite): string {
  const place = form === "value" ? site : site.replace(/read$/, form);
  return head === undefined ? place : `${place}.H${head}`;
}

/**
 * The site that a text names: any site of a run that is one vector, or several heads, at each position, and
 * `L1.mlp.normed`, `L1.mlp.normalized` (`attn` likewise) for what a block's norm makes of what it reads; `.H3` behind it
 * is one head.
 *
 * @throws InputError `dictionary/no-site`
 */
export function parseSite(text: string): DictionarySite {
  const [, place = "", index] = /^(.*?)(?:\.H(\d+))?$/.exec(text) ?? [];
  const [, block, form] = /^(L\d+\.(?:attn|mlp))\.(normed|normalized)$/.exec(place) ?? [];
  const site = block === undefined ? place : `${block}.read`;
  const axes = siteAxes(site);
  const hasHeads = axes?.includes("head") === true && axes.includes("pos");
  const isVector = axes?.length === 2 && axes[0] === "pos";
  const fits = isVector || (hasHeads && axes.length === 3 && !axes.includes("key_pos"));
  if (!fits || (index !== undefined && !hasHeads)) throw noSite(text);
  const head = index === undefined ? {} : { head: Number(index) };
  return { site, form: form === undefined ? "value" : (form as SiteForm), ...head }; // one of the two
}

function noSite(text: string): InputError {
  return new InputError({
    code: "dictionary/no-site",
    message: `A dictionary cannot be at ${JSON.stringify(text)}.`,
    remedy:
      "Name a site of one vector at each position, such as L1.mlp.after, L1.mlp.write, L1.mlp.normed or L1.attn.mixed.",
    details: { site: text },
  });
}

const INSIDE: Readonly<Record<string, string>> = {
  hook_resid_pre: "attn.read",
  hook_attn_in: "attn.read",
  hook_resid_mid: "mlp.read",
  hook_mlp_in: "mlp.read",
  hook_resid_post: "mlp.after",
  hook_attn_out: "attn.write",
  hook_mlp_out: "mlp.write",
  "attn.hook_z": "attn.mixed",
  "ln1.hook_normalized": "attn.normalized",
  "ln2.hook_normalized": "mlp.normalized",
  "mlp.hook_in": "mlp.normed",
  "mlp.hook_out": "mlp.out",
  "mlp.hook_post": "mlp.post",
};

const MODULES: Readonly<Record<string, string>> = {
  output: "mlp.after",
  "post_attention_layernorm.output": "attn.write",
  "post_feedforward_layernorm.output": "mlp.write",
  "self_attn.o_proj.input": "attn.mixed",
  "pre_feedforward_layernorm.output": "mlp.normed",
};

/**
 * The site of a hook of TransformerLens (`blocks.1.hook_resid_post`) or of a module of Hugging Face as Gemma Scope 2
 * names it (`model.layers.1.output`); undefined for others.
 *
 * @param layer for hooks that are named without one: `mlp.hook_in`
 */
export function siteOfHook(hook: string, layer?: number): string | undefined {
  if (hook === "hook_embed") return "embed.token";
  if (hook === "hook_pos_embed") return "embed.position";
  const [, block, name = ""] = /^blocks\.(\d+)\.(.*)$/.exec(hook) ?? [];
  const own = block === undefined ? layer : Number(block);
  const part = block === undefined ? hook : name;
  if (own !== undefined && Object.hasOwn(INSIDE, part)) return `L${own}.${INSIDE[part]}`;
  const [, at, module = ""] =
    /^(?:model\.)?(?:language_model\.)?layers\.(\d+)\.(.*)$/.exec(hook) ?? [];
  if (at !== undefined && Object.hasOwn(MODULES, module)) return `L${at}.${MODULES[module]}`;
  return undefined;
}

/**
 * The same site in a model: without MLPs the stream after a layer is that after its attention; without a norm of what an
 * MLP writes, what it makes is what it writes.
 */
export function siteIn<T extends Shaped>(model: Model<T>, site: DictionarySite): DictionarySite {
  const { d_mlp, writeNorms } = model.architecture;
  const made = writeNorms ? site.site : site.site.replace(/\.mlp\.out$/, ".mlp.write");
  return { ...site, site: d_mlp > 0 ? made : made.replace(/\.mlp\.after$/, ".attn.after") };
}
