import { type TargetFacts, targetFacts } from "@resolvent/analysis";
import type { Engine, Ops, Shaped } from "@resolvent/tensor";
import {
  headName,
  type Level,
  likeliestTarget,
  type Model,
  plainSites,
  type Target,
  uncappedLogits,
} from "@resolvent/transformer";
import { type Answer, answersOf } from "./answer.ts";
import type { FrozenRun } from "./frozen-run.ts";
import type { ShownAnswer, ShownScore, ShownVerdict } from "./path-expansion.ts";
import { logitReadout, type Readout } from "./readout.ts";
import { type HeadScore, scoreOf, scoreReadout, verifyScore } from "./score-readout.ts";
import type { PathClaim } from "./taken-path.ts";
import { type Verdict, verify } from "./verify.ts";

/** What the paths of a run end in: a target of logits, or the score of a head. */
export interface PathEnd<T> {
  readonly what: Target | HeadScore;
  /** On the engine: whoever asks for the end frees it. */
  readonly readout: Readout<T>;
  readonly facts: TargetFacts;
  readonly answer: ShownAnswer;
  /** Of a head. */
  readonly score?: ShownScore;
  /** Nodes of the longest path to it at most, where that is known to be less than those of the model. */
  readonly most: number;
  /** Checks a path, or one of its routes, by intervention. */
  verdict(claim: PathClaim): Promise<ShownVerdict>;
}

export interface PathEndOptions {
  /** Default the two likeliest tokens. */
  readonly target?: Target | undefined;
  readonly level: Level;
  readonly text: (id: number) => string;
}

/** The end in a target, or in the two likeliest tokens. */
export async function targetEnd<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  { target: asked, level, text }: PathEndOptions,
): Promise<PathEnd<T>> {
  const said = engine.scope(() => lastLogits(engine, model, run));
  try {
    const what = asked ?? (await likeliestTarget(engine, said));
    const [found] = await answersOf(engine, model, [said], what);
    const answer = shownAnswer(text)(found as Answer); // of one
    return {
      ...{ what, answer, facts: targetFacts(what, answer.value, text) },
      readout: engine.scope(() => readoutOf(engine, model, run, what, text)),
      most: Number.POSITIVE_INFINITY,
      verdict: async (claim) =>
        shownVerdict(await verify(engine, model, run, what, claim, { level }), text),
    };
  } finally {
    engine.free(said);
  }
}

/** The end in the score of a head, which no path reaches through blocks that come after it. */
export async function scoreEnd<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  what: HeadScore,
  { level }: Pick<PathEndOptions, "level">,
): Promise<PathEnd<T>> {
  const { value, probability } = await scoreOf(engine, model, run, what);
  const readout = engine.scope(() => readoutOf(engine, model, run, what));
  return {
    ...{ what, readout, facts: { readout: readout.name, a: null, b: null, value } },
    answer: { value, top: [] },
    score: { ...what, name: headName(what), probability },
    most: readout.before,
    verdict: async (claim) => {
      const { without, ...numbers } = await verifyScore(engine, model, run, what, claim, { level });
      const { frozen, live } = without;
      return {
        ...numbers,
        without: { frozen: { value: frozen, top: [] }, live: { value: live, top: [] } },
      };
    },
  };
}

/** What paths end in: logits, or the score of a head. */
export function readoutOf<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  run: FrozenRun<T>,
  what: Target | HeadScore,
  text?: (id: number) => string,
): Readout<T> {
  return "layer" in what
    ? scoreReadout(ops, model, run, what)
    : logitReadout(ops, model, run, what, text);
}

/** The logits of the run at its last position, uncapped: `pos, vocab`. */
function lastLogits<T extends Shaped>(engine: Engine<T>, model: Model<T>, run: FrozenRun<T>): T {
  const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
  return uncappedLogits(engine, model, last, plainSites());
}

function shownAnswer(text: (id: number) => string): (answer: Answer) => ShownAnswer {
  return ({ target, token, logit, probability }) => ({
    value: target,
    top: [{ id: token, text: text(token), logit, probability }],
  });
}

/** A verdict as results have it, tokens with their texts. */
export function shownVerdict(
  { without, ...numbers }: Verdict,
  text: (id: number) => string,
): ShownVerdict {
  const inWords = shownAnswer(text);
  return {
    ...numbers,
    without: { frozen: inWords(without.frozen), live: inWords(without.live) },
  };
}
