import {
  type Checkpoint,
  type DictionaryFiles,
  type FoundModel,
  type Host,
  type Loading,
  type Values,
  vocabularyOf,
  type Wanted,
} from "@resolvent/analysis";
import {
  keepWeights,
  keptWeights,
  noteKeeping,
  notFiniteIn,
  openModel,
  storedTensors,
  weightsHash,
} from "./open.ts";
import type { EngineOptions, ModelOptions } from "./options.ts";
import { findModel } from "./prepare.ts";
import type { Terminal } from "./terminal.ts";
import { textLossNotes } from "./text-losses.ts";
import { warner } from "./warnings.ts";

/** What a command says about how it computes. */
export interface HostFlags extends ModelOptions, EngineOptions {
  readonly float64?: boolean;
}

/** The command line as a host of analyses: it says on standard error what it does. */
export function hostOf(
  model: string,
  flags: HostFlags,
  {
    terminal,
    signal,
    later,
    checkpoint,
    dictionaries,
    open,
  }: {
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
    /** Asks for values once there is a model. */
    readonly later: (() => Promise<Values>) | undefined;
    readonly checkpoint: () => Promise<Checkpoint | undefined>;
    readonly dictionaries: readonly DictionaryFiles[];
    /** Puts the model onto an engine; default one that is opened for each run, and closed after it. */
    readonly open?: Opening | undefined;
  },
): Host {
  const { precision, float64 = true, stream = false } = flags;
  const refused = (why: string, remedy: string) => ({ refused: why, remedy });
  return {
    precision,
    float64,
    offers: {
      layers: stream
        ? refused("--stream reads them one after the other", "Leave out --stream.")
        : true,
      float64:
        float64 || precision === "f64"
          ? true
          : refused("--no-float64 leaves it out", "Leave out --no-float64."),
      linearAlgebra: true,
      dictionary:
        dictionaries.length > 0
          ? dictionaries
          : refused("none is named", "Give one: --dictionary FOLDER."),
    },
    find: async () => await found(model, flags, { terminal, open }),
    later,
    checkpoint,
    signal,
    onProgress: ({ done, total, of, note }) =>
      terminal.progress(`${of} ${done} of ${total}${note === undefined ? "" : `, ${note}`}`),
    warn: warner(terminal),
  };
}

/** Loads a model, as `openModel` does. */
export type Opening = typeof openModel;

async function found(
  name: string,
  flags: HostFlags,
  {
    terminal,
    open = openModel,
  }: { readonly terminal: Terminal; readonly open?: Opening | undefined },
): Promise<FoundModel> {
  const {
    folder,
    outline,
    tokenizer,
    tokenizerFault: fault,
  } = await findModel(name, flags, terminal);
  const losses = textLossNotes(tokenizer);
  const { vocab } = outline.architecture;
  const plan = (wanted: Wanted): Loading => {
    const { precision, peakBytes, purpose, layers } = wanted;
    const as = { ...flags, precision };
    const remedy =
      purpose === "run"
        ? "Shorten the input, ask for less, or raise --max-memory."
        : "Do not recompute the certificate in float64: --no-float64.";
    const kept = keepWeights(outline, as, peakBytes, { remedy, layers });
    return {
      use: async (work) => {
        if (purpose === "run") noteKeeping(outline, kept, flags, terminal);
        else terminal.progress("certificate in float64");
        const { engine, model, close } = await open(
          folder,
          outline.name,
          { ...as, ...kept },
          terminal,
        );
        try {
          // A certificate says nothing of the model.
          const sha256 = purpose === "run" ? await weightsHash(folder, terminal) : undefined;
          return await work({
            engine,
            model: { ...model, ...(sha256 !== undefined && { sha256 }) },
            linearAlgebra: () => engine.linearAlgebra(),
          });
        } finally {
          await close();
        }
      },
    };
  };
  return {
    outline,
    vocabulary: vocabularyOf(tokenizer, outline.name, vocab, { read: losses.read, fault }),
    textWarnings: losses.warnings,
    files: async () => ({
      tensors: await storedTensors(folder),
      sha256: await weightsHash(folder, terminal),
      tokenizer: tokenizer !== undefined,
      warnings: await notFiniteIn(folder, terminal),
    }),
    weights: ({ peakBytes, layers }) => keptWeights(outline, flags, peakBytes, layers),
    plan,
  };
}
