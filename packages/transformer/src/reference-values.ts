import { type Engine, type Shaped, type Tensor, using } from "@resolvent/tensor";
import { meanOverPositions } from "./mean.ts";
import type { Model } from "./model.ts";
import { run } from "./run.ts";
import type { Site } from "./sites.ts";

/**
 * The values at some sites in the mean over all positions of some prompts, on the host: what a mean ablation writes.
 *
 * @param sites those that `ablatedSites` names
 * @param prompts of any lengths; a long one counts more
 * @throws InputError `transformer/no-reference` where no prompt has tokens; what `run` throws
 */
export async function meanValues<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  sites: readonly Site[],
  prompts: readonly (readonly number[])[],
): Promise<ReadonlyMap<Site, Tensor>> {
  return await readValues(engine, sites, () =>
    meanOverPositions(engine, prompts, ({ data }) => valuesAt(engine, model, sites, data)),
  );
}

/**
 * The values at some sites in a run of one prompt, or of several of one length, on the host, by position.
 *
 * @throws InputError what `run` throws
 */
export async function runValues<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  sites: readonly Site[],
  tokens: ArrayLike<number> | readonly (readonly number[])[],
): Promise<ReadonlyMap<Site, Tensor>> {
  return await readValues(engine, sites, () => valuesAt(engine, model, sites, tokens));
}

function valuesAt<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  sites: readonly Site[],
  tokens: ArrayLike<number> | readonly (readonly number[])[],
): T[] {
  const { trace } = run(engine, model, tokens, { sites });
  return sites.map((site) => trace.get(site) as T); // a site that does not occur is refused
}

async function readValues<T extends Shaped>(
  engine: Engine<T>,
  sites: readonly Site[],
  values: () => readonly T[],
): Promise<ReadonlyMap<Site, Tensor>> {
  return await using(engine, values, async (made) => {
    const read = await Promise.all(made.map((value) => engine.read(value)));
    return new Map(sites.map((site, i) => [site, read[i] as Tensor])); // as many
  });
}
