import { type InputError, isInputError, type Shaped } from "@resolvent/tensor";
import type { AnyAnalysis } from "./analysis.ts";
import { checkParameters } from "./check.ts";
import type { FoundModel, Host, Loaded, Values } from "./host.ts";
import { type FoundOthers, findOthers, namedModels } from "./models.ts";
import { providedFor } from "./needs.ts";
import type { Result } from "./result.ts";
import {
  type Checked,
  certificateOf,
  needsOf,
  notedEstimate,
  type Outcome,
  onLoaded,
  outcomeOf,
  outlineOf,
  type Ready,
  warningsOf,
} from "./run-analysis.ts";
import type { Prompt, Subject } from "./subject.ts";

/** What became of one question: its result, or why there is none. */
export type Answer = { readonly outcome: Outcome<Result> } | { readonly error: InputError };

/** A question that can be asked, or why it cannot. */
type Row = { readonly ready: Ready<unknown> } | { readonly error: InputError };

/** A block of questions with what it takes. */
interface ReadyBlock {
  readonly rows: readonly Row[];
  /** Of the longest prompt; absent where no question of the block can be asked. */
  readonly largest: Ready<unknown> | undefined;
  readonly peakBytes: number;
  readonly layers: boolean;
}

/**
 * Runs one analysis on questions that come by in blocks, with the model loaded once: again only where a block has a
 * longer prompt than any before, so that memory is planned for what is asked. What is refused for one question is its
 * answer, and the others go on.
 *
 * @param blocks values by parameter name, in blocks; each is asked for once the one before is answered
 * @param use gets the answers of a block, in its order, before the next block is asked for
 * @throws InputError what finding and loading the model throw; and what `use` throws
 * @throws DOMException `AbortError` where the host's signal ends it
 */
export async function runEach(
  analysis: AnyAnalysis,
  blocks: AsyncIterable<readonly Values[]>,
  host: Host,
  use: (answers: readonly Answer[], found: FoundModel) => Promise<void>,
): Promise<void> {
  const { warn, signal, precision } = host;
  const found = await host.find();
  warn?.(found.outline.warnings ?? []);
  const known = new Map<string, FoundModel>();
  const each = blocks[Symbol.asyncIterator]();
  const next = async (): Promise<ReadyBlock | undefined> => {
    const { value, done } = await each.next();
    return done ? undefined : await readyBlock(analysis, found, value, host, known);
  };
  let block = await next();
  while (block !== undefined) {
    const { largest, peakBytes, layers } = block;
    if (largest === undefined) {
      await use(refusals(block), found);
      block = await next();
      continue;
    }
    const others = largest.beside.others;
    const wanted = { precision, peakBytes, layers, purpose: "run", others } as const;
    const loading = found.plan(wanted);
    const exact = await certificateOf(analysis, found, largest, wanted, host);
    /** Blocks as long as they fit; gives the first that does not. */
    const answerAll = async <T extends Shaped>(
      loaded: Loaded<T>,
      inFloat64: Subject<T>["inFloat64"],
    ): Promise<ReadyBlock | undefined> => {
      let own = block;
      while (own !== undefined && own.peakBytes <= peakBytes && (layers || !own.layers)) {
        const answers: Answer[] = [];
        for (const row of own.rows) {
          signal?.throwIfAborted();
          answers.push(await answerOf(analysis, found, loaded, row, inFloat64, host));
        }
        await use(answers, found);
        own = await next();
      }
      return own;
    };
    block = await loading.use(async (loaded) => {
      warn?.(warningsOf(loaded));
      if (exact === undefined) return await answerAll(loaded, undefined);
      // The model in float64 is loaded once for all, too.
      return await exact((engine, model, models) =>
        answerAll(loaded, (certify) => certify(engine, model, models)),
      );
    }, host);
  }
}

async function answerOf<T extends Shaped>(
  analysis: AnyAnalysis,
  found: FoundModel,
  loaded: Loaded<T>,
  row: Row,
  inFloat64: Subject<T>["inFloat64"],
  host: Host,
): Promise<Answer> {
  if ("error" in row) return row;
  // What one question does is no progress of the whole.
  const { onProgress: _, onPartial: __, ...quiet } = host;
  return await answering(async () => {
    const own = { ...row.ready, checkpoint: undefined, inFloat64 };
    const made = await onLoaded(analysis, found, loaded, own, quiet);
    return { outcome: outcomeOf(made, found, quiet) };
  });
}

async function answering(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (isInputError(error)) return { error };
    throw error;
  }
}

/** Checks the questions of a block, and estimates the one with the longest prompt. */
async function readyBlock(
  analysis: AnyAnalysis,
  found: FoundModel,
  block: readonly Values[],
  host: Host,
  known: Map<string, FoundModel>,
): Promise<ReadyBlock> {
  const rows: Row[] = [];
  const lengths: number[] = [];
  for (const values of block) {
    try {
      const checked = await checkedRow(analysis, values, host);
      const beside: FoundOthers = await findOthers(analysis.name, checked.named, host, known);
      lengths.push(lengthOf(values, found));
      rows.push({ ready: { ...checked, beside } });
    } catch (error) {
      if (!isInputError(error)) throw error;
      lengths.push(0);
      rows.push({ error });
    }
  }
  const longestFirst = rows.map((_, i) => i).sort((a, b) => (lengths[b] ?? 0) - (lengths[a] ?? 0));
  for (const at of longestFirst) {
    const row = rows[at];
    if (row === undefined || "error" in row) continue;
    try {
      const outline = outlineOf(found, host.precision, row.ready.beside);
      const { value } = await notedEstimate(analysis, outline, row.ready);
      const layers = rows.some((one) => "ready" in one && one.ready.needs.includes("layers"));
      return { rows, largest: row.ready, peakBytes: value.peakBytes, layers };
    } catch (error) {
      if (!isInputError(error)) throw error;
      rows[at] = { error };
    }
  }
  return { rows, largest: undefined, peakBytes: 0, layers: false };
}

async function checkedRow(
  analysis: AnyAnalysis,
  values: Values,
  { offers }: Host,
): Promise<Checked<unknown>> {
  const params = await checkParameters(analysis.params, values);
  const named = namedModels(analysis.params, values);
  const needs = needsOf(analysis, params, named);
  return { params, values, named, needs, provided: providedFor(analysis.name, needs, offers) };
}

/** Tokens of the prompt that a question is about; all analyses call it so. */
function lengthOf({ prompt }: Values, { vocabulary }: FoundModel): number {
  return prompt === undefined ? 0 : vocabulary.encode(prompt as Prompt).length; // the schema has let it pass
}

function refusals({ rows }: ReadyBlock): readonly Answer[] {
  return rows.flatMap((row) => ("error" in row ? [row] : []));
}
