import {
  type Engine,
  InputError,
  readNumber,
  readTogether,
  type Shaped,
  using,
} from "@resolvent/tensor";
import {
  plainSites,
  type Target,
  targetValue,
  uncappedLogits,
  unembed,
} from "@resolvent/transformer";
import type { ReplacedRun } from "./replaced-run.ts";
import type { Explained } from "./targets.ts";

/** A token that may come next. */
export interface ChosenLogit {
  /** Of a target that is none, the first number that no token has. */
  readonly id: number;
  /** Of a target: 1, all that the graph explains. */
  readonly probability: number;
  /** Its logit less the mean over the vocabulary, before a cap: what its row adds up to. Of a target its value. */
  readonly value: number;
  /** Where it is no token's logit: a logit as it is, or the difference of two. */
  readonly target?: Target;
}

export interface LogitOptions {
  /** These tokens; default the likeliest. */
  readonly tokens?: readonly number[];
  /** A logit as it is, or the difference of two, in place of all others. */
  readonly target?: Target;
  /** The likeliest are taken until their probabilities reach this; default 0.95, as in circuit-tracer. */
  readonly mass?: number;
  /** Logits at most; default 10. */
  readonly most?: number;
}

/** Most logits of a graph: each is a row, and more are no answer to what comes next. */
const MAX_LOGITS = 256;

/** The logits that a graph explains, the likeliest first; those that are named in their order. */
export async function chosenLogits<T extends Shaped>(
  engine: Engine<T>,
  { model, run }: Pick<ReplacedRun<T>, "model" | "run">,
  { tokens, target, mass = 0.95, most = 10 }: LogitOptions = {},
): Promise<ChosenLogit[]> {
  const { vocab } = model.architecture;
  if (target !== undefined) {
    const value = await using(
      engine,
      () => {
        const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
        return targetValue(engine, uncappedLogits(engine, model, last, plainSites()), target);
      },
      (found) => readNumber(engine, found),
    );
    return [{ id: vocab, probability: 1, value, target }];
  }
  checkOptions({ tokens, mass, most }, vocab);
  return using(
    engine,
    () => {
      const last = engine.slice(run.residual, "pos", run.positions - 1, run.positions);
      const uncapped = uncappedLogits(engine, model, last, plainSites());
      const said = unembed(engine, model, last, plainSites());
      return {
        centred: engine.arrange(engine.center(uncapped, "vocab"), ["pos", "vocab"]),
        probabilities: engine.arrange(engine.softmax(said, "vocab"), ["pos", "vocab"]),
      };
    },
    async ({ centred, probabilities }) => {
      const [values, shares] = await readTogether(engine, [centred, probabilities]);
      const of = (id: number): ChosenLogit => ({
        ...{ id, probability: shares[id] ?? Number.NaN, value: values[id] ?? Number.NaN },
      });
      if (tokens !== undefined) return tokens.map(of);
      const { indices } = await engine.top(probabilities, "vocab", Math.min(most, vocab));
      const chosen: ChosenLogit[] = [];
      let reached = 0;
      for (const id of indices.data) {
        if (reached >= mass) break;
        chosen.push(of(id));
        reached += shares[id] ?? 0;
      }
      return chosen;
    },
  );
}

/** What these logits are as targets of rows. */
export function explainedBy(logits: readonly ChosenLogit[]): Explained {
  const target = logits[0]?.target;
  return target === undefined ? { tokens: logits.map(({ id }) => id) } : { target };
}

function checkOptions(
  { tokens, mass, most }: { readonly tokens: LogitOptions["tokens"]; mass: number; most: number },
  vocab: number,
): void {
  const fail = (message: string, details: Readonly<Record<string, unknown>>): never => {
    throw new InputError({
      code: "dictionary/bad-logits",
      message,
      remedy: `Name tokens from 0 to ${vocab - 1}, each once, or ask for 1 to ${MAX_LOGITS} of the likeliest, up to a mass above 0 and at most 1.`,
      details,
    });
  };
  const count = tokens === undefined ? most : tokens.length;
  if (!(Number.isInteger(count) && count >= 1 && count <= MAX_LOGITS)) {
    fail(`A graph has 1 to ${MAX_LOGITS} logits, got ${count}.`, { got: count, limit: MAX_LOGITS });
  }
  if (!(mass > 0 && mass <= 1))
    fail(`The mass of logits is above 0 and at most 1, got ${mass}.`, { got: mass });
  const odd = tokens?.find(
    (id, i) => !(Number.isInteger(id) && id >= 0 && id < vocab) || tokens.indexOf(id) !== i,
  );
  if (odd !== undefined) {
    fail(`Logits are tokens of the vocabulary, each once, got ${odd}.`, { got: odd, vocab });
  }
}
