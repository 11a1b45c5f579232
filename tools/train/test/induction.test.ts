import { reference, type SyncEngine, type Tensor } from "@resolvent/tensor";
import { run } from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import { measureInduction } from "../src/induction.ts";
import { freshParameters } from "../src/parameters.ts";
import { modelOf } from "../src/training.ts";
import { inductionByHand } from "./by-hand.ts";
import { tinyAttnOnly, tinyConfig } from "./tiny.ts";

const engine: SyncEngine<Tensor> = reference;
/** Six different tokens, and the same again. */
const rows = [
  [0, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6],
  [0, 3, 6, 1, 5, 2, 4, 3, 6, 1, 5, 2, 4],
];

describe("a model of induction written by hand", () => {
  const model = inductionByHand();
  const found = measureInduction(engine, model, rows);

  test("is sure of the second copy, and cannot know the first", () => {
    expect([found.rows, found.length]).toEqual([2, 6]);
    expect(found.secondLoss).toBeNear(0, { atol: 1e-12 });
    expect(found.secondTop1).toBe(1);
    expect(found.firstLoss).toBeGreaterThan(100); // it expects a token to follow itself
  });

  test("has a previous-token head, an induction head, and two that look everywhere alike", () => {
    const [none, previous, induction, other] = found.heads;
    expect(found.heads.map(({ head }) => head)).toEqual(["L0.H0", "L0.H1", "L1.H0", "L1.H1"]);
    expect([previous?.previousToken, previous?.induction]).toBeNear([1, 0], { atol: 1e-12 });
    expect([induction?.induction, induction?.duplicateToken]).toBeNear([1, 0], { atol: 1e-12 });
    // means of 1/(i+1) over the positions i = 1 … 12 and i = 7 … 12
    const even = (from: number): number => {
      const all = Array.from({ length: 13 - from }, (_, n) => 1 / (from + n + 1));
      return all.reduce((a, b) => a + b) / all.length;
    };
    for (const head of [none, other]) {
      expect(head?.previousToken).toBeNear(even(1));
      expect([head?.duplicateToken, head?.induction]).toBeNear([even(7), even(7)]);
    }
  });

  test("is no longer one without the previous-token head in its keys", () => {
    const by = Object.fromEntries(
      found.keys.map((keys) => [keys.without.join(), keys.induction[0]]),
    );
    expect(Object.keys(by)).toEqual(["L0.H0", "L0.H1", "L0.H0,L0.H1"]);
    expect(by["L0.H0"]).toBeNear(1, { atol: 1e-12 });
    expect(by["L0.H1"]).toBeLessThan(0.12); // all keys are zero: even attention
    expect(by["L0.H0,L0.H1"]).toBe(by["L0.H1"]);
  });
});

describe("a model of chance", () => {
  const config = { ...tinyAttnOnly, n_ctx: 13 };
  const model = modelOf(engine, config, freshParameters(engine, config, 1));

  test("losses are those of its logits", () => {
    const { logits } = run(engine, model, rows);
    const loss = (row: number, pos: number): number => {
      const at = (row * 13 + pos) * 11;
      const own = Array.from(logits.data.slice(at, at + 11));
      const sum = own.reduce((total, logit) => total + Math.exp(logit), 0);
      return Math.log(sum) - (own[rows[row]?.[pos + 1] ?? 0] ?? Number.NaN);
    };
    const mean = (positions: readonly number[]): number =>
      positions.reduce((sum, pos) => sum + loss(0, pos) + loss(1, pos), 0) / (2 * positions.length);
    const { firstLoss, secondLoss } = measureInduction(engine, model, rows);
    expect(firstLoss).toBeNear(mean([0, 1, 2, 3, 4, 5]), { rtol: 1e-12 });
    expect(secondLoss).toBeNear(mean([7, 8, 9, 10, 11]), { rtol: 1e-12 });
  });

  test("keys without all of layer 0 are keys of the embedding", () => {
    const first = run(engine, model, rows, { sites: ["L0.attn.write"] }).trace.get("L0.attn.write");
    const block = [...model.stages][1]?.[0];
    if (first === undefined || block?.kind !== "attn") throw new Error("Two layers were made.");
    const { trace } = run(engine, model, rows, {
      sites: ["L1.attn.pattern"],
      replace: {
        "L1.attn.key": (key) =>
          engine.sub(
            key,
            engine.rename(engine.matmul(first, block.W_K, ["d_model"]), { pos: "key_pos" }),
          ),
      },
    });
    const pattern = trace.get("L1.attn.pattern");
    const all = measureInduction(engine, model, rows).keys.at(-1);
    expect(pattern?.shape).toEqual({ batch: 2, head: 2, pos: 13, key_pos: 13 });
    const data = pattern?.data ?? [];
    const scores = [0, 1].map((head) => {
      let sum = 0;
      for (const row of [0, 1]) {
        for (let i = 7; i < 13; i++)
          sum += data[((row * 2 + head) * 13 + i) * 13 + i - 5] ?? Number.NaN;
      }
      return sum / 12;
    });
    expect(all?.induction).toBeNear(scores, { rtol: 1e-12 });
  });
});

test("is not measured where a head cannot be taken out by subtraction", () => {
  const config = { ...tinyConfig, n_positions: 13 };
  const model = modelOf(engine, config, freshParameters(engine, config, 1));
  expect(() => measureInduction(engine, model, rows)).toThrow(
    expect.objectContaining({ code: "train/not-two-layers" }),
  );
});
