import type { Shaped, SyncEngine } from "@resolvent/tensor";
import { type Model, nextTokenLoss, run, tokenIds } from "@resolvent/transformer";
import type { Encoder } from "../encoder.ts";
import { taleBatches } from "../pack.ts";
import { type Score, scoreTask } from "../score.ts";
import { type SkillName, skillQuestions, skills } from "../skills/skill.ts";
import { allTasks, questionTask, type Task } from "../tasks.ts";
import type { VariantsRecipe } from "./recipe.ts";

/** A kind of text: `tales`, or tales half of whose scenes are of a skill. */
export type Corpus = "tales" | SkillName;

/** What models are measured on. */
export interface Trial {
  /** Held-out texts of each kind as token ids. */
  readonly texts: Readonly<Record<Corpus, readonly (readonly number[])[]>>;
  /** Questions of each skill. */
  readonly tasks: readonly Task[];
  /** What `tales` itself is asked. */
  readonly ofTales: readonly Task[];
}

/** What was measured of a model. */
export interface MeasuredModel {
  /** Mean next-token loss by kind of text, nats. */
  readonly loss: Readonly<Record<Corpus, number>>;
  /** By skill, the share of questions whose answer is above the wrong one, and above every other token. */
  readonly scores: Readonly<Record<SkillName, Pick<Score, "preferred" | "top1">>>;
  /** The same of the tasks of `tales`, on average: of each what its card reports. */
  readonly ofTales: number;
}

const CORPORA = ["tales", "colours", "recoloured", "rows"] as const satisfies readonly Corpus[];
const SKILLS = ["colours", "recoloured", "rows"] as const satisfies readonly SkillName[];

/** The texts and questions of a recipe. */
export function trialOf(
  encoder: Encoder,
  { measured: { seed, rows, length, questions }, each }: VariantsRecipe,
): Trial {
  const textsOf = (corpus: Corpus): number[][] => {
    const skill = corpus === "tales" ? undefined : skills[corpus];
    const { data } = taleBatches({
      ...{ encoder, seed, batch: rows, context: length - 1, split: "held-out" as const },
      ...(skill && { skill: { scene: skill.scene, share: each.share } }),
    }).next().value;
    return Array.from({ length: rows }, (_, row) => [
      ...data.subarray(row * length, (row + 1) * length),
    ]);
  };
  return {
    texts: byName(CORPORA, textsOf),
    tasks: SKILLS.map((name) =>
      questionTask(name, skillQuestions(name, { seed, count: questions }), encoder),
    ),
    ofTales: allTasks({ encoder, seed, count: Math.ceil(questions / 4) }),
  };
}

/** Measures one model. */
export function measureModel<T extends Shaped>(
  engine: SyncEngine<T>,
  model: Model<T>,
  { texts, tasks, ofTales }: Trial,
): MeasuredModel {
  const logitsOf = (ids: readonly number[]) =>
    engine.scope(() => engine.read(run(engine, model, ids).logits).data);
  const scores = new Map(
    tasks.map((task) => {
      const { preferred, top1 } = scoreTask(task, logitsOf);
      return [task.name, { preferred, top1 }] as const;
    }),
  );
  const shares = ofTales.map((task) => {
    const { preferred, top1 } = scoreTask(task, logitsOf);
    return preferred ?? top1;
  });
  return {
    loss: byName(CORPORA, (corpus) => lossOn(engine, model, texts[corpus])),
    scores: byName(SKILLS, (name) => scores.get(name) as Pick<Score, "preferred" | "top1">), // each has a task
    ofTales: shares.reduce((sum, share) => sum + share, 0) / shares.length,
  };
}

/** Mean next-token loss of texts of one length, nats. */
function lossOn<T extends Shaped>(
  engine: SyncEngine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
): number {
  return engine.scope(() => {
    const { logits } = run(engine, model, rows);
    return engine.read(nextTokenLoss(engine, logits, tokenIds(rows))).data[0] ?? Number.NaN;
  });
}

function byName<K extends string, V>(
  names: readonly K[],
  value: (name: K) => V,
): Readonly<Record<K, V>> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, V>; // one for each
}
