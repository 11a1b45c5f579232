import type { Presentation, Result, Table, View } from "@resolvent/analysis";

/** A presentation of results of a kind that only it knows: who calls it looks at the kind first. */
interface Known {
  readonly kind: string;
  readonly schemaVersion: number;
  readonly tables: (result: never) => readonly Table[];
  readonly views: (result: never) => readonly View[];
}

/** What an element shows. */
export interface Shows {
  /** Its name: `resolvent-degrees`. */
  readonly name: string;
  /** How the results are shown that it knows, beside those that come with their tables and views. */
  readonly knows: readonly Known[];
  /** Kinds of tables of which it shows views; default all. */
  readonly tables?: readonly string[];
  /** Marks of these views; default all. */
  readonly marks?: readonly View["mark"][];
  /** What to do where a result has none of them. */
  readonly remedy?: string;
}

/** The same of a result in hand. */
export function presentationFor(
  { knows }: Shows,
  { kind }: Result,
): Presentation<Result> | undefined {
  // Its functions take results of its own kind.
  return knows.find((one) => one.kind === kind) as Presentation<Result> | undefined;
}
