import { InputError } from "@resolvent/tensor";
import type { Task, TaskCase } from "./tasks.ts";

/** Shares of targets, 0 to 1. */
export interface Score {
  readonly name: string;
  /** Targets measured. */
  readonly targets: number;
  /** logit(answer) is above every other token's. */
  readonly top1: number;
  /** logit(answer) > logit(wrong), over the targets with a wrong answer; undefined where none has one. */
  readonly preferred: number | undefined;
}

/** Logits of one case, `[pos, vocab]` in memory order, for every position of its ids. */
export type LogitsOf = (ids: readonly number[]) => ArrayLike<number>;

/**
 * How well a model does a task. The accuracy that is reported is `preferred` for tasks with wrong answers
 * (indirect object identification, as in Wang et al. 2022), with `top1` beside it, and `top1` for
 * `repeatedNames`. A tie counts as a failure.
 *
 * @throws InputError `train/logits-size` where the logits are not `ids × vocab` many.
 */
export function scoreTask(task: Task, logitsOf: LogitsOf): Score {
  let targets = 0;
  let top = 0;
  let compared = 0;
  let preferred = 0;
  for (const taskCase of task.cases) {
    const logits = logitsOf(taskCase.ids);
    const vocab = vocabOf(taskCase, logits);
    for (const { pos, answer, wrong } of taskCase.targets) {
      const at = (id: number): number => logits[pos * vocab + id] ?? Number.NaN;
      targets++;
      if (isTop(answer, vocab, at)) top++;
      if (wrong === undefined) continue;
      compared++;
      if (at(answer) > at(wrong)) preferred++;
    }
  }
  return {
    name: task.name,
    targets,
    top1: top / targets,
    preferred: compared === 0 ? undefined : preferred / compared,
  };
}

const isTop = (answer: number, vocab: number, at: (id: number) => number): boolean => {
  const mine = at(answer);
  for (let id = 0; id < vocab; id++) if (id !== answer && !(at(id) < mine)) return false;
  return true;
};

const vocabOf = ({ ids }: TaskCase, logits: ArrayLike<number>): number => {
  const vocab = logits.length / ids.length;
  if (!Number.isInteger(vocab) || vocab === 0) {
    throw new InputError({
      code: "train/logits-size",
      message: `Expected logits [pos: ${ids.length}, vocab], got ${logits.length} numbers.`,
      remedy: "Return the logits of every position of the case.",
      details: { pos: ids.length, got: logits.length },
    });
  }
  return vocab;
};
