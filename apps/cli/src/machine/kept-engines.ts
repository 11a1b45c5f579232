import { type Kept as KeptValues, keptValues } from "@resolvent/analysis";
import type { Precision, Shaped } from "@resolvent/tensor";
import { type KeptRuns, keptRuns } from "@resolvent/transformer";
import { type Opening, RUNS_BYTES } from "../host.ts";

/** How long a model that nobody asks about stays in memory, in milliseconds. */
const IDLE = 10 * 60_000;

/** What an engine beside the main one may take, to be kept: that of a certificate in float64, of a small model. */
const BESIDE_BYTES = 2 ** 28;

type Opened = Awaited<ReturnType<Opening>>;

/** Models on their engines, kept from one run to the next. */
export interface KeptEngines {
  readonly open: Opening;
  /** Frees all of them. */
  close(): Promise<void>;
}

interface Kept extends Opened {
  /** Runs that views of one text share. */
  readonly runs: KeptRuns<Shaped>;
  /** What analyses have found. */
  readonly values: KeptValues;
  /** Which models, and how their weights are kept. */
  readonly key: string;
  readonly place: string;
}

/**
 * Opens models as `open` does, and keeps the last one, so that its next run starts at once; where another model is
 * opened, or nobody asks for ten minutes, it is closed. What is read layer by layer is not kept.
 *
 * Runs are made one after the other: what is kept is in use by one of them at most.
 *
 * @param precision of which a model is kept however large it is
 */
export function keptEngines(
  open: Opening,
  precision: Precision,
  { idle = IDLE }: { readonly idle?: number } = {},
): KeptEngines {
  const kept = new Map<Precision, Kept>();
  let using = 0;
  let timer: NodeJS.Timeout | undefined;
  const closeAll = async (): Promise<void> => {
    const all = [...kept.values()];
    kept.clear();
    for (const { close } of all) await close();
  };
  const lent = ({ engine, models, runs, values }: Kept): Opened => {
    clearTimeout(timer);
    using++;
    const close = async (): Promise<void> => {
      if (--using > 0) return;
      timer = setTimeout(() => void closeAll(), idle);
      timer.unref();
    };
    return { engine, models, runs, values, close };
  };
  return {
    open: async (wanted, options, terminal, heard) => {
      const place = JSON.stringify(wanted.map(({ folder, name }) => [folder.name, name]));
      const key = JSON.stringify([place, options.widen, options.engine]);
      const before = kept.get(options.precision);
      if (before?.key === key && before.engine.failure === undefined) return lent(before);
      // Another engine, or another way to keep the weights, takes the place of what was kept; so does a new one where that
      // computes no more, since a GPU may be lost at any time.
      if (using === 0 && before !== undefined && kept.delete(options.precision))
        await before.close();
      // Memory is for the model that is asked about.
      if (using === 0 && [...kept.values()].some((one) => one.place !== place)) await closeAll();
      const opened = await open(wanted, options, terminal, heard);
      const { engine } = opened;
      const fits = options.precision === precision || (engine.memory?.used ?? 0) <= BESIDE_BYTES;
      if (options.stream || !fits || kept.has(options.precision)) return opened;
      const most = RUNS_BYTES / (options.precision === "f64" ? 8 : 4);
      const runs = keptRuns(engine, { most });
      const own: Kept = { ...opened, key, place, runs, values: keptValues() };
      kept.set(options.precision, own);
      return lent(own);
    },
    close: async () => {
      clearTimeout(timer);
      await closeAll();
    },
  };
}
