import { type Engine, InternalError, type Shaped, using } from "@resolvent/tensor";
import { blockNames, type Model, tokenIds } from "@resolvent/transformer";
import { degreeBatch } from "./degrees.ts";
import { sitesOf } from "./fit.ts";
import type { Lenses } from "./lenses.ts";
import { localBatch, stacked } from "./local.ts";
import { type Pair, recordSites, valueAt } from "./pairs.ts";
import { readoutBatch, truthOf } from "./readout.ts";
import { replacedRuns } from "./replacement.ts";
import { applied, type MapTensors, scoreBatch } from "./score.ts";
import type { Tallying } from "./tally.ts";

/** The map of each pair. */
export type PairMaps<T> = ReadonlyMap<Pair, MapTensors<T>>;

/** The lenses that a stream is read through. */
const LENSES = ["logit", "affine", "tuned"] as const;

/** Adds every measure of some sequences of one length to a tally. */
export async function scoreSequences<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  into: Tallying & {
    readonly maps: PairMaps<T>;
    readonly lenses: Lenses<T>;
    readonly maxDegree: number;
  },
): Promise<void> {
  const { maps, lenses, maxDegree, tally, first } = into;
  rows.forEach((row, i) => {
    tally.add(first + i, "tokens", [row.length]);
    tally.add(first + i, "predicted", [row.length - 1]);
  });
  const pairs = [...maps.keys()];
  const mapOf = (pair: Pair): MapTensors<T> => maps.get(pair) as MapTensors<T>; // pairs are its keys
  const named = (kind: Pair["kind"], test: (pair: Pair) => boolean): Pair => {
    const found = pairs.find((pair) => pair.kind === kind && test(pair));
    if (found !== undefined) return found;
    throw new InternalError({ code: "linearity/no-pair", message: `There is no ${kind} pair.` });
  };
  const blockPair = (block: string): Pair => named("block", ({ name }) => name === block);
  await using(
    engine,
    () => recordSites(engine, model, rows, sitesOf(pairs)),
    async (values) => {
      for (const pair of pairs) {
        if (pair.kind === "lens") continue; // read out below
        await scoreBatch(engine, values, pair, mapOf(pair), into);
      }
      await localBatch(engine, model, values, into, {
        before: (block) => blockPair(block).from,
        mean: (block) => mapOf(blockPair(block)).inputMean,
      });
      const truth = await truthOf(engine, model, valueAt(values, lenses.end));
      const ids = tokenIds(rows);
      const read = async (streams: T, names: readonly string[]): Promise<void> => {
        try {
          await readoutBatch(engine, model, streams, { ids, names, truth, tally, first });
        } finally {
          engine.free(streams);
        }
      };
      await read(
        replacedRuns(engine, model, rows, (block) => mapOf(blockPair(block))),
        ["model", ...blockNames(model.architecture).map((block) => `${block} replaced`)],
      );
      for (const site of lenses.sites) {
        const x = valueAt(values, site);
        const nearest = mapOf(named("lens", ({ from }) => from === site));
        const streams = engine.scope(() => {
          const through = (map: Pick<MapTensors<T>, "A" | "b">): T =>
            engine.add(x, applied(engine, map, x));
          return stacked(engine, [x, through(nearest), through(lenses.at(site))], "variant");
        });
        await read(
          streams,
          LENSES.map((lens) => `${site} ${lens}`),
        );
      }
      engine.free(truth);
    },
  );
  await degreeBatch(engine, model, rows, maxDegree, into);
}
