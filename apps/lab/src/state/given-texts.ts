import type { Values } from "@resolvent/analysis";
import type { Work, WorkText } from "@resolvent/analysis/remote";

/** Values of parameters, where a file is its name and its text, as links have them. */
export interface SplitValues {
  readonly values: Values;
  readonly texts: Readonly<Record<string, WorkText>>;
}

/** Values as work has them: files apart. */
export function splitValues(all: Values): SplitValues {
  const entries = Object.entries(all);
  return {
    values: Object.fromEntries(entries.filter(([, value]) => !isText(value))),
    texts: Object.fromEntries(
      entries.flatMap(([name, value]) => (isText(value) ? [[name, value]] : [])),
    ),
  };
}

/** Values of work with its files among them, by the names of their parameters. */
export function joinedValues({ values, texts }: Pick<Work, "values" | "texts">): Values {
  return { ...values, ...texts };
}

/** Characters of a file that a link has at most: browsers take no address of any length. */
const LINKED = 20_000;

/** Values as a link has them: without files that are too long for one. */
export function linkedValues(all: Values): Values {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => !isText(value) || value.text.length <= LINKED),
  );
}

function isText(value: unknown): value is WorkText {
  const { name, text } = Object(value); // of what has no fields, none
  return typeof name === "string" && typeof text === "string";
}
