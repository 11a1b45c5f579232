import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { describeWithDevice } from "@resolvent/testkit/engines";
import { loadModel } from "@resolvent/transformer";
import { createWebgpu } from "@resolvent/webgpu";
import { expect, test } from "vitest";
import { cases, othersOn, resultOf } from "./every-analysis.ts";

/**
 * What depends on the precision: its name, certificates and checks in float64, the step of a difference, and which of two that are
 * next to equal is shown first.
 */
const PRECISE = new Set(["precision", "relativeErrorFloat64", "float64", "delta", "shown"]);

/** Where two results differ: in numbers by more than a thousandth of them, or of 1; in all else at all. */
function differences(got: unknown, expected: unknown, path = ""): string[] {
  if (typeof got === "number" && typeof expected === "number") {
    const near = Math.abs(got - expected) <= 1e-3 * Math.max(1, Math.abs(expected));
    return near ? [] : [`${path}: ${got}, not ${expected}`];
  }
  if (typeof got !== "object" || typeof expected !== "object" || !got || !expected)
    return Object.is(got, expected) ? [] : [`${path}: ${got}, not ${expected}`];
  const [a, b] = [got, expected] as [Record<string, unknown>, Record<string, unknown>]; // both are JSON
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((key) => !PRECISE.has(key))
    .flatMap((key) => differences(a[key], b[key], `${path}.${key}`));
}

/** A report writes short texts here, and has no section of linearity then: that has a case of its own. */
const here = cases.map((one) =>
  one.name === "report"
    ? { ...one, params: { ...one.params, tokensFile: undefined, length: 4 } }
    : one,
);

await describeWithDevice("every analysis on WebGPU", createWebgpu, (engine) => {
  test.each(here)("$name $params", async (one) => {
    const gpu = await engine();
    const family = "gpt2";
    const model = await loadModel(gpu, tinyModel(family), { hash: false });
    const others = await othersOn(gpu, family, one.params);
    await gpu.finished(); // weights in the order in which blocks hold them
    const { used } = gpu.memory;
    const got = await resultOf(gpu, family, model, others, one);
    expect(gpu.memory.used).toBe(used);
    const same = await loadModel(reference, tinyModel(family), { hash: false });
    const sameOthers = await othersOn(reference, family, one.params);
    const expected = await resultOf(reference, family, same, sameOthers, one);
    expect(differences(got, expected)).toEqual([]);
  });
});
