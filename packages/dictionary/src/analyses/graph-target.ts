import { type Subject, targetFacts } from "@resolvent/analysis";
import {
  frozenRun,
  logitReadout,
  type PathEffect,
  pathText,
  shownVerdict,
  type TopPaths,
  topPaths,
  verify,
} from "@resolvent/paths";
import type { Engine, Shaped } from "@resolvent/tensor";
import { type Target, tokenIds } from "@resolvent/transformer";
import { activeFeatures } from "../attribution/active-features.ts";
import type { ExplainedLogit } from "../attribution/attribution-graph.ts";
import { replacedRun } from "../attribution/replaced-run.ts";
import { targetDegrees } from "../attribution/target-degrees.ts";
import type { Dictionary } from "../dictionary.ts";
import { type DictionaryRun, withDictionaries } from "../expansion/expansion.ts";
import type { GraphResult, StepPathFacts } from "./graph-result.ts";

/** Paths of the model itself among which those of the replaced one are looked up, at most. */
const COMPARED = 2000;

/** What is asked about a target. */
export interface TargetAsked {
  readonly top: number;
  readonly verify: number;
  readonly budget: number;
}

/** What is said of a graph's target beside the graph: its degrees, and its paths block by block. */
export interface TargetSaid
  extends Pick<GraphResult, "target" | "constant" | "total" | "degrees" | "steps"> {
  /** How far either sum by degree is from the target. */
  readonly error: number;
}

/** A target by degree and by paths through heads and features, with the model itself beside both. */
export async function targetSaid<T extends Shaped>(
  subject: Pick<Subject<T>, "engine" | "model" | "vocabulary" | "signal" | "onProgress">,
  made: DictionaryRun<T>,
  dictionaries: readonly Dictionary<T>[],
  explained: ExplainedLogit & { readonly target: Target },
  asked: TargetAsked,
): Promise<TargetSaid> {
  const { engine, model, vocabulary } = subject;
  const { target, value, total } = explained;
  const { degrees, constant, certificate } = await targetDegrees(engine, model, made, target);
  return {
    target: targetFacts(target, value, vocabulary.text),
    ...{ constant, total },
    degrees,
    steps: await stepPaths(subject, made, dictionaries, target, asked),
    error: certificate,
  };
}

async function stepPaths<T extends Shaped>(
  { engine, model, vocabulary, signal, onProgress }: Parameters<typeof targetSaid<T>>[0],
  made: DictionaryRun<T>,
  dictionaries: readonly Dictionary<T>[],
  target: Target,
  { top, verify: checks, budget }: TargetAsked,
): Promise<GraphResult["steps"]> {
  const ids = Array.from(made.run.ids.data);
  const texts = ids.map(vocabulary.text);
  const { sources, level, live, run } = made;
  const own = engine.scope(() => {
    const itself = frozenRun(engine, model, tokenIds(ids));
    return {
      itself,
      ofItself: logitReadout(engine, model, itself, target),
    };
  });
  try {
    const active = await activeByLayer(engine, made);
    const chosen = (layer: number): readonly number[] | undefined => active.get(layer);
    const search = async (some: DictionaryRun<T>): Promise<TopPaths> => {
      const readout = engine.scope(() =>
        logitReadout(engine, some.model, some.run, target, vocabulary.text),
      );
      try {
        return await topPaths(engine, some.model, some.run, readout, {
          ...{ given: some.sources, level: some.level, sources: ["embed"] },
          ...{ top, budget, signal },
          onProgress: (part) => onProgress({ ...part, of: "part of the paths" }),
        });
      } finally {
        engine.free(readout);
      }
    };
    const found = await withDictionaries(engine, model, ids, dictionaries, search, { chosen });
    const beside = await topPaths(engine, model, own.itself, own.ofItself, {
      ...{ level: "head", byPosition: true, top: COMPARED, budget, signal },
    });
    const whole = new Map(beside.shown.map((path) => [wholeName(path), path.effect]));
    const shown: StepPathFacts[] = [];
    for (const [i, path] of found.shown.entries()) {
      signal.throwIfAborted();
      const { source, nodes, degree, effect } = path;
      const claim = { kind: "path", source, nodes } as const;
      const verdict =
        i < checks
          ? await verify(engine, made.model, run, target, claim, { sources, level, live })
          : null;
      shown.push({
        ...{ source: source.name, position: source.position, nodes, degree, effect },
        text: pathText(path, found.readout, texts),
        model: whole.get(wholeName(path)) ?? null,
        verified: verdict && shownVerdict(verdict, vocabulary.text),
      });
    }
    return {
      ...{ shown, count: String(found.count), exhaustive: found.exhaustive },
      ...{ expanded: found.expanded, pending: found.pending },
      otherSources: found.otherSources,
      notShown: { count: String(found.count - BigInt(shown.length)), sum: found.notShown },
    };
  } finally {
    engine.free(own);
  }
}

/** The features of each replaced layer that are active somewhere, in rising order. */
async function activeByLayer<T extends Shaped>(
  engine: Engine<T>,
  made: DictionaryRun<T>,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const replaced = engine.scope(() => replacedRun(engine, made));
  try {
    const active = await activeFeatures(engine, replaced);
    return new Map(
      replaced.replacements.map(({ layer }) => {
        const own = active.filter((one) => one.layer === layer).map(({ feature }) => feature);
        return [layer, [...new Set(own)].sort((a, b) => a - b)];
      }),
    );
  } finally {
    engine.free(replaced.own);
  }
}

/** A path with MLPs whole, in which the model itself has it too. */
function wholeName({ source, nodes }: Pick<PathEffect, "source" | "nodes">): string {
  const blocks = nodes.map((node) => node.replace(/\.[FS]\d+$/, ".mlp"));
  return [`${source.name}@${source.position}`, ...blocks].join(" ");
}
