import { badTokenizer, byType, isCount, isObject, isText, type Part, wrong } from "./part.ts";

/** Puts special tokens around the ids of a text. */
export type PostProcessor = (ids: readonly number[]) => readonly number[];

export function postProcessorOf(part: Part | undefined): PostProcessor {
  return part === undefined ? (ids) => ids : byType(part, POST_PROCESSORS);
}

/** Ids before and after a text. */
export function around(before: readonly number[], after: readonly number[]): PostProcessor {
  return (ids) => [...before, ...ids, ...after];
}

const POST_PROCESSORS: Readonly<Record<string, (part: Part) => PostProcessor>> = {
  // It only trims the places that tokens are said to have.
  ByteLevel: (part) => {
    part.only("add_prefix_space", "trim_offsets", "use_regex");
    return (ids) => ids;
  },
  TemplateProcessing: template,
  BertProcessing: (part) => {
    part.only("sep", "cls");
    return around([pairId(part, "cls")], [pairId(part, "sep")]);
  },
  RobertaProcessing: (part) => {
    part.only("sep", "cls", "trim_offsets", "add_prefix_space");
    return around([pairId(part, "cls")], [pairId(part, "sep")]);
  },
  Sequence: (part) => {
    part.only("processors");
    const steps = part.list("processors").map(postProcessorOf);
    return (ids) => steps.reduce((now, step) => step(now), ids);
  },
};

function pairId(part: Part, name: string): number {
  const pair = part.raw(name);
  if (!Array.isArray(pair) || !isText(pair[0]) || !isCount(pair[1])) {
    throw wrong(`${part.path}.${name}`, "a token and its id", pair);
  }
  return pair[1];
}

function template(part: Part): PostProcessor {
  part.only("single", "pair", "special_tokens");
  const special = part.inside("special_tokens");
  const steps = part.list("single").map((item): readonly number[] | "text" => {
    item.only("SpecialToken", "Sequence");
    if (item.inside("Sequence") !== undefined) return "text";
    const name = item.inside("SpecialToken")?.text("id");
    const entry = name === undefined ? undefined : special?.raw(name);
    const ids = isObject(entry) ? entry.ids : undefined;
    if (!Array.isArray(ids) || !ids.every(isCount)) {
      throw badTokenizer(
        `${item.path} names ${JSON.stringify(name) ?? "nothing"}, whose ids are not in special_tokens`,
        { field: item.path },
      );
    }
    return ids;
  });
  return (ids) => steps.flatMap((step) => (step === "text" ? ids : step));
}
