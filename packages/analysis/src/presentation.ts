import { type PromptSet, setTables } from "./prompt-set.ts";
import type { Result } from "./result.ts";
import { setAnswer, setViews } from "./set-views.ts";
import type { Table } from "./table.ts";
import type { View } from "./view.ts";

/**
 * How results of a kind are shown: what an analysis says of its results, without the analysis. Whoever has a result and
 * no model, as a page, imports this in place of it.
 */
export interface Presentation<R extends Result> {
  readonly kind: R["kind"];
  /** Of the results that it knows; older ones too, where it shows them. */
  readonly schemaVersion: number;
  readonly tables: (result: R) => readonly Table[];
  readonly views: (result: R) => readonly View[];
  /** What came out, in sentences. */
  readonly answer: (result: R) => readonly string[];
}

/** Sets of prompts, of any analysis: their means over prompts. */
export const promptSetPresentation: Presentation<PromptSet> = {
  ...{ kind: "prompt-set", schemaVersion: 1 },
  ...{ tables: setTables, views: setViews, answer: setAnswer },
};
