/// <reference lib="esnext.disposable" preserve="true" />
import { type Engine, InputError, type Shaped, type Tensor, using } from "@resolvent/tensor";
import {
  ablatedSites,
  generate,
  type Intervention,
  type Model,
  type Replacements,
  replacements,
  run,
  type SamplingOptions,
  type SiteName,
  type SitePattern,
  type Tokenizer,
} from "@resolvent/transformer";
import type { Folder } from "@resolvent/weights";
import { type Ablate, ablateChange, type Change, type Steer, steerChange } from "./intervention.ts";
import { type LanguageRun, languageRun, type Token } from "./language-run.ts";

/** A text, its token ids, or several rows of ids of one length. */
export type RunInput = string | readonly number[] | readonly (readonly number[])[];

type BatchOf<Input> = Input extends readonly (readonly number[])[] ? "batch" : never;

/** What a language model is made of. */
export interface LanguageModelParts<T extends Shaped, E extends Engine<T>> {
  readonly engine: E;
  readonly folder: Folder;
  readonly model: Model<T>;
  readonly tokenizer: Tokenizer | undefined;
  /** Why there is no tokenizer, where there should be one. */
  readonly tokenizerFault?: InputError;
  /** Ends what was made for the model. */
  readonly close?: () => Promise<void>;
}

/** A model that reads text: its engine, files, tokenizer and weights in one, each still there apart. */
export class LanguageModel<T extends Shaped = Shaped, E extends Engine<T> = Engine<T>> {
  readonly engine: E;
  readonly folder: Folder;
  /** Undefined where the folder has none, or one that cannot be used: then inputs are token ids. */
  readonly tokenizer: Tokenizer | undefined;
  readonly model: Model<T>;
  readonly #parts: LanguageModelParts<T, E>;
  readonly #changes: readonly Change<T>[];

  /** See `openModel`. */
  constructor(parts: LanguageModelParts<T, E>, changes: readonly Change<T>[] = []) {
    this.engine = parts.engine;
    this.folder = parts.folder;
    this.tokenizer = parts.tokenizer;
    this.model = parts.model;
    this.#parts = parts;
    this.#changes = changes;
  }

