import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { letterTokenizer, temporaryFolder, writeModel } from "./models.ts";
import { run } from "./program.ts";

const folder = temporaryFolder();
/** A vocabulary of what is hard to name; `<0x42>` and `B` read the same. */
const tokens = [...'57,"\\ \n\tab', "id:5", "A", "<0x42>", "B", "#", "$", "'", "é", "<0x0D>", "."];
let model: string;
beforeAll(async () => {
  const decoder = { type: "Sequence", decoders: [{ type: "ByteFallback" }, { type: "Fuse" }] };
  const tokenizer = { ...letterTokenizer(tokens), decoder };
  model = await writeModel(join(folder, "small"), "gpt2", { tokenizer });
});

const target = async (...args: string[]): Promise<unknown> => {
  const call = ["paths", model, "--tokens", "8,9", "--top", "0", "--no-float64", "--threads", "1"];
  const { code, stdout, stderr } = await run(analyses, [...call, "--json", ...args]);
  if (code !== 0) return stderr;
  const { a, b } = JSON.parse(stdout).target;
  return [a.id, b?.id ?? null];
};

describe("a token is named by its text or its id", () => {
  test.each([
    ["5,7", [0, 1]],
    ["id:5,id:7", [5, 7]],
    ['",","\\""', [2, 3]],
    ["\\,,\\\\", [2, 4]],
    ["\\x20", [5, null]],
    ["\\n,\\t", [6, 7]],
    ['"\\n"', [6, null]],
    ["a,b", [8, 9]],
    ['"id:5",id:5', [10, 5]],
    ["#,$", [14, 15]],
    ["é", [17, null]],
    ["\\xC3\\xA9,'", [17, 16]],
    ["<0x42>,<|end|>", [12, 28]],
    ["\\r", [18, null]],
  ])("--target %s", async (given, ids) => expect(await target("--target", given)).toEqual(ids));

  test("what may be two tokens is refused, with their ids", async () => {
    const said = await target("--target", "B");
    expect(said).toContain(
      '"B" may be 2 tokens: id:12 ("B", <0x42> in the vocabulary), id:13 ("B").',
    );
  });

  test.each([
    ["8", 'no token "8"', "If the id is meant: id:8."],
    ["ab", '"ab": as a text it is 2 tokens, id:8 ("a"), id:9 ("b")', "Spaces and capitals count."],
    [" A", "no token", 'Near it: id:11 ("A"), id:8 ("a").'],
    ["id:29", "id:0 to id:28, got id:29", ""],
    ['"a', "a quote or a backslash stands alone", ""],
  ])("--target %s is refused", async (given, ...why) => {
    for (const words of why) expect(await target("--target", given)).toContain(words);
  });

  test("what an output prints can be typed back", async () => {
    const shown = await run(analyses, [
      "run",
      model,
      "--tokens",
      "8",
      "--top",
      "29",
      "--threads",
      "1",
    ]);
    const rows = [...shown.stdout.matchAll(/^ *(\d+) {2}(".*?"|id:\d+) +-?\d/gm)];
    const named = rows.filter(([, , text]) => text !== '"B"'); // which two tokens have
    expect(named.length).toBeGreaterThan(20);
    const list = named.map(([, , text]) => text).join(",");
    const args = ["ov", model, "--head", "0.0", "--words", list, "--threads", "1", "--json"];
    const { tokens: read } = JSON.parse((await run(analyses, args)).stdout).table;
    const idsOf = (all: readonly { readonly id: number }[]): number[] => all.map(({ id }) => id);
    expect(idsOf(read)).toEqual(named.map(([, id]) => Number(id)));
  });
});

describe("pairs of prompts", () => {
  const pair = (of: unknown): string => JSON.stringify({ clean: "ab", corrupt: "bb", target: of });
  const given = async (value: string, input = ""): Promise<unknown> => {
    const args = ["patch", model, "--pairs", value, "--json", "--threads", "1"];
    const { code, stdout, stderr } = await run(analyses, args, { input });
    if (code !== 0) return stderr;
    const { a, b } = JSON.parse(stdout).pairs[0].target;
    return [a.id, b?.id ?? null];
  };

  test("have texts and ids apart", async () => {
    expect(await given(pair(["5", "7"]))).toEqual([0, 1]);
    expect(await given(pair([5, 7]))).toEqual([5, 7]);
    expect(await given(pair(["id:5", 5]))).toEqual([10, 5]);
    expect(await given(pair("\\"))).toEqual([4, null]);
    expect(await given(pair([true]))).toContain("neither a text nor a token id");
  });

  test("are a file, standard input, or the lines themselves", async () => {
    const path = join(folder, "pairs.jsonl");
    await writeFile(path, `${pair(["5", "7"])}\n`);
    expect(await given(path)).toEqual([0, 1]);
    expect(await given("-", pair(["7", "5"]))).toEqual([1, 0]);
    expect(await given(`\n${pair("7")}`)).toEqual([1, null]);
    expect(await given("nowhere.jsonl")).toContain("nowhere.jsonl cannot be read (ENOENT)");
    await writeFile(path, new Uint8Array([0xff]));
    expect(await given(path)).toContain("is not UTF-8 text");
  });
});
