import type { Engine, Shaped } from "@resolvent/tensor";
import { readNumbers, using } from "@resolvent/tensor";
import type { Level, Model } from "@resolvent/transformer";
import { type EnumerationPlan, enumeration, prefixEffects } from "./enumerate.ts";
import type { FrozenRun } from "./frozen-run.ts";
import { type Best, nodesOf } from "./largest.ts";
import type { Readout } from "./readout.ts";
import type { Sources } from "./sources.ts";

/** Effects of paths that are read at a time. */
const READ_AT_ONCE = 2 ** 22;

/** All paths, added up by degree. */
export interface Sums {
  readonly sum: number[];
  readonly absolute: number[];
}

/** Makes every path, offers it, and adds it up by degree. */
export async function makeAllPaths<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  options: {
    readonly readout: Readout<T>;
    readonly sources: readonly Sources<T>[];
    readonly plan: EnumerationPlan;
    readonly level: Level;
    readonly minDegree: number;
    readonly maxDegree: number;
    readonly best: Best;
    readonly signal: AbortSignal | undefined;
    readonly onProgress:
      | ((progress: { readonly done: number; readonly total: number }) => void)
      | undefined;
  },
): Promise<Sums> {
  const { level, sources, readout, minDegree, maxDegree, best, signal, onProgress } = options;
  const sums: Sums = {
    sum: new Array<number>(model.stages.length + 1).fill(0),
    absolute: new Array<number>(model.stages.length + 1).fill(0),
  };
  const { meet } = options.plan;
  const made = engine.scope(() =>
    enumeration(engine, model, run, { level, sources, readout, meet }),
  );
  try {
    const { prefixes, suffixes, late } = made;
    const lengths = suffixes.map((suffix) => suffix?.length ?? 0);
    const take = (effect: number, degree: number): boolean => {
      sums.sum[degree] = (sums.sum[degree] ?? 0) + effect;
      sums.absolute[degree] = (sums.absolute[degree] ?? 0) + Math.abs(effect);
      return degree >= minDegree && degree <= maxDegree && Math.abs(effect) > best.threshold;
    };
    for (const part of late) {
      const numbers = await readNumbers(engine, part.effects);
      numbers.forEach((effect, i) => {
        const suffix = part.suffixes[Math.floor(i / part.sources.length)];
        const source = part.sources[i % part.sources.length];
        const degree = part.degree + (suffix?.length ?? 0);
        if (source !== undefined && take(effect, degree)) {
          best.offer(effect, () => ({ source, nodes: nodesOf(suffix), degree }));
        }
      });
    }
    const step = Math.max(1, Math.floor(READ_AT_ONCE / suffixes.length));
    for (let start = 0; start < prefixes.length; start += step) {
      signal?.throwIfAborted();
      const end = Math.min(start + step, prefixes.length);
      const { data } = await using(
        engine,
        () => prefixEffects(engine, made, start, end),
        async (product) => engine.read(product),
      );
      for (let p = start; p < end; p++) {
        const prefix = prefixes[p] as (typeof prefixes)[number]; // p < length
        const from = (p - start) * suffixes.length;
        for (let s = 0; s < suffixes.length; s++) {
          const effect = data[from + s] as number; // within the product
          const degree = prefix.degree + (lengths[s] as number); // s < length
          if (!take(effect, degree)) continue;
          best.offer(effect, () => ({
            source: prefix.source,
            nodes: [...prefix.nodes, ...nodesOf(suffixes[s])],
            degree,
          }));
        }
      }
      onProgress?.({ done: end, total: prefixes.length });
    }
    return sums;
  } finally {
    engine.free([made.streams, made.covectors, made.late.map((part) => part.effects)]);
  }
}