  /**
   * One forward pass; logits, and the values of the sites that are asked for, are read and freed on the engine.
   *
   * ```ts
   * const run = await lm.run("Once upon a time", { sites: ["*.pattern"] });
   * run.site("L0.attn.pattern").at({ head: 1, pos: 3, key_pos: 0 });
   * run.next(3).map(({ text }) => text);
   * ```
   *
   * @param options `sites` to keep, names or patterns such as `*.pattern`, default none; `replace`: new values at named
   * sites, as those of `run` of `@resolvent/transformer`
   * @throws InputError `resolvent/no-tokenizer`, `transformer/no-site` with the nearest name, what `run` throws
   */
  async run<const Site extends SitePattern = never, const Input extends RunInput = RunInput>(
    input: Input,
    options: { readonly sites?: readonly Site[]; readonly replace?: Replacements<T> } = {},
  ): Promise<LanguageRun<Site, BatchOf<Input>>> {
    const { engine, model } = this;
    const isBatch = Array.isArray(input[0]);
    const rows = isBatch
      ? (input as readonly (readonly number[])[])
      : [this.#encode(input as Prompt)];
    const own = await this.#replacements(rows);
    const replace = chained(options.replace ?? {}, own());
    const [first = []] = rows;
    const made = (): { readonly logits: T; readonly trace: ReadonlyMap<string, T> } =>
      run(engine, model, isBatch ? rows : first, { sites: options.sites ?? [], replace });
    const read = await using(engine, made, async ({ logits, trace }) => {
      const values = await Promise.all([logits, ...trace.values()].map((one) => engine.read(one)));
      const sites = [...trace.keys()].map((site, i): [string, Tensor] => [
        site,
        values[i + 1] as Tensor, // one for each
      ]);
      return { logits: values[0] as Tensor, trace: new Map(sites) };
    });
    const tokens = rows.map((row) => this.#named(row));
    return languageRun(tokens, isBatch, read, (id) => this.#text(id));
  }

  /**
   * Continues a text, token by token.
   *
   * ```ts
   * for await (const { text } of lm.generate("Once upon a time", { maxTokens: 20 })) write(text);
   * ```
   *
   * @throws InputError what `generate` of `@resolvent/transformer` throws; what is taken from a run has no more positions
   * than that, and none can be counted from the end
   */
  async *generate(input: Prompt, options: SamplingOptions = {}): AsyncGenerator<Token> {
    const ids = this.#encode(input);
    const replace = await this.#replacements([ids]);
    const changed = this.#changes.length === 0 ? {} : { replace };
    for await (const id of generate(this.engine, this.model, ids, { ...options, ...changed })) {
      yield { id, text: this.#text(id) };
    }
  }

  /**
   * The tokens of a text.
   * @throws InputError `resolvent/no-tokenizer`
   */
  tokens(text: string): readonly Token[] {
    return this.#named(this.#encode(text));
  }

  /**
   * The same model with some of its parts taken out of every run.
   *
   * ```ts
   * const without = lm.ablate({ heads: ["L2.H2"], with: "mean" });
   * ```
   *
   * Blocks are replaced at the site `write`, heads at `head` (the bias of their block stays), neurons at `post`; what is
   * after them is computed anew. Closing is left to the model that was opened.
   *
   * @throws InputError `transformer/no-node` and `transformer/no-head`, with names that the model has
   */
  ablate(what: Ablate): LanguageModel<T, E> {
    const { ablation, change } = ablateChange<T>(what, (prompt) => this.#encode(prompt));
    if (ablatedSites(this.model.architecture, ablation.nodes).length === 0) {
      throw new InputError({
        code: "resolvent/nothing-to-ablate",
        message: "There is nothing to ablate: no heads, blocks or neurons are named.",
        remedy: 'Name some: lm.ablate({ heads: ["L0.H3"] }).',
      });
    }
    return this.#with(change);
  }

  /**
   * The same model with a vector added in every run.
   *
   * ```ts
   * const steered = lm.steer("L1.mlp.after", direction, { scale: 4, positions: [-1] });
   * ```
   *
   * @param site of one vector at each position: the stream, what a block writes, neurons
   * @throws InputError `transformer/no-site`, `transformer/bad-vector`
   */
  steer(site: SiteName, vector: ArrayLike<number>, options: Steer = {}): LanguageModel<T, E> {
    const { steering, change } = steerChange<T>(site, vector, options);
    replacements(this.engine, this.model, [steering]); // refuses what no run could do
    return this.#with(change);
  }

  /** Ends what was made for the model: its engine, where it has one of its own. */
  async close(): Promise<void> {
    await this.#parts.close?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #with(change: Change<T>): LanguageModel<T, E> {
    const { close, ...parts } = this.#parts;
    return new LanguageModel(parts, [...this.#changes, change]);
  }

  /** All interventions as what a run replaces, or, from a position on, a step of one. */
  async #replacements(
    rows: readonly (readonly number[])[],
  ): Promise<(start?: number) => Replacements<T>> {
    const { engine, model } = this;
    const list: Intervention[] = [];
    for (const change of this.#changes) list.push(await change(engine, model, rows));
    return (start) => replacements(engine, model, list, start === undefined ? {} : { start });
  }

  #encode(input: Prompt): readonly number[] {
    if (typeof input !== "string") return input;
    const { tokenizer, tokenizerFault: fault } = this.#parts;
    if (fault !== undefined) throw fault;
    if (tokenizer !== undefined) return tokenizer.encode(input);
    throw new InputError({
      code: "resolvent/no-tokenizer",
      message: `${this.model.name} has no tokenizer.json, so it cannot read text.`,
      remedy: "Give token ids: lm.run([1, 2, 3]).",
      details: { model: this.model.name },
    });
  }

  #text(id: number): string {
    return this.tokenizer?.entry(id) === undefined ? `id:${id}` : this.tokenizer.token(id);
  }

  #named(ids: readonly number[]): readonly Token[] {
    return ids.map((id) => ({ id, text: this.#text(id) }));
  }
}

/** A text or token ids. */
type Prompt = string | readonly number[];

/** What both replace; at a site of both, `then` works on what `first` has put there. */
function chained<T extends Shaped>(first: Replacements<T>, then: Replacements<T>): Replacements<T> {
  const both = Object.entries(then).map(([site, change]): [string, Replacements<T>[string]] => {
    const before = Object.hasOwn(first, site) ? first[site] : undefined;
    if (before === undefined || typeof change !== "function") return [site, change];
    return [site, (value) => change(typeof before === "function" ? before(value) : before)];
  });
  return { ...first, ...Object.fromEntries(both) };
}
