import {
  bytes,
  defineAnalysis,
  type FilesAnalysis,
  type FilesSubject,
  type NewFolder,
  type ResultHead,
  resultHead,
} from "@resolvent/analysis";
import { InternalError } from "@resolvent/tensor";
import { architectureOf } from "@resolvent/transformer";
import { forwardCheck } from "../forward-check.ts";
import { type MergeIntoOptions, mergeInto, writtenSha256 } from "../merge-into.ts";
import type { WrittenMerge } from "../merged-files.ts";
import { type OpenMergeModel, openMergeModel } from "../model.ts";
import { mergeBytes } from "../output.ts";
import type { MergePlan } from "../plan.ts";
import { planMerge } from "../plan-merge.ts";
import { modelsOf, readMergeConfig } from "../read-config.ts";
import type { Recipe } from "../recipe.ts";
import { refuse } from "../refuse.ts";
import { modelNamed, resultConfig } from "../result-files.ts";
import type { HashProgress, MergeProgress } from "../shard-pieces.ts";
import { configText } from "./config-text.ts";
import { mergeCost } from "./merge-cost.ts";
import { mergeGroups } from "./merge-groups.ts";
import { mergeInputs } from "./merge-inputs.ts";
import { type MergeParameters, mergeParameters } from "./merge-parameters.ts";
import type { Merge, MergePlanned } from "./merge-result.ts";
import { MERGE_TABLES, mergeAnswer, mergeTables, mergeViews } from "./merge-tables.ts";
import { mergeWarnings } from "./merge-warnings.ts";

/** What was written, and whether it was loaded and has read a token. */
interface WrittenAndChecked extends WrittenMerge {
  readonly verified: boolean;
}

/** Carries a plan out into a folder, wherever that is. */
export type MergeWriter = (
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  out: NewFolder,
  options: MergeIntoOptions & { readonly threads?: number },
) => Promise<WrittenAndChecked>;

/** Merges models as a configuration says, into a new folder, by what writes one here. A dry run gives the plan. */
export function mergeAnalysisBy(
  write: MergeWriter,
): FilesAnalysis<MergeParameters, Merge, MergePlanned> {
  return defineAnalysis<MergeParameters, Merge, MergePlanned>({
    name: "merge",
    needs: "files",
    summary: "merge models into a new folder, as mergekit's YAML says",
    description:
      "Merges the models that CONFIG names into the new folder OUT: mergekit's YAML, computed in float64 and rounded once. All that can be refused is refused before a byte is written; --dry-run says what would be done. Stopped and called again, it goes on where it was; nothing that is there is replaced. Paths in CONFIG start at the working directory; models may also be bundled (tales) or on the Hub (org/name@revision).",
    params: mergeParameters,
    examples: ["merge.yml merged", "merge.yml merged --dry-run --json", "- merged < merge.yml"],
    plan: async (subject, params) => {
      const all = await planned(subject, params);
      const { plan, models } = all;
      const name = params.out?.name ?? "the merge";
      return {
        ...headOf("merge-plan", all, { name }),
        ...factsOf(plan, models, params),
        plan,
      };
    },
    run: (subject, params) => merged(subject, params, write),
    tables: mergeTables,
    tableKinds: MERGE_TABLES,
    answer: mergeAnswer,
    views: mergeViews,
  });
}

/** Into the folder's own files, on this thread: in a browser, and wherever a folder is no place of the machine. */
export const writeInto: MergeWriter = async (plan, models, out, options) => {
  let written: WrittenAndChecked | undefined;
  await out.write(async (file, folder) => {
    const made = await mergeInto(plan, models, file, { ...options, written: folder });
    const verified = options.verify !== undefined && folder !== undefined;
    written = { ...made, verified };
  }, mergeBytes(plan, models).written);
  if (written === undefined) throw unfilled(out.name);
  return written;
};

function unfilled(name: string): InternalError {
  return new InternalError({
    code: "merge/unfilled",
    message: `${name} was written, and nothing was asked for its files.`,
    details: { name },
  });
}

/** A plan, and the models that it was made for. */
interface Planned {
  readonly text: string;
  readonly recipe: Recipe;
  readonly plan: MergePlan;
  readonly models: ReadonlyMap<string, OpenMergeModel>;
}

async function planned(
  { folder, signal }: FilesSubject,
  { config, trimming }: MergeParameters,
): Promise<Planned> {
  const text = await configText(config);
  const recipe = readMergeConfig(text);
  const models = new Map<string, OpenMergeModel>();
  for (const { name } of modelsOf(recipe)) {
    signal.throwIfAborted();
    models.set(name, await openMergeModel(await folder(name), { signal }));
  }
  return { text, recipe, plan: planMerge(recipe, models, { trimming }), models };
}

async function merged(
  subject: FilesSubject,
  params: MergeParameters,
  write: MergeWriter,
): Promise<Merge> {
  const { out, seed, rescaling, shardBytes, hash, verify } = params;
  if (out === undefined) {
    throw refuse(
      "no-folder",
      "There is no folder to write to.",
      "Name one after the configuration, or look at the plan alone: --dry-run.",
    );
  }
  const all = await planned(subject, params);
  const { text, plan, models } = all;
  if (out.path !== undefined) subject.kept(`${out.name.replace(/\/+$/, "")}.merging`);
  const written = await write(plan, models, out, {
    ...{ config: text, seed, rescaling, shardBytes, hash, signal: subject.signal },
    ...(subject.threads !== undefined && { threads: subject.threads }),
    ...(verify && {
      verify: async (folder) =>
        await subject.engine(async (engine) => await forwardCheck(engine, folder)),
    }),
    onProgress: (progress) => subject.onProgress(toldOf(progress)),
    onHash: (progress) => subject.onProgress(hashTold(progress)),
  });
  const { method, base, donor, dtype, ignored, leftOut = [] } = plan;
  const sha256 = writtenSha256(written);
  return {
    ...headOf("merge", all, { name: out.name, ...(sha256 !== null && { sha256 }) }),
    ...factsOf(plan, models, params),
    ...{ folder: out.name, method, base, donor, dtype, ignored, leftOut },
    hashes: Object.fromEntries([...written.models].map(([name, own]) => [name, own ?? null])),
    files: written.files.map((file) => ({ ...file, sha256: file.sha256 ?? null })),
    verified: written.verified,
  };
}

function toldOf({ done, total, rate, tensor }: MergeProgress) {
  return { done, total, of: "byte", note: `${bytes(rate)}/s, ${tensor}` };
}

function hashTold({ done, total, name }: HashProgress) {
  return { done, total, of: "byte", note: `SHA-256 of ${name}` };
}

/** The head of a result about the model that a plan makes. */
function headOf<Kind extends string>(
  kind: Kind,
  { recipe, plan, models }: Planned,
  { name, sha256 }: { readonly name: string; readonly sha256?: string },
): ResultHead<Kind> {
  const config = resultConfig(plan, modelNamed(models, plan.donor).config);
  const own = name.replace(/\/+$/, "");
  const model = {
    name: own.slice(own.lastIndexOf("/") + 1),
    ...(sha256 !== undefined && { sha256 }),
    architecture: architectureOf(config),
  };
  return resultHead(kind, model, { warnings: mergeWarnings(recipe, plan, models) });
}

function factsOf(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  { out, seed, rescaling, trimming }: MergeParameters,
) {
  return {
    ...{ folder: out?.name ?? null, inputs: mergeInputs(plan, models), seed, rescaling, trimming },
    ...{ groups: mergeGroups(plan, models), cost: mergeCost(plan, models) },
  };
}
