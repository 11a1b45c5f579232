import {
  pause,
  percent,
  type Spread,
  type Subject,
  short,
  spreadOf,
  spreadText,
} from "@resolvent/analysis";
import { readTogether, type Shaped, using } from "@resolvent/tensor";
import { crossEntropy, likeliestTokens, run, tokenIds } from "@resolvent/transformer";

/** How well a model tells what comes next in the texts of its report. */
export interface NextTokens {
  /** The first position, from 0, whose token counts; those before it are read only. */
  readonly from: number;
  /** Tokens that were to be told, of all sequences. */
  readonly tokens: number;
  /** Mean loss of a sequence, nats a token. */
  readonly loss: Spread;
  /** The share of the tokens of a sequence that are the model's first choice. */
  readonly accuracy: Spread;
}

/** Measures it on sequences; null where none of them reaches the first position. */
export async function nextTokens<T extends Shaped>(
  { engine, model, signal }: Pick<Subject<T>, "engine" | "model" | "signal">,
  sequences: readonly (readonly number[])[],
  from: number,
): Promise<NextTokens | null> {
  const losses: number[] = [];
  const right: number[] = [];
  let tokens = 0;
  for (const ids of sequences.filter(({ length }) => length > from)) {
    const next = tokenIds(ids.slice(from));
    const count = next.data.length;
    const asked = (): { readonly logits: T; readonly each: T } => {
      const { logits } = run(engine, model, ids);
      const own = engine.slice(logits, "pos", from - 1, ids.length - 1);
      return { logits: own, each: crossEntropy(engine, own, next) };
    };
    await using(engine, asked, async ({ logits, each }) => {
      const [[own], first] = await Promise.all([
        readTogether(engine, [each]),
        likeliestTokens(engine, logits, ["pos"]),
      ]);
      losses.push((own ?? []).reduce((sum, loss) => sum + loss, 0) / count);
      right.push(first.filter((id, i) => id === next.data[i]).length / count);
    });
    tokens += count;
    await pause(signal);
  }
  if (tokens === 0) return null;
  return { from, tokens, loss: spreadOf(losses), accuracy: spreadOf(right) };
}

/** The same in words. */
export function nextTokensText({ from, tokens, loss, accuracy }: NextTokens): string {
  const where = from === 1 ? "" : `, from position ${from} on`;
  return `next-token loss ${spreadText(loss, short)} nats, and ${accuracyText(accuracy)} of ${tokens} tokens are the model's first choice${where}`;
}

/** Without its interval where that is wider than all shares there are: few sequences do not say more. */
function accuracyText(accuracy: Spread): string {
  const { mean, high, count } = accuracy;
  return high !== null && high - mean > 1
    ? `${percent(mean)} (${count} sequences are too few for an interval)`
    : spreadText(accuracy, percent);
}
