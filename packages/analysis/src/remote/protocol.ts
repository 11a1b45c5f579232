import type { Cost } from "@resolvent/tensor";
import type { Warning } from "@resolvent/transformer";
import type { Parameter } from "../described.ts";
import type { Values } from "../host.ts";
import type { JsonSchema } from "../json-schema.ts";
import type { Need } from "../needs.ts";
import type { ModelFacts, Result, TokenFacts } from "../result.ts";
import type { Soundness } from "../soundness.ts";
import type { ModelFiles, Progress, Prompt } from "../subject.ts";
import type { Table } from "../table.ts";
import type { View } from "../view.ts";

/**
 * The protocol between whoever shows analyses and whoever runs them: a page and its worker, a page and a server on the
 * same machine. Messages are plain data that survives JSON. Each request has an id of the asker's choosing; each reply
 * says to which request it belongs.
 *
 * | request | replies |
 * |---|---|
 * | `describe` | `description`: the analyses, or those asked for with all that they say, and the models |
 * | `model` | `model`: what its headers say; nothing is loaded |
 * | `tokens` | `tokens` of a text |
 * | `engines` | `engines`: what may compute a model, what does, and why |
 * | `estimate` | `estimate` of work; nothing is loaded |
 * | `plan` | `findings` of what work would do, where its analysis opens models itself; nothing is written |
 * | `draw` | `figures`: the figures of findings as SVG, from those that can draw |
 * | `run` | any number of `progress`, `warnings` and `partial`, then `findings` |
 * | `cancel` | none of its own: the request that it names ends by `failure` of the kind `cancelled` |
 *
 * In place of the last reply comes `failure`. Runs are made one after the other, in the order in which they were asked
 * for. A side that gets a message of another version answers `remote/other-version`, and never guesses.
 */
export const PROTOCOL = 1;

/** Characters of a sentence in a message at most. */
export const SENTENCE = 10_000;

/** What work is about. */
export interface Work {
  /** The name of the analysis. */
  readonly analysis: string;
  /** The model as the answering side knows it: a name of its description, or what a user has given it; "" of none. */
  readonly model: string;
  /** By parameter name: what is not given is as the analysis has it by default. */
  readonly values: Values;
  readonly precision: "f32" | "f64";
  /** Whether results are certified in float64 where the computation is not in it. */
  readonly float64: boolean;
  /** Dictionaries as the answering side knows them, in their order; default those that it has for the model. */
  readonly dictionaries?: readonly string[];
  /** The engine to use; default the one that the answering side chooses. */
  readonly engine?: string;
  /** Texts for parameters that are files, by the names of these. */
  readonly texts?: Readonly<Record<string, WorkText>>;
}

/** A file by what is in it. */
export interface WorkText {
  /** What messages and results call it. */
  readonly name: string;
  /** Of a file that is no text `data:application/octet-stream;base64,` and its bytes. */
  readonly text: string;
}

/** What is asked, without its head. */
export type Question =
  | {
      readonly ask: "describe";
      /** Of these analyses all that they say; default of all their names and summaries. */
      readonly analyses?: readonly string[];
    }
  | { readonly ask: "model"; readonly model: string }
  | { readonly ask: "tokens"; readonly model: string; readonly prompt: Prompt }
  | {
      readonly ask: "engines";
      readonly model: string;
      readonly precision: Work["precision"];
    }
  | { readonly ask: "estimate"; readonly work: Work }
  | { readonly ask: "plan"; readonly work: Work }
  | { readonly ask: "run"; readonly work: Work }
  | {
      readonly ask: "draw";
      readonly findings: Findings;
      /** Pixels; default 720. */
      readonly width?: number;
    }
  | { readonly ask: "cancel"; readonly request: number };

/** A message to the side that answers. */
export type Request = Question & { readonly protocol: typeof PROTOCOL; readonly id: number };

/** An analysis in a list. */
export interface AnalysisSummary {
  readonly name: string;
  readonly summary: string;
}

