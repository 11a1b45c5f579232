import {
  adjoint,
  type Ids,
  type Recorded,
  reference,
  type Tensor,
  tangent,
} from "@resolvent/tensor";
import { tinyFamilies } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import {
  crossEntropy,
  type Model,
  mapWeights,
  nextTokenLoss,
  run,
  tokenIds,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

describe("crossEntropy", () => {
  test("by hand", () => {
    const logits = reference.constant({ pos: 2, vocab: 3 }, [Math.log(2), Math.log(5), 0, 7, 7, 7]);
    const targets: Ids = { shape: { pos: 2 }, data: Int32Array.of(1, 2) };
    const loss = crossEntropy(reference, logits, targets);
    expect(loss.shape).toEqual({ pos: 2 });
    expect(loss.data).toBeNear([Math.log(8 / 5), Math.log(3)], { rtol: 1e-15 });
  });

  test("of a batch, whose axes may lie in any order in memory", () => {
    const numbers = Array.from({ length: 24 }, (_, i) => Math.sin(7 * i));
    const logits = reference.constant({ batch: 2, pos: 3, vocab: 4 }, numbers);
    const ids = [0, 3, 1, 2, 2, 0];
    const targets: Ids = { shape: { batch: 2, pos: 3 }, data: Int32Array.from(ids) };
    const expected = ids.map((id, row) => {
      const rowOf = numbers.slice(4 * row, 4 * row + 4);
      return Math.log(rowOf.reduce((sum, x) => sum + Math.exp(x), 0)) - (rowOf[id] as number);
    });
    const loss = crossEntropy(reference, logits, targets);
    expect(loss.shape).toEqual({ batch: 2, pos: 3 });
    expect(loss.data).toBeNear(expected, { rtol: 1e-14 });
    const turned = reference.arrange(logits, ["pos", "batch"]);
    expect(crossEntropy(reference, turned, targets)).toBeNear(loss, { rtol: 1e-14 });
  });

  test("of logits as large as float64 holds is finite", () => {
    const logits = reference.constant({ pos: 1, vocab: 2 }, [1e300, -1e300]);
    const targets: Ids = { shape: { pos: 1 }, data: Int32Array.of(0) };
    expect(Array.from(crossEntropy(reference, logits, targets).data)).toEqual([0]);
  });
});

test("crossEntropy refuses targets beyond the vocabulary", () => {
  const logits = reference.fill({ pos: 2, vocab: 3 }, 0);
  for (const got of [3, -1]) {
    const targets: Ids = { shape: { pos: 2 }, data: Int32Array.of(0, got) };
    expect(() => crossEntropy(reference, logits, targets)).toThrow(
      expect.objectContaining({ code: "transformer/bad-token", details: { vocab: 3, got } }),
    );
  }
});

describe("nextTokenLoss", () => {
  test("each position predicts the token after it", () => {
    const data = [0, Math.log(3), 0, Math.log(3), 9, -9];
    const logits = reference.constant({ pos: 3, vocab: 2 }, data);
    const loss = nextTokenLoss(reference, logits, tokenIds([0, 1, 0]));
    expect(loss.shape).toEqual({});
    expect(loss.data).toBeNear([(Math.log(4 / 3) + Math.log(4)) / 2], { rtol: 1e-15 });
  });

  test("of a batch is the mean of its rows' losses", async () => {
    const model = await tiny("gpt2");
    const rows = [TOKENS, TOKENS.toReversed()];
    const loss = (tokens: readonly number[] | readonly (readonly number[])[]): number =>
      nextTokenLoss(reference, run(reference, model, tokens).logits, tokenIds(tokens)).data[0] ??
      Number.NaN;
    expect(loss(rows)).toBeNear((loss(rows[0] ?? []) + loss(rows[1] ?? [])) / 2, { rtol: 1e-14 });
  });

  test("one token predicts nothing", async () => {
    const { logits } = run(reference, await tiny("gpt2"), [3]);
    expect(() => nextTokenLoss(reference, logits, tokenIds([3]))).toThrow(
      expect.objectContaining({ code: "transformer/too-short" }),
    );
  });
});

describe.each(tinyFamilies)("the gradient of the loss by all weights of %s", (family) => {
  const rows = [TOKENS, [28, 0, 7, 7, 19, 2, 4]];

  function lossOf(model: Model<Tensor>): number {
    const { logits } = run(reference, model, rows);
    return nextTokenLoss(reference, logits, tokenIds(rows)).data[0] ?? Number.NaN;
  }

  test("is the slope of the loss along any direction", async () => {
    const model = await tiny(family);
    const gradients = gradientsOf(model, rows);
    expect(gradients.size).toBeGreaterThan(10);
    for (const salt of [1, 2, 3]) {
      const direction = directionFor(gradients, salt);
      const predicted = [...gradients].reduce(
        (sum, [name, gradient]) => sum + dot(gradient, direction(name, gradient)),
        0,
      );
      const duals = tangent(reference);
      const moving = mapWeights(model, (w, name) => duals.dual(w, direction(name, w)));
      const loss = nextTokenLoss(duals, run(duals, moving, rows).logits, tokenIds(rows));
      expect(loss.tangent?.data).toBeNear([predicted], { rtol: 1e-11 });
      // Central differences, extrapolated to fourth order.
      const slope = (h: number): number => {
        const moved = (by: number): Model<Tensor> =>
          mapWeights(model, (w, name) => reference.add(w, reference.scale(direction(name, w), by)));
        return (lossOf(moved(h)) - lossOf(moved(-h))) / (2 * h);
      };
      const h = 1e-4;
      // ReLU has kinks; a step that crosses one is no derivative, and the JVP above has told.
      if (model.architecture.activation !== "relu") {
        expect((4 * slope(h / 2) - slope(h)) / 3).toBeNear(predicted, { rtol: 1e-6 });
      }
    }
  });

  test("is not zero for any weight", async () => {
    for (const [name, gradient] of gradientsOf(await tiny(family), rows)) {
      const size = Math.max(...gradient.data.map(Math.abs));
      // A softmax does not see a term that all keys share, so biases of keys without rotation do nothing.
      const unseen =
        name.endsWith(".b_K") &&
        ["learned", "none"].includes((await tiny(family)).architecture.positions);
      if (unseen) expect(size, name).toBeLessThan(1e-12);
      else expect(size, name).toBeGreaterThan(1e-6);
    }
  });
});

test("a tied embedding gets the gradient of both places", async () => {
  const tied = await tiny("gpt2");
  expect(tied.final.W_U).toBe(tied.embed.W_E);
  const copy: Tensor = { ...tied.embed.W_E };
  const apart: Model<Tensor> = { ...tied, final: { ...tied.final, W_U: copy } };
  const both = gradientsOf(tied, [TOKENS]);
  const each = gradientsOf(apart, [TOKENS]);
  expect(both.has("final.W_U")).toBe(false);
  const [W_E, W_U] = [each.get("embed.W_E"), each.get("final.W_U")] as [Tensor, Tensor];
  expect(both.get("embed.W_E")).toBeNear(reference.add(W_E, W_U), { rtol: 1e-13 });
  expect(Math.max(...W_U.data.map(Math.abs))).toBeGreaterThan(1e-3);
});

/** The gradient of the loss by each weight, by its name. */
function gradientsOf(
  model: Model<Tensor>,
  rows: readonly (readonly number[])[],
): Map<string, Tensor> {
  const tape = adjoint(reference);
  const variables = new Map<string, Recorded<Tensor>>();
  const taped = mapWeights(model, (w, name) => {
    const variable = tape.variable(w);
    variables.set(name, variable);
    return variable;
  });
  const loss = nextTokenLoss(tape, run(tape, taped, rows).logits, tokenIds(rows));
  const gradients = tape.gradients(loss, reference.fill({}, 1), [...variables.values()]);
  return new Map([...variables.keys()].map((name, i) => [name, gradients[i] as Tensor])); // one for each
}

/** A direction for each weight, of size near 1, the same for the same name and salt. */
function directionFor(
  weights: ReadonlyMap<string, Tensor>,
  salt: number,
): (name: string, like: Tensor) => Tensor {
  const names = [...weights.keys()];
  return (name, like) => {
    const start = 1000 * names.indexOf(name) + 77 * salt;
    const { shape, data } = like;
    return reference.arrange(
      reference.constant(
        sortedShape(shape),
        data.map((_, i) => Math.sin(12.9898 * (start + i))),
      ),
      [],
    );
  };
}

/** Axes by name, because a gradient may have another memory order than its weight. */
function sortedShape(shape: Tensor["shape"]): Tensor["shape"] {
  return Object.fromEntries(Object.entries(shape).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `Σ a·b` over entries of the same axes. */
function dot(a: Tensor, b: Tensor): number {
  const { data } = reference.sum(reference.mul(a, b), Object.keys(a.shape));
  return data[0] ?? Number.NaN;
}
