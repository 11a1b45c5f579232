import { InputError, InternalError } from "@resolvent/tensor";
import { CommanderError, InvalidArgumentError } from "commander";
import { describe, expect, test, vi } from "vitest";
import { describeFailure, exitCodeOf, usageError } from "../src/failure.ts";
import { runProgram } from "../src/program.ts";
import type { Terminal } from "../src/terminal.ts";

const input = (code: string): InputError => new InputError({ code, message: "No.", remedy: "Do." });

test.each([
  [2, ["cli/usage", "transformer/bad-token", "transformer/too-long", "expansion/bad-degree"]],
  [2, ["expansion/unknown-gate", "cpu/bad-option", "tensor/no-axis"]],
  [3, ["weights/truncated", "weights/no-checkpoint", "weights/unreadable", "cli/unreadable"]],
  [3, ["transformer/no-config", "transformer/bad-config", "transformer/bad-json"]],
  [3, ["transformer/missing-tensor", "transformer/wrong-size", "transformer/bad-tokenizer"]],
  [3, ["transformer/unexpected-tensor", "transformer/file-too-large"]],
  [4, ["transformer/unsupported-config", "weights/unsupported-dtype"]],
  [5, ["cli/over-budget", "cpu/out-of-memory", "cpu/no-memory", "weights/too-large-for-memory"]],
  [5, ["webgpu/out-of-memory", "webgpu/too-large", "gpujs/too-large"]],
])("exit code %i: %j", (code, names) => {
  for (const name of names) expect(exitCodeOf(input(name))).toBe(code);
});

test("exit codes of other errors", () => {
  expect(exitCodeOf(new InternalError({ code: "cpu/kernel", message: "No." }))).toBe(1);
  expect(exitCodeOf(new TypeError("x is not a function"))).toBe(1);
  expect(exitCodeOf("a string")).toBe(1);
  expect(exitCodeOf(undefined)).toBe(1);
  expect(exitCodeOf(new DOMException("stop", "AbortError"))).toBe(130);
  expect(exitCodeOf(new CommanderError(0, "commander.helpDisplayed", ""))).toBe(0);
  expect(exitCodeOf(new CommanderError(1, "commander.unknownOption", ""))).toBe(2);
  expect(exitCodeOf(new InvalidArgumentError("no"))).toBe(2);
});

test("an analysis may bring its own copy of @resolvent/tensor", async () => {
  vi.resetModules();
  const copy = await import("@resolvent/tensor");
  const mistake = new copy.InputError({ code: "weights/truncated", message: "No.", remedy: "Do." });
  const bug = new copy.InternalError({ code: "cpu/kernel", message: "No." });
  expect(mistake).not.toBeInstanceOf(InputError);
  expect(exitCodeOf(mistake)).toBe(3);
  expect(describeFailure(mistake)).toBe("resolvent: No. Do. [weights/truncated]");
  expect(exitCodeOf(bug)).toBe(1);
  expect(describeFailure(bug)).toMatch(/^resolvent: this is a bug \[cpu\/kernel\]/);
});

describe("what is said", () => {
  test("of a caller's mistake: what happened, what to do, its name; no stack", () => {
    expect(describeFailure(usageError("No.", "Do."))).toBe("resolvent: No. Do. [cli/usage]");
    expect(describeFailure(usageError("No."))).toBe("resolvent: No. [cli/usage]");
  });

  test("of a bug: that it is one, please report, everything", () => {
    const bug = new InternalError({ code: "cpu/kernel", message: "A kernel stopped." });
    expect(describeFailure(bug)).toMatch(
      /^resolvent: this is a bug \[cpu\/kernel\]; please report it.*\n.*A kernel stopped.*\n +at /s,
    );
    expect(describeFailure(new TypeError("x"))).toMatch(
      /a bug; please report.*TypeError: x\n +at /s,
    );
    expect(describeFailure("words")).toMatch(/please report.*words$/s);
  });
});

test("an error that nobody foresaw ends a command with 1 and the request to report it", async () => {
  const notes: string[] = [];
  const broken = (): never => {
    throw new RangeError("the terminal is on fire");
  };
  const terminal: Terminal = {
    out: broken,
    show: broken,
    note: (text) => notes.push(text),
    progress: () => {},
    input: async () => undefined,
    inputBytes: async () => undefined,
    inputParts: async () => {},
    ask: async () => undefined,
    columns: undefined,
    style: { bold: (text) => text, faint: (text) => text, accent: (text) => text },
  };
  expect(await runProgram(["--help"], terminal)).toBe(1);
  expect(notes.join("\n")).toMatch(/please report.*RangeError: the terminal is on fire\n +at /s);
});