/** All that an analysis says about itself. */
export interface AnalysisDescription extends AnalysisSummary {
  readonly description: string;
  readonly examples: readonly string[];
  /** As forms and options show them. */
  readonly parameters: readonly Parameter[];
  /** The same as JSON Schema of 2020-12. */
  readonly schema: JsonSchema;
  /** What it needs, or may need, beside the weights of one model. */
  readonly needs: readonly Need[];
  /** Whether results are certified in float64 where that is wanted. */
  readonly float64: boolean;
  /** Whether it works on what the model's files say, and computes nothing. */
  readonly outline: boolean;
  /** That it opens models itself, by names in what it reads: none is given to it, and it has a plan in place of an estimate. */
  readonly files?: true;
}

/** A model in a list. */
export interface ModelSummary {
  readonly name: string;
  readonly summary: string;
}

export interface Description {
  /** In the order in which people see them. */
  readonly analyses: readonly (AnalysisSummary | AnalysisDescription)[];
  readonly models: readonly ModelSummary[];
  /** What computes, in a few words: `cpu, 1 thread`. */
  readonly engine: string;
  /** What it computes in, whatever a request says; absent where that is as the request says. */
  readonly precision?: "f64";
  /** Dictionaries by name, each of a model; absent where there are none. */
  readonly dictionaries?: readonly DictionarySummary[];
}

/** A dictionary, or a set of them, in a list. */
export interface DictionarySummary extends ModelSummary {
  /** The name of the model that it belongs to; null where its files do not say whose it is. */
  readonly model: string | null;
}

/** An engine as people choose it. */
export interface EngineFacts {
  readonly name: string;
  /** What computes, or why nothing can. */
  readonly what: string;
  /** In which it can compute there; none where it cannot compute at all. */
  readonly precisions: readonly Work["precision"][];
  /** Estimated milliseconds of a forward pass of 128 tokens, where it was timed. */
  readonly milliseconds?: number | undefined;
}

/** The engines that there are, and which of them computes where none is asked for. */
export interface EngineList {
  readonly engine: string;
  /** In words. */
  readonly why: string;
  readonly engines: readonly EngineFacts[];
}

/** What a model's headers say. */
export interface ModelDescription {
  readonly model: ModelFacts;
  readonly vocab: number;
  /** What its weights would take in memory, and how they would be kept. */
  readonly weights: ModelFiles["weights"];
  readonly warnings: readonly Warning[];
}

/** What work would take: the cost of the computation, and the weights beside it. */
export type Estimate = Cost & Pick<ModelFiles, "weights">;

/** A result with all that is shown of it, so that whoever shows it needs no code of the analysis. */
export interface Findings {
  readonly result: Result;
  readonly soundness: Soundness;
  /** What came out, in sentences. */
  readonly answer: readonly string[];
  readonly tables: readonly Table[];
  /** Checked against the tables. */
  readonly views: readonly View[];
}

/** A figure of findings, for whoever cannot draw it. */
export interface Figure {
  readonly title: string;
  readonly note: string | null;
  /** A whole SVG, in colours of its own on white, that refers to nothing outside of itself. */
  readonly svg: string;
}

/** Why there is no answer. */
export interface Failure {
  /** `input`: what was asked cannot be done; `internal`: a fault of the program; `cancelled`: as somebody wished. */
  readonly kind: "input" | "internal" | "cancelled";
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** What is answered, without its head. */
export type Answer =
  | { readonly say: "description"; readonly description: Description }
  | { readonly say: "model"; readonly model: ModelDescription }
  | { readonly say: "tokens"; readonly tokens: readonly TokenFacts[] }
  | { readonly say: "engines"; readonly engines: EngineList }
  | { readonly say: "estimate"; readonly estimate: Estimate }
  | { readonly say: "figures"; readonly figures: readonly Figure[] }
  | { readonly say: "progress"; readonly progress: Progress }
  | { readonly say: "warnings"; readonly warnings: readonly Warning[] }
  | { readonly say: "partial"; readonly findings: Findings }
  | { readonly say: "findings"; readonly findings: Findings }
  | { readonly say: "failure"; readonly failure: Failure };

/** A message to the side that asks; `to` is null where a message was no request. */
export type Reply = Answer & { readonly protocol: typeof PROTOCOL; readonly to: number | null };
