/** The sites outside of blocks, and the axes of their values. */
const OUTSIDE = {
  embed: ["pos", "d_model"],
  "embed.token": ["pos", "d_model"],
  "embed.position": ["pos", "d_model"],
  "final.norm": ["pos"],
  "final.uncapped": ["pos", "vocab"],
  logits: ["pos", "vocab"],
} as const;

/** The sites of every block. */
const BLOCK = {
  read: ["pos", "d_model"],
  norm: ["pos"],
  write_norm: ["pos"],
  write: ["pos", "d_model"],
  after: ["pos", "d_model"],
} as const;

const ATTN = {
  query: ["pos", "head", "d_head"],
  key: ["key_pos", "kv_head", "d_head"],
  value: ["key_pos", "kv_head", "d_head"],
  query_norm: ["pos", "head"],
  key_norm: ["key_pos", "kv_head"],
  score: ["head", "pos", "key_pos"],
  pattern: ["head", "pos", "key_pos"],
  mixed: ["pos", "head", "d_head"],
  head: ["pos", "head", "d_model"],
} as const;

const MLP = {
  pre: ["pos", "d_mlp"],
  gate: ["pos", "d_mlp"],
  post: ["pos", "d_mlp"],
  post_norm: ["pos"],
  out: ["pos", "d_model"],
} as const;

type Outside = typeof OUTSIDE;
type Inside = typeof BLOCK & typeof ATTN & typeof MLP;

/** The name of a site, as a type: `"L0.attn.patern"` is none. Whether a model has its layer shows when it runs. */
export type SiteName =
  | keyof Outside
  | `L${number}.attn.${keyof typeof BLOCK | keyof typeof ATTN}`
  | `L${number}.mlp.${keyof typeof BLOCK | keyof typeof MLP}`;

/** The name of a site, or a text in which `*` stands for any characters: `*.pattern`, `L3.*`. */
export type SitePattern = SiteName | `${string}*${string}`;

type LastPart<S extends string> = S extends `${string}.${infer Rest}` ? LastPart<Rest> : S;

/**
 * The axes of the value at a site, as a type: `"head" | "pos" | "key_pos"` of `L0.attn.pattern` and of `*.pattern`;
 * `string` where a pattern leaves them open.
 */
export type SiteAxes<S extends string> = S extends keyof Outside
  ? Outside[S][number]
  : LastPart<S> extends keyof Inside
    ? Inside[LastPart<S>][number]
    : string;

/**
 * The axes of the value at a site, leading ones apart; undefined for what is no site's name.
 *
 * ```ts
 * siteAxes("L0.attn.pattern"); // ["head", "pos", "key_pos"]
 * ```
 */
export function siteAxes(site: string): readonly string[] | undefined {
  if (Object.hasOwn(OUTSIDE, site)) return OUTSIDE[site as keyof Outside]; // it is one of them
  const [, kind, part = ""] = /^L\d+\.(attn|mlp)\.(\w+)$/.exec(site) ?? [];
  if (kind === undefined) return undefined;
  const own: Readonly<Record<string, readonly string[]>> = {
    ...BLOCK,
    ...(kind === "attn" ? ATTN : MLP),
  };
  return Object.hasOwn(own, part) ? own[part] : undefined;
}

/** The names of all sites that models of so many layers may have; each has some of them. */
export function possibleSites(layers: number): string[] {
  const inside = Array.from({ length: layers }, (_, layer) =>
    (
      [
        ["attn", ATTN],
        ["mlp", MLP],
      ] as const
    ).flatMap(([kind, own]) =>
      Object.keys({ ...BLOCK, ...own }).map((part) => `L${layer}.${kind}.${part}`),
    ),
  );
  return [...Object.keys(OUTSIDE), ...inside.flat()];
}
