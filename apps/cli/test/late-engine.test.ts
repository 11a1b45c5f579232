import { reference } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { lateEngine } from "@resolvent/testkit/engines";
import { loadModel } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { asked, cases, onModel, othersOn, resultOf } from "./every-analysis.ts";

test("every analysis is asked here", () => {
  const all = analyses.filter(onModel).map(({ name }) => name);
  expect(Object.keys(asked).toSorted()).toEqual(all.toSorted());
});

describe.each(["gpt2", "llama"])("on an engine that answers later, %s", (family) => {
  test.each(cases)("$name $params", async (one) => {
    const engine = lateEngine();
    const model = await loadModel(engine, tinyModel(family), { hash: false });
    const others = await othersOn(engine, family, one.params);
    const before = engine.alive();
    const got = await resultOf(engine, family, model, others, one);
    expect(engine.alive()).toBe(before);
    const same = await loadModel(reference, tinyModel(family), { hash: false });
    const sameOthers = await othersOn(reference, family, one.params);
    expect(got).toEqual(await resultOf(reference, family, same, sameOthers, one));
  });
});
