import { InputError } from "@resolvent/tensor";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { harmless, type Terminal, type TerminalFacts, terminalOf } from "../src/terminal.ts";

interface Written {
  readonly out: string[];
  readonly err: string[];
}

function made(
  facts: Partial<TerminalFacts> = {},
  env: Record<string, string> = {},
  input: Uint8Array = new Uint8Array(),
): { terminal: Terminal; written: Written } {
  const written: Written = { out: [], err: [] };
  const terminal = terminalOf(
    { stdin: false, stdout: false, stderr: false, columns: undefined, ...facts },
    env,
    {
      stdout: { write: (text) => written.out.push(text) },
      stderr: { write: (text) => written.err.push(text) },
      readInput: async (limit) => input.subarray(0, limit + 1),
    },
  );
  return { terminal, written };
}

const all = { stdin: true, stdout: true, stderr: true, columns: 20 };
const bold = "\u001b[1mx\u001b[22m";

describe("styles", () => {
  test("are for a terminal", () => {
    const { bold: b, faint, accent } = made(all).terminal.style;
    expect([b("x"), faint("x"), accent("x")]).toEqual([
      bold,
      "\u001b[2mx\u001b[22m",
      "\u001b[36mx\u001b[39m",
    ]);
    const { terminal, written } = made(all);
    terminal.show(terminal.style.bold("x"));
    expect(written.out).toEqual([bold]);
  });

  test.each<[string, Partial<TerminalFacts>, Record<string, string>]>([
    ["in a pipe", { ...all, stdout: false }, {}],
    ["under NO_COLOR", all, { NO_COLOR: "1" }],
    ["on a dumb terminal", all, { TERM: "dumb" }],
  ])("are none %s", (_, facts, env) => {
    expect(made(facts, env).terminal.style.bold("x")).toBe("x");
  });

  test("an empty NO_COLOR does not count, as its convention says", () => {
    expect(made(all, { NO_COLOR: "" }).terminal.style.bold("x")).toBe(bold);
  });
});

describe("control characters", () => {
  test("are spelled out as JSON spells them, but for tab and newline", () => {
    expect(harmless("a\tb\nc")).toBe("a\tb\nc");
    expect(harmless("\u001b[2J\r\u0007\u009b\u007f\u202e\u0000")).toBe(
      "\\u001b[2J\\u000d\\u0007\\u009b\\u007f\\u202e\\u0000",
    );
    expect(harmless("日本 é 🙂")).toBe("日本 é 🙂");
    expect(harmless(bold)).toBe("\\u001b[1mx\\u001b[22m");
    expect(harmless(bold, { styles: true })).toBe(bold);
    expect(harmless("\u001b[1;31mx\u001b[8m", { styles: true })).toBe("\\u001b[1;31mx\\u001b[8m");
  });

  test("what is spelled out in a JSON text is the same JSON", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(JSON.parse(harmless(JSON.stringify(text)))).toBe(text);
      }),
    );
  });

  test("of data stay in a pipe, and never reach a terminal", () => {
    const piped = made();
    piped.terminal.out("a\u001b[2Jb");
    piped.terminal.show("a\u001b[2Jb");
    piped.terminal.note("a\u001b[2Jb");
    expect(piped.written.out).toEqual(["a\u001b[2Jb", "a\\u001b[2Jb"]);
    expect(piped.written.err).toEqual(["a\\u001b[2Jb\n"]);
    const { terminal, written } = made(all);
    terminal.out("a\u001b[2Jb");
    terminal.show("a\u001b[2Jb");
    terminal.note("a\u001b[1mb");
    terminal.progress("a\u001b]0;b\u0007");
    expect(written.out).toEqual(["a\\u001b[2Jb", "a\\u001b[2Jb"]);
    expect(written.err).toEqual(["a\\u001b[1mb\n", "\r\u001b[Ka\\u001b]0;b\\u0007"]);
  });
});

describe("progress", () => {
  test("is one line, no wider than the terminal, cleared before anything else is written", () => {
    const { terminal, written } = made(all);
    terminal.progress("one");
    terminal.progress(`two\n${"x".repeat(40)}`);
    terminal.out("data\n");
    terminal.out("more\n");
    terminal.progress("three");
    terminal.note("done");
    terminal.progress("four");
    terminal.progress("");
    terminal.note("end");
    expect(written.err).toEqual([
      "\r\u001b[Kone",
      `\r\u001b[Ktwo ${"x".repeat(15)}`,
      "\r\u001b[K",
      "\r\u001b[Kthree",
      "\r\u001b[K",
      "done\n",
      "\r\u001b[Kfour",
      "\r\u001b[K",
      "end\n",
    ]);
    expect(written.out).toEqual(["data\n", "more\n"]);
  });

  test("is nothing where standard error is no terminal", () => {
    const { terminal, written } = made({ ...all, stderr: false });
    terminal.progress("one");
    expect(written.err).toEqual([]);
  });
});

describe("input", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test("is undefined at a terminal, where nobody pipes anything in", async () => {
    expect(await made(all).terminal.input()).toBeUndefined();
  });

  test("is the text of standard input", async () => {
    expect(await made({}, {}, bytes("un été\n")).terminal.input()).toBe("un été\n");
    expect(await made({}, {}, bytes("")).terminal.input()).toBe("");
    const most = bytes("a".repeat(4 * 2 ** 20));
    expect((await made({}, {}, most).terminal.input())?.length).toBe(most.length);
  });

  test("is refused where it is no text, or too much of it", async () => {
    const binary = made({}, {}, Uint8Array.of(0x61, 0xff)).terminal.input();
    await expect(binary).rejects.toThrow(InputError);
    const long = made({}, {}, bytes("a".repeat(4 * 2 ** 20 + 1))).terminal.input();
    await expect(long).rejects.toThrow(/over 4194304 bytes/);
  });
});

describe("columns", () => {
  test.each<[string, Partial<TerminalFacts>, Record<string, string>, number | undefined]>([
    ["those of the terminal", all, {}, 20],
    ["COLUMNS before it", all, { COLUMNS: "60" }, 60],
    ["COLUMNS in a pipe", { stdout: false, columns: 80 }, { COLUMNS: "100" }, 100],
    ["none in a pipe", { stdout: false, columns: 80 }, {}, undefined],
    ["none where the terminal does not know", { ...all, columns: 0 }, {}, undefined],
    ["room for a few words at least", all, { COLUMNS: "3" }, 20],
    ["no number", all, { COLUMNS: "wide" }, 20],
  ])("%s", (_, facts, env, columns) => {
    expect(made(facts, env).terminal.columns).toBe(columns);
  });
});
