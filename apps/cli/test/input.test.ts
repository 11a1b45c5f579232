import { spawn } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ended, json as processJson, resolvent as resolventProcess, start } from "./command.ts";
import { idsOf, letterTokenizer, temporaryFolder, writeModel } from "./models.ts";
import { json, output, resolvent } from "./program.ts";

interface Result {
  readonly model: { readonly name: string };
  readonly input: { readonly tokens: readonly { readonly id: number; readonly text: string }[] };
}

const folder = temporaryFolder();
let model: string;
beforeAll(async () => {
  model = await writeModel(join(folder, "small"), "gpt2");
});

const idsRead = async (args: string[], input?: string): Promise<number[]> => {
  const options = input === undefined ? {} : { input };
  // Letters that the tokenizer does not know are warned of.
  const { code, stdout, stderr } = await resolvent(["run", model, ...args, "--json"], options);
  expect(code, stderr).toBe(0);
  const result: Result = JSON.parse(stdout);
  return result.input.tokens.map((token) => token.id);
};

describe.concurrent("the input", () => {
  test("is a prompt, letters beyond ASCII too", async () => {
    expect(await idsRead(["--prompt", "un été"])).toEqual(idsOf("un été"));
    expect(await idsRead(["--prompt", "日été本"])).toEqual(idsOf("été"));
    expect(await idsRead(["--prompt", "--top"])).toEqual(idsOf("top"));
  });

  test("is standard input, without its last newline", async () => {
    expect(await idsRead([], "un été\n")).toEqual(idsOf("un été"));
    expect(await idsRead([], "un été\r\n")).toEqual(idsOf("un été"));
    expect(await idsRead([], "\ufeffun été")).toEqual(idsOf("un été"));
  });

  test("is a list of tokens", async () => {
    expect(await idsRead(["--tokens", "1,2,28"])).toEqual([1, 2, 28]);
    expect(await idsRead(["--tokens", " 1 2\n3, 4 "])).toEqual([1, 2, 3, 4]);
  });

  test("is a prompt that fills the context, and no more", async () => {
    expect((await idsRead(["--prompt", "a".repeat(24)])).length).toBe(24);
    const { code, stderr } = await resolvent(["expand", model, "--prompt", "a".repeat(25)]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/takes at most 24 tokens, got 25/);
  });

  test("needs tokens where there is no tokenizer", async () => {
    const bare = await writeModel(join(folder, "bare"), "gpt2", { tokenizer: null });
    const { code, stderr } = await resolvent(["run", bare, "--prompt", "a"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/has no tokenizer\.json.*--tokens 1,2,3/);
    expect(await output(["run", bare, "--tokens", "1", "--top", "1"])).toMatch(/next token/);
  });
});

describe.concurrent("odd standard input", () => {
  test.for([
    ["nothing", ""],
    ["a newline", "\n"],
  ] as const)("%s", async ([, input]) => {
    const { code, stdout, stderr } = await resolvent(["expand", model], { input });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/There is no input/);
  });

  test.for<[string, string | Uint8Array, RegExp]>([
    ["binary data", Uint8Array.from([0x89, 0x50, 0xff, 0xfe, 0]), /not UTF-8 text/],
    ["a million letters", "a".repeat(1e6), /takes at most 24 tokens, got 1000000/],
    ["over 4 MiB", "a".repeat(4 * 2 ** 20 + 1), /over 4194304 bytes/],
  ])("%s", async ([, input, said]) => {
    const { code, stdout, stderr } = await resolventProcess(["expand", model], { input });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(said);
  });

  test("without end, too much", async () => {
    const child = start(["run", model]);
    const end = ended(child);
    const piece = "a".repeat(2 ** 16);
    const more = (): void => {
      while (child.stdin?.write(piece)) {}
    };
    child.stdin?.on("drain", more);
    child.stdin?.on("error", () => {});
    more();
    const { code, stderr } = await end;
    expect(code).toBe(2);
    expect(stderr).toMatch(/over 4194304 bytes/);
  });

  test("that stays open is not waited for where it is not needed", async () => {
    const child = start(["run", model, "--prompt", "a", "--top", "1"]);
    expect((await ended(child)).code).toBe(0);
  });

  test("closed, as standard output and error may be", async () => {
    const bin = join(import.meta.dirname, "../bin/resolvent.js");
    const shell = (redirect: string): Promise<number | null> =>
      ended(
        spawn("sh", [
          "-c",
          `exec "$0" "$1" run "$2" --tokens 1 ${redirect}`,
          process.execPath,
          bin,
          model,
        ]),
      ).then((end) => end.code);
    expect(await shell("<&-")).toBe(0);
    expect(await shell("<&- >&-")).toBe(0);
    expect(await shell("<&- >&- 2>&-")).toBe(0);
  });
});

