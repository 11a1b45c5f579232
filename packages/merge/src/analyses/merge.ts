import { createHash } from "node:crypto";
import {
  bytes,
  defineAnalysis,
  type FilesAnalysis,
  type FilesSubject,
  type ResultHead,
  resultHead,
} from "@resolvent/analysis";
import { architectureOf } from "@resolvent/transformer";
import { type OpenMergeModel, openMergeModel } from "../model.ts";
import { forwardCheck } from "../node/forward-check.ts";
import { type WrittenMerge, writeMerge } from "../node/write-merge.ts";
import type { HashProgress, MergeProgress } from "../node/write-shards.ts";
import type { MergePlan } from "../plan.ts";
import { planMerge } from "../plan-merge.ts";
import { modelsOf, readMergeConfig } from "../read-config.ts";
import { refuse } from "../refuse.ts";
import { modelNamed, resultConfig } from "../result-files.ts";
import { configText } from "./config-text.ts";
import { mergeCost } from "./merge-cost.ts";
import { mergeGroups } from "./merge-groups.ts";
import { mergeInputs } from "./merge-inputs.ts";
import { type MergeParameters, mergeParameters } from "./merge-parameters.ts";
import type { Merge, MergePlanned } from "./merge-result.ts";
import { MERGE_TABLES, mergeAnswer, mergeTables, mergeViews } from "./merge-tables.ts";
import { mergeWarnings } from "./merge-warnings.ts";

/** Merges models as a configuration says, into a new folder: `writeMerge` as an analysis. A dry run gives the plan. */
export const mergeAnalysis: FilesAnalysis<MergeParameters, Merge, MergePlanned> = defineAnalysis<
  MergeParameters,
  Merge,
  MergePlanned
>({
  name: "merge",
  needs: "files",
  summary: "merge models into a new folder, as mergekit's YAML says",
  description:
    "Merges the models that CONFIG names into the new folder OUT: mergekit's YAML, computed in float64 and rounded once. All that can be refused is refused before a byte is written; --dry-run says what would be done. Stopped and called again, it goes on where it was; nothing that is there is replaced. Paths in CONFIG start at the working directory; models may also be bundled (tales) or on the Hub (org/name@revision).",
  params: mergeParameters,
  examples: ["merge.yml merged", "merge.yml merged --dry-run --json", "- merged < merge.yml"],
  plan: async (subject, params) => {
    const { plan, models } = await planned(subject, params);
    const name = params.out?.name ?? "the merge";
    return {
      ...headOf("merge-plan", plan, models, { name }),
      ...factsOf(plan, models, params),
      plan,
    };
  },
  run: merged,
  tables: mergeTables,
  tableKinds: MERGE_TABLES,
  answer: mergeAnswer,
  views: mergeViews,
});

/** A plan, and the models that it was made for. */
interface Planned {
  readonly text: string;
  readonly plan: MergePlan;
  readonly models: ReadonlyMap<string, OpenMergeModel>;
}

async function planned(
  { folder, signal }: FilesSubject,
  { config }: MergeParameters,
): Promise<Planned> {
  const text = await configText(config);
  const recipe = readMergeConfig(text);
  const models = new Map<string, OpenMergeModel>();
  for (const { name } of modelsOf(recipe)) {
    signal.throwIfAborted();
    models.set(name, await openMergeModel(await folder(name), { signal }));
  }
  return { text, plan: planMerge(recipe, models), models };
}

async function merged(subject: FilesSubject, params: MergeParameters): Promise<Merge> {
  const { out, seed, rescaling, shardBytes, hash, verify } = params;
  if (out === undefined) {
    throw refuse(
      "no-folder",
      "There is no folder to write to.",
      "Name one after the configuration, or look at the plan alone: --dry-run.",
    );
  }
  if (out.path === undefined) {
    throw refuse(
      "no-place",
      `${out.name} is no folder on this machine.`,
      "Merges are written by the command line, or by writeMerge of @resolvent/merge/node.",
    );
  }
  const { text, plan, models } = await planned(subject, params);
  subject.kept(`${out.name.replace(/\/+$/, "")}.merging`);
  const written = await writeMerge(plan, models, out.path, {
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
  const sha256 = weightsHash(written);
  return {
    ...headOf("merge", plan, models, { name: out.name, ...(sha256 !== null && { sha256 }) }),
    ...factsOf(plan, models, params),
    ...{ folder: out.name, method, base, donor, dtype, ignored, leftOut },
    hashes: Object.fromEntries([...written.models].map(([name, own]) => [name, own ?? null])),
    files: written.files.map((file) => ({ ...file, sha256: file.sha256 ?? null })),
    verified: verify,
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
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  { name, sha256 }: { readonly name: string; readonly sha256?: string },
): ResultHead<Kind> {
  const config = resultConfig(plan, modelNamed(models, plan.donor).config);
  const own = name.replace(/\/+$/, "");
  const model = {
    name: own.slice(own.lastIndexOf("/") + 1),
    ...(sha256 !== undefined && { sha256 }),
    architecture: architectureOf(config),
  };
  return resultHead(kind, model, { warnings: mergeWarnings(plan, models) });
}

function factsOf(
  plan: MergePlan,
  models: ReadonlyMap<string, OpenMergeModel>,
  { out, seed, rescaling }: MergeParameters,
) {
  return {
    ...{ folder: out?.name ?? null, inputs: mergeInputs(plan, models), seed, rescaling },
    ...{ groups: mergeGroups(plan, models), cost: mergeCost(plan, models) },
  };
}

/** What results call a model by that was just written, as `checkpointSha256` has it; null where nothing was hashed. */
function weightsHash({ files }: WrittenMerge): string | null {
  const weights = files.filter(({ name }) => name.endsWith(".safetensors"));
  const digests = weights
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ sha256 }) => sha256 ?? []);
  if (digests.length < weights.length) return null;
  const [only = ""] = digests;
  if (digests.length === 1) return only;
  return createHash("sha256").update(digests.join("\n")).digest("hex");
}
