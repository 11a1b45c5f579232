import { InputError } from "@resolvent/tensor";
import type { Encoder } from "./encoder.ts";
import { type Random, seededRandom } from "./random.ts";
import { drawAgreement } from "./tales/agreement.ts";
import { drawFact } from "./tales/facts.ts";
import { drawGiving } from "./tales/giving.ts";
import { drawPronoun } from "./tales/pronouns.ts";
import { drawGreeting, isReservedGreeting } from "./tales/quotes.ts";
import { type Person, people, places } from "./tales/words.ts";

/** A token to be predicted within a case. */
export interface Target {
  /** Index into the case's ids: the logits read there are those for the next token. */
  readonly pos: number;
  /** The token that should come next. */
  readonly answer: number;
  /** The token that must not be preferred to it, where there is one. */
  readonly wrong?: number;
}

/** One sequence, beginning with `<|endoftext|>`, and what is asked in it. */
export interface TaskCase {
  readonly ids: readonly number[];
  readonly targets: readonly Target[];
}

/** An evaluation task. `scoreTask` says how it is measured. */
export interface Task {
  readonly name: string;
  readonly cases: readonly TaskCase[];
}

/** A question as text: the answer follows the prompt. Answers begin with their space. */
export interface Question {
  readonly prompt: string;
  readonly answer: string;
  readonly wrong: string;
}

export interface DrawOptions {
  /** Same seed, same cases. Never the same as training tales, whatever the seed. */
  readonly seed: number;
  /** How many cases. */
  readonly count: number;
}

const draw = <T>({ seed, count }: DrawOptions, name: string, one: (random: Random) => T): T[] => {
  const random = seededRandom(seed).fork(`tasks/${name}`);
  return Array.from({ length: count }, () => one(random));
};

const pairOf = (random: Random): [Person, Person] => {
  const [a, b] = random.sample(people, 2);
  return [a as Person, b as Person]; // there are more than two
};

/**
 * Indirect object identification (Wang et al. 2022): "When Mary and John went to the market, John gave
 * a drink to" → " Mary", not " John". Opening, both names and action are a combination that no tale contains.
 */
export function indirectObject(options: DrawOptions): Question[] {
  return draw(options, "indirectObject", (random) => {
    const [giver, recipient] = pairOf(random);
    const { prompt } = drawGiving(random, [giver, recipient], () => random.pick(places), true);
    return { prompt, answer: ` ${recipient.name}`, wrong: ` ${giver.name}` };
  });
}

/**
 * The verb agrees with the first noun, not with the nearer one: "The key to the gates" → " was".
 * Only subjects whose two nouns differ in number, in combinations that no tale contains.
 */
export function agreementQuestions(options: DrawOptions): Question[] {
  return draw(options, "agreement", (random) => {
    for (;;) {
      const { subject, attracted, verb, wrong } = drawAgreement(random, "past", true);
      if (attracted) return { prompt: subject, answer: ` ${verb}`, wrong: ` ${wrong}` };
    }
  });
}

/** He or she, his or her, by the name: "Mary was hungry, so" → " she". Combinations that no tale contains. */
export function pronounQuestions(options: DrawOptions): Question[] {
  return draw(options, "pronoun", (random) => {
    const { prompt, answer, wrong } = drawPronoun(
      random,
      random.pick(people),
      random.pick(places),
      true,
    );
    return { prompt, answer: ` ${answer}`, wrong: ` ${wrong}` };
  });
}

/** A fact from the sentence before: "The cup was in the red box. … Where was the cup? In the" → " red". */
export function factQuestions(options: DrawOptions): Question[] {
  return draw(options, "facts", (random) => {
    const { prompt, answer, wrong } = drawFact(random, pairOf(random));
    return { prompt, answer: ` ${answer}`, wrong: ` ${wrong}` };
  });
}

/** Who speaks next: '"Good night, Tom," said Anna. "Good night, Anna," said' → " Tom". Pairs that no tale contains. */
export function quoteQuestions(options: DrawOptions): Question[] {
  return draw(options, "quotes", (random) => {
    let pair = pairOf(random);
    while (!isReservedGreeting(pair)) pair = pairOf(random);
    const { prompt, answer, wrong } = drawGreeting(random, pair);
    return { prompt, answer: ` ${answer}`, wrong: ` ${wrong}` };
  });
}

/**
 * Questions as token ids, `<|endoftext|>` first, each with one target at its end.
 *
 * @throws InputError `train/answer-tokens` where an answer is not a single token.
 */
export function questionTask(name: string, questions: readonly Question[], encoder: Encoder): Task {
  const cases = questions.map(({ prompt, answer, wrong }) => {
    const ids = [encoder.endOfText, ...encoder.encode(prompt)];
    const target = {
      pos: ids.length - 1,
      answer: singleId(answer, encoder),
      wrong: singleId(wrong, encoder),
    };
    return { ids, targets: [target] };
  });
  return { name, cases };
}

export interface RepeatedNamesOptions extends DrawOptions {
  readonly encoder: Encoder;
  /** Names in the sequence that is repeated; default 12. At most the number of names there are. */
  readonly length?: number;
}

/**
 * Induction on random names: `<|endoftext|> B B`, where B is different names in random order, each with
 * its leading space. Targets are the names of the second B from its second on, each after the name before
 * it: only what followed that name the first time tells which comes.
 *
 * @throws InputError `train/answer-tokens` where a name is not a single token, `train/too-few-names`.
 */
export function repeatedNames(options: RepeatedNamesOptions): Task {
  const { encoder, length = 12 } = options;
  if (!Number.isInteger(length) || length < 2 || length > people.length) {
    throw new InputError({
      code: "train/too-few-names",
      message: `A sequence of different names holds 2 to ${people.length} of them, got ${length}.`,
      remedy: "Ask for fewer.",
      details: { length, names: people.length },
    });
  }
  const cases = draw(options, "repeatedNames", (random) => {
    const once = random.sample(people, length).map(({ name }) => singleId(` ${name}`, encoder));
    const targets = once.slice(1).map((answer, i) => ({ pos: 1 + length + i, answer }));
    return { ids: [encoder.endOfText, ...once, ...once], targets };
  });
  return { name: "repeatedNames", cases };
}

/** All tasks, `count` cases of each. */
export function allTasks(options: DrawOptions & { readonly encoder: Encoder }): Task[] {
  const { encoder } = options;
  return [
    questionTask("indirectObject", indirectObject(options), encoder),
    repeatedNames(options),
    questionTask("agreement", agreementQuestions(options), encoder),
    questionTask("pronoun", pronounQuestions(options), encoder),
    questionTask("facts", factQuestions(options), encoder),
    questionTask("quotes", quoteQuestions(options), encoder),
  ];
}

const singleId = (word: string, encoder: Encoder): number => {
  const id = encoder.single(word);
  if (id === undefined) {
    throw new InputError({
      code: "train/answer-tokens",
      message: `"${word}" is ${encoder.encode(word).length} tokens; an answer has to be one.`,
      remedy: "Train the tokenizer on more tales or with a larger vocabulary.",
      details: { word, ids: encoder.encode(word) },
    });
  }
  return id;
};
