import {
  type AloneWork,
  type AnyAnalysis,
  defineAnalysis,
  type FilesSubject,
} from "@resolvent/analysis";
import {
  choiceParameter,
  countParameter,
  fileParameter,
  parameters,
  textParameter,
} from "@resolvent/analysis/parameters";
import { createCpu } from "@resolvent/cpu";
import {
  type Merge,
  type MergeParameters,
  type MergePlanned,
  mergeAnalysis,
} from "@resolvent/merge/merging";
import { cost } from "@resolvent/tensor";
import { makeModel } from "../storage/made-models.ts";

/** What a page asks of a merge. */
type Asked = Pick<MergeParameters, "config" | "seed" | "rescaling">;

const asked = {
  config: fileParameter("what is merged, and how: YAML as mergekit reads it", { required: true }),
  seed: countParameter("of random masks", { default: 42 }),
  rescaling: choiceParameter("what `rescale` keeps of a task vector", ["l1", "probability"], {
    default: "l1",
  }),
};

/** Whatever else a merge takes is as it is without saying. */
const USUAL = { trimming: "tensor", shardBytes: 5e9, hash: true, verify: false } as const;

/** Bytes up to which a result is loaded, as a whole, to see whether it is a model: what is larger may find no room. */
const MOST_CHECKED = 2 ** 30;

/**
 * `merge` in a page, and its plan, as analyses that need no model of their own: the models are found by the names in the
 * configuration, and the merge is a folder of the browser's storage.
 */
export function mergingBy(folder: FilesSubject["folder"]): readonly AnyAnalysis[] {
  const subjectOf = ({ signal, onProgress }: AloneWork): FilesSubject => ({
    folder,
    engine: async (use) => {
      const engine = await createCpu({ threads: 1 });
      try {
        return await use(engine);
      } finally {
        await engine.close();
      }
    },
    kept: () => {},
    signal: signal ?? new AbortController().signal,
    onProgress: onProgress ?? (() => {}),
  });
  const { summary, description, tables, tableKinds, answer, views } = mergeAnalysis;
  const shown = {
    ...{ summary, description, tables },
    ...(tableKinds && { tableKinds }),
    ...(answer && { answer }),
    ...(views && { views }),
  };
  const planOf = (params: Asked, told: AloneWork): Promise<MergePlanned> =>
    mergeAnalysis.plan(subjectOf(told), { ...params, ...USUAL });
  const mergeOf = async (
    { out: name, ...params }: Asked & { readonly out: string },
    told: AloneWork,
  ): Promise<Merge> => {
    const subject = subjectOf(told);
    let merge: Merge | undefined;
    // All that can be refused is, before anything is written.
    const { cost: takes } = await mergeAnalysis.plan(subject, { ...params, ...USUAL });
    const verify = takes.written <= MOST_CHECKED;
    await makeModel(name, async (out) => {
      merge = await mergeAnalysis.run(subject, { ...params, ...USUAL, verify, out });
      return { sha256: merge.model.sha256 ?? "", from: merge.inputs.map((one) => one.name) };
    });
    return merge as Merge; // it was made, or something was thrown
  };
  const nothing = { needs: [], estimate: () => cost().total() };
  return [
    defineAnalysis<Asked, MergePlanned>({
      ...{ ...shown, ...nothing, name: "merge-plan", params: parameters(asked) },
      alone: (params) => (told) => planOf(params, told),
      run: (_, params) => planOf(params, {}),
    }),
    defineAnalysis<Asked & { readonly out: string }, Merge>({
      ...{ ...shown, ...nothing, name: "merge" },
      params: parameters({
        ...asked,
        out: textParameter("what the merge is called here"),
      }),
      alone: (params) => (told) => mergeOf(params, told),
      run: ({ signal, onProgress }, params) => mergeOf(params, { signal, onProgress }),
    }),
  ];
}