describe("the path of a model", () => {
  test.concurrent("may have spaces, dots and letters of all kinds", async () => {
    const path = join(folder, "my models", "v1.0 — été");
    await writeModel(path, "gpt2");
    const name = async (at: string, cwd?: string): Promise<string> => {
      const args = ["run", at, "--tokens", "1"];
      return cwd === undefined
        ? (await json<Result>(args)).model.name
        : (await processJson<Result>(args, { cwd })).model.name;
    };
    expect(await name(path)).toBe("v1.0 — été");
    expect(await name(`${path}/`)).toBe("v1.0 — été");
    expect(await name(join(path, "..", "v1.0 — été", "."))).toBe("v1.0 — été");
    expect(await name(".", path)).toBe("v1.0 — été");
    expect(await name("..", join(path, "..", "v1.0 — été")).catch(() => "none")).toBe("none");
  });

  test.concurrent("may be a link", async () => {
    await symlink(model, join(folder, "link"));
    const { model: found } = await json<Result>(["run", join(folder, "link"), "--tokens", "1"]);
    expect(found.name).toBe("link");
  });

  test.concurrent("may be called like something every object has", async () => {
    await mkdir(join(folder, "odd"), { recursive: true });
    await writeModel(join(folder, "odd", "__proto__"), "gpt2");
    const args = ["run", "__proto__", "--tokens", "1"];
    expect((await processJson<Result>(args, { cwd: join(folder, "odd") })).model.name).toBe(
      "__proto__",
    );
  });
});

describe("escape sequences from files and prompts", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: there should be none
  const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
  const evil = "\u001b]0;owned\u0007\u001b[2J";
  let path: string;
  beforeAll(async () => {
    const tokens = [..."abcdefghijklmnopqrstuvwxyz", evil, "\u009b31mred\u202e"];
    path = await writeModel(join(folder, `bad ${evil}`), "gpt2", {
      tokenizer: letterTokenizer(tokens),
    });
  });

  test("never come out of a table or a message", async () => {
    for (const args of [
      ["expand", path, "--tokens", "26,27,1"],
      ["run", path, "--tokens", "26,27,1", "--generate", "8", "--temperature", "9", "--top", "29"],
      ["run", path, "--tokens", "27,26", "--generate", "1"],
      ["inspect", path],
    ]) {
      expect(await output(args)).not.toMatch(controls);
    }
    for (const args of [
      ["expand", evil],
      ["run", path, "--tokens", "99"],
      ["run", path, "--tokens", `1,${evil}`],
      ["run", path, "--tokens", "1", "--sites", evil],
      [evil],
      ["run", path, `--${evil}`],
    ]) {
      const { code, stderr } = await resolvent(args);
      expect(code).toBe(2);
      expect(stderr).not.toMatch(controls);
      expect(stderr.length).toBeGreaterThan(10);
    }
  });

  test("are data in JSON and CSV", async () => {
    const args = ["run", path, "--tokens", "26,27", "--top", "29"];
    const text = await output([...args, "--json"]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has none but newlines
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(JSON.parse(text).input.tokens.map((token: { text: string }) => token.text)).toEqual([
      evil,
      "\u009b31mred\u202e",
    ]);
    expect(await output([...args, "--format", "csv"])).toContain(`26,${evil},`);
  });
});
