import type { Shaped } from "@resolvent/tensor";

/**
 * The sites of a model: named values that a run can record, replace, or be given.
 *
 * | site | value | axes |
 * |---|---|---|
 * | `embed.token`, `embed.position` | the two parts of the embedding | pos, d_model |
 * | `embed` | `x0`, their sum | pos, d_model |
 * | `L0.attn.read`, `L0.mlp.read` | the residual stream that the block reads | pos, d_model |
 * | `L0.attn.norm`, `L0.mlp.norm` | the norm's denominator σ (gate `norm`) | pos |
 * | `L0.attn.query` | queries, before rotation and scaling | pos, head, d_head |
 * | `L0.attn.key`, `L0.attn.value` | keys (before rotation) and values | key_pos, kv_head, d_head |
 * | `L0.attn.query_norm`, `L0.attn.key_norm` | denominators of a query-key norm (gate `norm`) | pos, head / key_pos, kv_head |
 * | `L0.attn.score` | `q·k/√d_head`, before a cap and the mask | head, pos, key_pos |
 * | `L0.attn.pattern` | attention probabilities (gate `pattern`) | head, pos, key_pos |
 * | `L0.attn.mixed` | values mixed by the pattern, before W_O | pos, head, d_head |
 * | `L0.attn.head` | what each head writes, without b_O, through a norm of what the block writes | pos, head, d_model |
 * | `L0.mlp.pre` | `z = W_in n(r) + b_in`; the up branch of a gated MLP | pos, d_mlp |
 * | `L0.mlp.gate` | `φ(z)/z`, or `φ(W_gate n(r))` of a gated MLP (gate `activation`) | pos, d_mlp |
 * | `L0.mlp.post` | `g · z`, what W_out reads, through a norm where the MLP has one inside | pos, d_mlp |
 * | `L0.mlp.post_norm` | denominator of a norm inside the MLP (gate `norm`) | pos |
 * | `L0.mlp.out` | what the MLP makes, before a norm of what it writes; of models that have one | pos, d_model |
 * | `L0.attn.write_norm`, `L0.mlp.write_norm` | denominator of a norm of what the block writes (gate `norm`) | pos |
 * | `L0.attn.write`, `L0.mlp.write` | what the block adds to the stream, `C_i` | pos, d_model |
 * | `L0.attn.after`, `L0.mlp.after` | the stream once it is added | pos, d_model |
 * | `final.norm` | denominator of the final norm | pos |
 * | `final.uncapped` | logits before a cap of logits: what readouts are taken of | pos, vocab |
 * | `logits` | | pos, vocab |
 *
 * Leading axes such as `batch` or `degree` come before these, but not of `embed.position`, which all inputs share.
 */
export type Site = string;

/**
 * What a run does at each site: gives the value to go on with, by computing it or otherwise.
 * `compute` is only called where its value is needed, so a frozen pattern costs no queries and keys.
 */
export interface Sites<T> {
  at(site: Site, compute: () => T): T;
  /** Whether the site matters to anyone; lets a block skip values that only exist to be looked at. */
  wants(site: Site): boolean;
  /** What has been recorded, so that the scopes of a run do not free it. */
  readonly held?: unknown;
}

/** Computes everything, records nothing. */
export function plainSites<T>(): Sites<T> {
  return { at: (_site, compute) => compute(), wants: () => false };
}

/** The same sites under a block's name: `at("pattern")` becomes `at("L0.attn.pattern")`. */
export function within<T>(sites: Sites<T>, block: string): Sites<T> {
  return {
    at: (site, compute) => sites.at(`${block}.${site}`, compute),
    wants: (site) => sites.wants(`${block}.${site}`),
    held: sites.held,
  };
}

/** Chooses sites: names in which `*` stands for any characters (`*.pattern`, `L3.*`), or a test. */
export type SiteChoice = readonly string[] | ((site: Site) => boolean);

/** The test that a choice of sites stands for. */
export function chooses(choice: SiteChoice): (site: Site) => boolean {
  if (typeof choice === "function") return choice;
  const patterns = choice.map((name) => {
    const parts = name.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`);
  });
  return (site) => patterns.some((pattern) => pattern.test(site));
}

/** New values for sites: a tensor, or a function of the value that the run computed. */
export type Replacements<T> = Readonly<Record<Site, T | ((value: T) => T)>>;

/** Replaces values at named sites, everything else as in `inner`; the sites it came by go into `met`. */
export function replacing<T extends object>(
  inner: Sites<T>,
  replace: Replacements<T>,
  met: Set<Site> = new Set(),
): Sites<T> {
  const at = (site: Site, compute: () => T): T => {
    if (!Object.hasOwn(replace, site)) return inner.at(site, compute);
    met.add(site);
    const value = replace[site] as T | ((value: T) => T); // it has the site
    return inner.at(site, () => (typeof value === "function" ? value(compute()) : value));
  };
  return {
    at,
    wants: (site) => Object.hasOwn(replace, site) || inner.wants(site),
    held: inner.held,
  };
}

/** Records the values of chosen sites into `trace`, everything else as in `inner`. */
export function recording<T>(
  inner: Sites<T>,
  chosen: (site: Site) => boolean,
  trace: Map<Site, T>,
): Sites<T> {
  return {
    at: (site, compute) => {
      const value = inner.at(site, compute);
      if (chosen(site)) trace.set(site, value);
      return value;
    },
    wants: (site) => chosen(site) || inner.wants(site),
    held: [trace, inner.held],
  };
}

/** Runs what each site computes under its name: for measuring where time goes. Everything else as in `inner`. */
export function labelling<T>(inner: Sites<T>, within: (site: Site, body: () => T) => T): Sites<T> {
  return { ...inner, at: (site, compute) => within(site, () => inner.at(site, compute)) };
}

/** Blocks run on with the gates of a run instead of their own. */
export function frozenAt<T extends Shaped>(gates: ReadonlyMap<Site, T>): Sites<T> {
  return heldAt(gates, (gate) => gate);
}

/** The same in another interpreter, or of a part of a block: `hold` says what a gate becomes when it is asked for. */
export function heldAt<T, V>(
  gates: ReadonlyMap<Site, T>,
  hold: (gate: T, site: Site) => V,
): Sites<V> {
  return {
    at: (site, compute) => {
      const gate = gates.get(site);
      return gate === undefined ? compute() : hold(gate, site);
    },
    wants: (site) => gates.has(site),
  };
}
