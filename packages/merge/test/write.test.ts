import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createCpu } from "@resolvent/cpu";
import { isInputError, reference } from "@resolvent/tensor";
import { describeWithFixtures, type Fixtures, tinyModel } from "@resolvent/testkit";
import { loadTokenizer } from "@resolvent/transformer";
import { encodeNumbers, type Folder, memoryFolder, openCheckpoint } from "@resolvent/weights";
import { folderOf } from "@resolvent/weights/node";
import { afterAll, expect, test } from "vitest";
import {
  type MergeConfig,
  mergedBytes,
  mergeInto,
  mergePlanned,
  type OpenMergeModel,
  openMergeModel,
  planMerge,
  readMergeConfig,
} from "../src/index.ts";
import { forwardCheck, type HashProgress, writeMerge } from "../src/node/index.ts";
import { planned } from "./fixture-models.ts";

const home = mkdtempSync(join(tmpdir(), "resolvent-merge-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Every file of a folder with its bytes. */
function filesOf(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name), "base64")]),
  );
}

const config = (fixtures: Fixtures, name: string): string =>
  readFileSync(fixtures.path(`fixtures/merging/${name}`), "utf8");

describeWithFixtures("folders", (fixtures) => {
  test.each([
    ["04-linear-half-precisions", 5e9],
    ["26-stack", 3000],
    ["29-gpt2-linear", 5e9],
    ["31-tied-and-untied", 5e9],
    ["33-tokenizer-union", 5e9],
    ["35-tokenizer-tokens", 3000],
  ])("%s, in files of at most %d bytes", async (name, shardBytes) => {
    const { plan, models } = await planned(fixtures, `configs/${name}.yml`);
    const out = join(home, name);
    const text = config(fixtures, `configs/${name}.yml`);
    const told: number[] = [];
    const hashed = new Map<string, number>();
    await writeMerge(plan, models, out, {
      config: text,
      shardBytes,
      onHash: ({ name: own, done, total }) => hashed.set(own, done / total),
      verify: async (folder) => await forwardCheck(reference, folder),
      onProgress: ({ done, total }) => told.push(done / total),
    });
    expect(told.at(-1)).toBe(1);
    expect(hashed).toEqual(new Map([...models.keys()].map((own) => [own, 1])));
    expect(told).toHaveLength(Object.keys(plan.tensors).length);
    expect(existsSync(`${out}.merging`)).toBe(false);
    const written = await openCheckpoint(folderOf(out));
    expect(written.files.size > 1).toBe(shardBytes < 5e9);
    expect(written.names).toEqual(Object.keys(plan.tensors).sort());
    for (const [tensor, { dtype = plan.dtype }] of Object.entries(plan.tensors)) {
      const { numbers, shape } = await mergePlanned(plan, tensor, models);
      expect(await written.read(tensor)).toEqual({
        dtype,
        shape,
        bytes: encodeNumbers(numbers, dtype),
      });
    }
    const own = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
    expect(own).toMatchObject(plan.config);
    expect(own.torch_dtype).toBe(
      { F32: "float32", BF16: "bfloat16", F16: "float16" }[plan.dtype as "F32"],
    );
    expect(readFileSync(join(out, "mergekit_config.yml"), "utf8")).toBe(text);
    const card = readFileSync(join(out, "README.md"), "utf8");
    expect(card.match(/[0-9a-f]{64}/g)).toHaveLength(models.size + written.files.size);
    if (plan.tokenizer === null) return;
    const tokenizer = await loadTokenizer(folderOf(out));
    for (const [token, id] of Object.entries(plan.tokenizer.vocab))
      expect(tokenizer?.id(token), token).toBe(id);
    if (name.startsWith("33")) {
      // Both have the same template or none: the donor's where others are as frequent.
      const made = JSON.parse(readFileSync(join(out, "tokenizer_config.json"), "utf8"));
      const chat = JSON.parse(
        readFileSync(
          fixtures.path("fixtures/merging/models/llama-chat/tokenizer_config.json"),
          "utf8",
        ),
      );
      expect(made.chat_template).toBe(chat.chat_template);
    }
  });

  test("stopped after any tensor and begun again, the result has the same bytes", async () => {
    const { plan, models } = await planned(fixtures, "configs/15-dare-ties.yml");
    const hashed = new Map<string, number>();
    const onHash = ({ name, done, total }: HashProgress) => hashed.set(name, done / total);
    const options = { config: "x", shardBytes: 2000, onHash };
    const whole = join(home, "whole");
    await writeMerge(plan, models, whole, options);
    const out = join(home, "stopped");
    const count = Object.keys(plan.tensors).length;
    for (let stop = 1; stop <= count; stop += 4) {
      const controller = new AbortController();
      let seen = 0;
      const onProgress = (): void => {
        if (++seen === stop) controller.abort(new Error("stopped"));
      };
      const stopped = writeMerge(plan, models, out, {
        ...options,
        signal: controller.signal,
        onProgress,
      });
      // Later runs have less to do, so that some finish.
      await stopped.catch((error: unknown) => expect(String(error)).toBe("Error: stopped"));
      if (existsSync(out)) break;
    }
    if (!existsSync(out)) await writeMerge(plan, models, out, options);
    expect(filesOf(out)).toEqual(filesOf(whole));
    // What was there is hashed as it is.
    const files = [...hashed].filter(([name]) => name.endsWith(".safetensors"));
    expect(files.length).toBeGreaterThan(1);
    expect(files.every(([, share]) => share === 1)).toBe(true);
  });

  test("into files that somebody else writes, the same bytes; what was written can be loaded as a whole", async () => {
    const { plan, models } = await planned(fixtures, "configs/35-tokenizer-tokens.yml");
    const options = { config: "x", shardBytes: 3000 };
    const out = join(home, "on-disk");
    const onDisk = await writeMerge(plan, models, out, options);
    const files = new Map<string, Uint8Array>();
    const made = await mergeInto(
      plan,
      models,
      async (file, pieces) => {
        const parts: Uint8Array[] = [];
        for await (const piece of pieces) parts.push(piece.slice()); // it is used again
        files.set(file, Buffer.concat(parts));
      },
      {
        ...{ ...options, written: memoryFolder(files) },
        verify: async (folder) => await forwardCheck(reference, folder),
      },
    );
    const texts = [...files].map(([file, bytes]) => [file, Buffer.from(bytes).toString("base64")]);
    expect(Object.fromEntries(texts)).toEqual(filesOf(out));
    expect(new Map(made.files.map((file) => [file.name, file]))).toEqual(
      new Map(onDisk.files.map((file) => [file.name, file])),
    );
    expect(made.models).toEqual(onDisk.models);
    const refused = mergeInto(plan, models, async () => {}, {
      ...{ ...options, written: memoryFolder(new Map()) },
      verify: async (folder) => await forwardCheck(reference, folder),
    });
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/^weights\//) });
  });

  test("nothing is replaced, and another merge's beginning is not gone on with", async () => {
    const { plan, models } = await planned(fixtures, "configs/01-linear.yml");
    const there = join(home, "there");
    mkdirSync(there);
    await expect(writeMerge(plan, models, there, { config: "" })).rejects.toMatchObject({
      code: "merge/exists",
    });
    expect(readdirSync(there)).toEqual([]);

    const out = join(home, "other");
    mkdirSync(`${out}.merging`);
    writeFileSync(join(`${out}.merging`, "mine.txt"), "mine");
    await expect(writeMerge(plan, models, out, { config: "" })).rejects.toMatchObject({
      code: "merge/other-merge",
    });
    expect(readdirSync(`${out}.merging`)).toEqual(["mine.txt"]);

    const refused = join(home, "refused");
    const verify = async (): Promise<void> => {
      throw new Error("no model");
    };
    await expect(writeMerge(plan, models, refused, { config: "", verify })).rejects.toThrow(
      "no model",
    );
    expect(existsSync(refused)).toBe(false);
    await expect(writeMerge(plan, models, refused, { config: "", seed: 1 })).rejects.toMatchObject({
      code: "merge/other-merge",
    });
    await writeMerge(plan, models, refused, { config: "" });
    expect(existsSync(refused)).toBe(true);
  });

  test("one run at a time works at a place: another is told so, or that the model is there by then", async () => {
    const { plan, models } = await planned(fixtures, "configs/01-linear.yml");
    const out = join(home, "at-once");
    const other = async (): Promise<string> =>
      await writeMerge(plan, models, out, { config: "" }).then(
        () => "done",
        (error: unknown) => (isInputError(error) ? error.code : String(error)),
      );
    let waiting: Promise<string> | undefined;
    const verify = async (folder: Folder): Promise<void> => {
      expect(await other()).toBe("merge/busy");
      waiting = other();
      expect(await folder.open("config.json")).toBeDefined();
    };
    await writeMerge(plan, models, out, { config: "", verify });
    expect(await waiting).toBe("merge/exists");
    expect(existsSync(`${out}.merging`)).toBe(false);
    expect(readdirSync(out).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("a NaN stops the run, and there is no folder", async () => {
    const { plan, models } = await planned(fixtures, "invalid/30-not-finite.yml");
    const out = join(home, "nan");
    await expect(writeMerge(plan, models, out, { config: "" })).rejects.toMatchObject({
      code: "merge/not-finite",
    });
    expect(existsSync(out)).toBe(false);
  });

  const kills = Number(process.env.RESOLVENT_KILLS ?? 4);
  // For what hangs only: the more kills, the longer it may take.
  const timeout = 60_000 + 10_000 * kills;
  test("killed at random moments, no folder looks finished and is not; begun again, the bytes are the same", {
    timeout,
  }, async () => {
    const text = config(fixtures, "configs/19-della.yml");
    const start = async (out: string, killAfter?: number): Promise<void> => {
      const child = fileURLToPath(new URL("merge-child.mjs", import.meta.url));
      const args = [child, text, fixtures.path("fixtures/merging"), out];
      const running = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const ended = new Promise((resolve) => running.once("exit", resolve));
      await Promise.race([ended, new Promise((resolve) => running.stdout.once("data", resolve))]);
      if (killAfter !== undefined) {
        await Promise.race([ended, after(killAfter)]);
        running.kill("SIGKILL");
      }
      const code = await ended;
      if (killAfter === undefined) expect(code).toBe(0);
    };
    const whole = join(home, "unkilled");
    await start(whole);
    const expected = filesOf(whole);
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      const out = join(home, `killed-${i}`);
      await start(out, Math.random() * 60);
      if (existsSync(out)) expect(filesOf(out)).toEqual(expected);
      else {
        killed++;
        await start(out);
        expect(filesOf(out)).toEqual(expected);
      }
      rmSync(out, { recursive: true });
      rmSync(`${out}.merging`, { recursive: true, force: true });
    }
    if (kills > 100) expect(killed).toBeGreaterThan(kills / 4);
  });
});

test("a merge whose numbers are finite, and whose logits are not, is told with both counts and what to do", async () => {
  const file = await tinyModel("llama").open("model.safetensors");
  const bytes = (await file?.read(0, await file.size())) ?? new Uint8Array();
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const [from, to]: [number, number] = header["model.norm.weight"].data_offsets;
  for (let at = start + from; at < start + to; at += 4) view.setFloat32(at, 3e38, true);
  const config = await tinyModel("llama").open("config.json");
  const files = new Map([
    ["model.safetensors", bytes],
    ["config.json", (await config?.read(0, await config.size())) ?? new Uint8Array()],
  ]);
  const engine = await createCpu({ precision: "f32", threads: 1 });
  await expect(forwardCheck(engine, memoryFolder(files, "huge"))).rejects.toMatchObject({
    code: "merge/no-model",
    message: expect.stringMatching(
      /^huge: of the 29 logits after the token \d+, 29 are not finite.*--no-verify/,
    ),
    details: { logits: 29, finite: 0 },
  });
  await engine.close();
});

const vocab_size = 66_000; // its embedding has more entries than are read at a time
const twoLarge = [1, 2].map((seed) => tinyModel("llama", { vocab_size, seed }));

async function large(): Promise<Map<string, OpenMergeModel>> {
  const [a, b] = await Promise.all(twoLarge.map((folder) => openMergeModel(folder)));
  return new Map(
    Object.entries({ a, b }).flatMap(([name, model]) => (model ? [[name, model] as const] : [])),
  );
}

test.each<[MergeConfig["merge_method"], Record<string, number | boolean>]>([
  ["linear", { weight: 0.3 }],
  ["dare_linear", { weight: 0.3, density: 0.4, rescale: false }],
  ["slerp", { t: 0.4 }],
  ["breadcrumbs_ties", { weight: 0.3, density: 0.4, gamma: 0.2 }],
])("%s piece by piece is what it is as a whole", async (merge_method, parameters) => {
  const models = await large();
  const recipe = readMergeConfig({
    merge_method,
    base_model: "a",
    models: [{ model: "b" }],
    parameters,
  });
  const plan = planMerge(recipe, models);
  const name = "model.embed_tokens.weight";
  const { numbers } = await mergePlanned(plan, name, models);
  expect(numbers.length).toBeGreaterThan(2 ** 21);
  const whole = encodeNumbers(numbers, "F32");
  const pieces = await mergedBytes(plan, name, models);
  const different = pieces.findIndex((byte, i) => byte !== whole[i]); // a matcher takes minutes for as many
  expect([different, pieces.length]).toEqual([-1, whole.length]);
});
