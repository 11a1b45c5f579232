import { evaluateDictionary, loadDictionary } from "@resolvent/dictionary";
import { epsilonSeries, expandByDegree, GATES, interactions } from "@resolvent/expansion";
import { patchEffects, patchSetting } from "@resolvent/patching";
import { expandPaths } from "@resolvent/paths";
import { type Engine, readNumbers, type Shaped, using } from "@resolvent/tensor";
import { tinyDictionary, tinyModel } from "@resolvent/testkit/tiny";
import { loadModel, type Model, run } from "@resolvent/transformer";

const tokens = [3, 17, 5, 28];
const corrupt = [3, 9, 5, 11];
const target = { a: 4, b: 9 };

type Lists = Readonly<Record<string, readonly number[]>>;

/** What there is of a list that has gaps, the same on every engine. */
const there = (list: readonly (number | null)[]): number[] => list.filter((x) => x !== null);

/** The families that the suites run on: of one there are learned positions, layer norms and GELU, of one rotary, RMS norms and SiLU. */
export const families = ["gpt2", "llama"] as const;

/** Numbers of everything that is computed of a model, by what they are. */
export async function coreNumbers<T extends Shaped>(
  engine: Engine<T>,
  family: (typeof families)[number],
): Promise<Lists> {
  const model = await loadModel(engine, tinyModel(family, { seed: 5 }), { hash: false });
  try {
    return {
      logits: await using(
        engine,
        () => run(engine, model, tokens).logits,
        async (logits) => await readNumbers(engine, logits),
      ),
      ...(await expansions(engine, model)),
      ...(await patches(engine, model)),
      ...(await dictionaries(engine, model)),
    };
  } finally {
    engine.free(model);
  }
}

async function expansions<T extends Shaped>(engine: Engine<T>, model: Model<T>): Promise<Lists> {
  const paths = await expandByDegree(engine, model, tokens, { freeze: GATES, target });
  const tree = await expandByDegree(engine, model, tokens, { freeze: [], target });
  const players = await interactions(engine, model, tokens, { players: { kind: "layers" } });
  const series = await epsilonSeries(engine, model, tokens, { order: 3 });
  const named = await expandPaths(engine, model, tokens, { target, level: "head", top: 4 });
  return {
    "paths by degree": paths.terms.map(({ norm }) => norm),
    "truncated tree": tree.terms.map(({ norm }) => norm),
    "interactions of layers": players.orders.map(({ norm }) => norm),
    "coefficients of the series": series.coefficients.map(({ norm }) => norm),
    "single paths": [named.total, named.constant, ...named.byDegree.map(({ sum }) => sum)],
  };
}

async function patches<T extends Shaped>(engine: Engine<T>, model: Model<T>): Promise<Lists> {
  const pairs = [{ clean: tokens, corrupt, target }];
  const setting = patchSetting({
    ...{ kind: "edge", level: "block", reference: { kind: "run" }, direction: "noise" },
  });
  const exact = await patchEffects(engine, model, pairs, setting);
  const byGradients = await patchEffects(engine, model, pairs, setting, { method: "eap" });
  return {
    patches: there(exact.effect.flat()),
    "patches by gradients": there(byGradients.effect.flat()),
  };
}

async function dictionaries<T extends Shaped>(engine: Engine<T>, model: Model<T>): Promise<Lists> {
  const { d_model: width } = model.architecture;
  const dictionary = await loadDictionary(engine, tinyDictionary({ width }));
  const found = await evaluateDictionary(engine, model, dictionary, [tokens, corrupt]);
  engine.free(dictionary);
  return {
    dictionary: there([
      found.l0,
      found.explainedVariance,
      found.loss.spliced,
      found.loss.mean,
      found.kl,
    ]),
  };
}
