import {
  defineAnalysis,
  type FilesAnalysis,
  type FilesHost,
  isAnalysis,
  planFiles,
  type Result,
  runFiles,
  type Warning,
} from "@resolvent/analysis";
import { parameters, textsParameter } from "@resolvent/analysis/parameters";
import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel } from "@resolvent/transformer";
import { expect, test } from "vitest";

interface Opened extends Result {
  readonly kind: "opened";
  readonly folders: readonly string[];
  readonly engine: string;
}

interface Named extends Result {
  readonly kind: "named";
  readonly names: readonly string[];
}

const opened = (
  more: Partial<FilesAnalysis<Given, Opened, Named>> = {},
): FilesAnalysis<Given, Opened, Named> =>
  defineAnalysis<Given, Opened, Named>({
    ...{ name: "opened", needs: "files", summary: "models", description: "Opens models." },
    params: parameters({ names: textsParameter("of models", { fewest: 1 }) }),
    plan: async (_, { names }) => ({ ...headOf("named"), names }),
    run: async ({ folder, engine, kept, signal, onProgress }, { names }) => {
      kept("half way");
      const folders: string[] = [];
      for (const name of names) {
        signal.throwIfAborted();
        folders.push((await folder(name)).name);
        onProgress({ done: folders.length, total: names.length, of: "model" });
      }
      const name = await engine(async (own) => {
        await loadModel(own, tinyModel("gpt2"));
        return own.name;
      });
      return { ...headOf("opened"), folders, engine: name };
    },
    tables: () => [],
    ...more,
  });

interface Given {
  readonly names: readonly string[];
}

const headOf = <Kind extends string>(kind: Kind) => ({
  ...{ schemaVersion: 1, kind, model: { name: "none", sha256: null, architecture: "gpt2" } },
  warnings: [{ code: "said", message: "once" }],
});

const host = (more: Partial<FilesHost> = {}): FilesHost => ({
  folder: async (name) => ({ ...tinyModel("gpt2"), name: `here/${name}` }),
  engine: async (use) => await use(reference),
  ...more,
});

test("opens models by names, on an engine that is lent, and says where unfinished work is", async () => {
  const [said, heard, kept] = [[] as Warning[], [] as number[], [] as string[]];
  const { result, soundness } = await runFiles(
    opened(),
    { names: ["a", "b"] },
    host({
      kept: (place) => kept.push(place),
      onProgress: ({ done }) => heard.push(done),
      warn: (warnings) => said.push(...warnings),
    }),
  );
  expect(result).toMatchObject({ folders: ["here/a", "here/b"], engine: reference.name });
  expect([heard, kept, said]).toEqual([[1, 2], ["half way"], [{ code: "said", message: "once" }]]);
  expect(soundness.warnings).toEqual([]);
});

test("what it would do is a result of its own kind, and opens nothing", async () => {
  const never = host({ folder: () => Promise.reject(new Error("opened")) });
  const schema = { properties: { kind: { const: "opened" }, schemaVersion: { const: 1 } } };
  for (const analysis of [opened(), opened({ resultSchema: schema })]) {
    const { result } = await planFiles(analysis, { names: ["a"] }, never);
    expect(result).toMatchObject({ kind: "named", names: ["a"] });
  }
});

test("parameters are checked, and results held to be some", async () => {
  await expect(runFiles(opened(), { names: [] }, host())).rejects.toMatchObject({
    code: "analysis/bad-parameters",
  });
  const odd = opened({ run: async () => ({ kind: "opened" }) as Opened }); // that is what is tested
  await expect(runFiles(odd, { names: ["a"] }, host())).rejects.toMatchObject({
    code: "analysis/bad-result",
  });
  const ends = host({ signal: AbortSignal.abort() });
  await expect(runFiles(opened(), { names: ["a"] }, ends)).rejects.toThrow(/abort/i);
});

test("is told from what is none", () => {
  expect(isAnalysis(opened())).toBe(true);
  expect(isAnalysis({ ...opened(), plan: undefined })).toBe(false);
});
