import { createCpu } from "@resolvent/cpu";
import { reference, type Tensor, tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import {
  type AttentionBlock,
  blocksOf,
  type HeadPlace,
  loadModel,
  type Model,
  run,
  withoutBiases,
} from "@resolvent/transformer";
import { describe, expect, test } from "vitest";
import {
  type Circuit,
  ovCircuit,
  ovTable,
  processWeights,
  qkCircuit,
  qkTable,
  RAW,
} from "../src/index.ts";
import { fullCircuits, matrixOf, product, transpose } from "./naive.ts";

const near = { rtol: 1e-10 };

describe.each(tinyFamilies)("%s", (family) => {
  const load = (): Promise<Model<Tensor>> =>
    loadModel(reference, tinyModel(family), { hash: false });

  /** Every head of the last layer. */
  async function heads(): Promise<{
    model: Model<Tensor>;
    block: AttentionBlock<Tensor>;
    all: HeadPlace[];
  }> {
    const model = await load();
    const { layers, heads } = model.architecture;
    const block = blocksOf(model).find((b) => b.kind === "attn" && b.layer === layers - 1);
    if (block?.kind !== "attn") throw new Error("Every layer has attention.");
    return {
      model,
      block,
      all: Array.from({ length: heads }, (_, head) => ({ layer: layers - 1, head })),
    };
  }

  test("the OV factors are the folded, centred W_V W_O", async () => {
    const { model, block, all } = await heads();
    for (const head of all) {
      const { left, right } = ovCircuit(reference, model, head);
      const full = product(
        matrixOf(left, "d_model", "d_head"),
        matrixOf(right, "d_head", "d_model"),
      );
      expect(full).toBeNear(fullCircuits(block, head.head).OV, near);
    }
  });

  test("OV is what a head of the model writes, QK what it scores, at every distance", async () => {
    const { model, block, all } = await heads();
    const { d_model } = model.architecture;
    const x = tensor(
      { pos: 6, d_model },
      Array.from({ length: 6 * d_model }, (_, i) => Math.sin(1 + i * i)),
    );
    // The last attention block reads x through linear norms, without biases.
    const bare = withoutBiases(block);
    const linear: Model<Tensor> = {
      ...model,
      stages: [...model.stages].map((stage) =>
        stage.map((b) => (b.name === block.name ? bare : b)),
      ),
    };
    const one = (axes: object): Tensor => reference.fill({ ...axes }, 1);
    const { head = 0, kv_head = 0 } = { head: all.length, ...block.W_K.shape };
    const present = (site: string, value: Tensor | undefined): object =>
      value === undefined ? {} : { [`${block.name}.${site}`]: value };
    const { trace } = run(reference, linear, [1, 2, 3, 4, 5, 6], {
      sites: [`${block.name}.*`],
      replace: {
        [`${block.name}.read`]: x,
        ...present("norm", block.norm && one({ pos: 6 })),
        ...present("query_norm", block.queryNorm && one({ pos: 6, head })),
        ...present("write_norm", block.writeNorm && one({ pos: 6 })),
        ...present("key_norm", block.keyNorm && one({ key_pos: 6, kv_head })),
      },
    });
    const [scores, pattern, written] = ["score", "pattern", "head"].map((site) => {
      const value = trace.get(`${block.name}.${site}`);
      if (value === undefined) throw new Error(`No ${site}.`);
      return value;
    }) as [Tensor, Tensor, Tensor];
    const X = matrixOf(x, "pos", "d_model");
    const of = (a: Tensor, i: number): Tensor =>
      reference.sum(reference.slice(a, "head", i, i + 1), ["head"]);
    for (const at of all) {
      // What is written, once more centred where writes are.
      const { left, right } = ovCircuit(reference, model, at, {
        processing: { centreWrites: false },
      });
      const moved = product(
        product(
          product(matrixOf(of(pattern, at.head), "pos", "key_pos"), X),
          matrixOf(left, "d_model", "d_head"),
        ),
        matrixOf(right, "d_head", "d_model"),
      );
      expect(moved).toBeNear(matrixOf(of(written, at.head), "pos", "d_model"), near);
      const S = matrixOf(of(scores, at.head), "pos", "key_pos");
      for (const distance of [0, 1, 4]) {
        const qk = qkCircuit(reference, model, at, { distance });
        const form = product(
          product(X, matrixOf(qk.left, "d_model", "d_head")),
          transpose(product(X, matrixOf(qk.right, "d_model", "d_head"))),
        );
        const own = form.slice(distance).map((row, i) => (row[i] ?? 0) * block.scoreScale);
        expect(own).toBeNear(
          S.slice(distance).map((row, i) => row[i] ?? 0),
          near,
        );
      }
    }
  });

  /** A circuit of weights as they are, with the scale of a norm of what the block writes, which no weight holds. */
  function rawOv(model: Model<Tensor>, head: HeadPlace): Circuit<Tensor> {
    const { left, right } = ovCircuit(reference, model, head, { processing: RAW });
    const block = blocksOf(model).find((b) => b.kind === "attn" && b.layer === head.layer);
    const scale = block?.writeNorm?.scale;
    return { left, right: scale === undefined ? right : reference.mul(right, scale) };
  }

  test("circuits of the processed model, as they are, are the processed circuits", async () => {
    const { model, all } = await heads();
    const processed = processWeights(reference, model).model;
    for (const head of all) {
      const asked = ovCircuit(reference, model, head);
      const found = rawOv(processed, head);
      expect(found.left).toBeNear(asked.left, near);
      expect(found.right).toBeNear(asked.right, near);
    }
  });

  test("token tables are entries of W_E W_OV W_U and W_E W_QK W_Eᵀ", async () => {
    const { model } = await heads();
    const head = { layer: 0, head: 1 };
    const processed = processWeights(reference, model).model;
    const { scale: embedding = 1 } = model.embed;
    const W_E = matrixOf(reference.scale(model.embed.W_E, embedding), "vocab", "d_model");
    const tokens = [4, 0, 28];
    const ov = rawOv(processed, head);
    const effect = product(
      product(
        product(W_E, matrixOf(ov.left, "d_model", "d_head")),
        matrixOf(ov.right, "d_head", "d_model"),
      ),
      matrixOf(reference.center(processed.final.W_U, "vocab"), "d_model", "vocab"),
    );
    const table = ovTable(reference, model, head, tokens, {
      processing: { centreVocabulary: true },
    });
    expect(matrixOf(table, "source", "target")).toBeNear(
      tokens.map((i) => tokens.map((j) => effect[i]?.[j] ?? Number.NaN)),
      near,
    );
    const plain = ovTable(reference, model, head, tokens);
    const rest = matrixOf(reference.sub(plain, table), "source", "target");
    for (const row of rest)
      expect(row).toBeNear(
        row.map(() => row[0] ?? 0),
        { rtol: 1e-8 },
      );

    const qk = qkCircuit(reference, model, head, { distance: 2 });
    const scores = product(
      product(W_E, matrixOf(qk.left, "d_model", "d_head")),
      transpose(product(W_E, matrixOf(qk.right, "d_model", "d_head"))),
    );
    const [first] = blocksOf(model);
    const scale = first?.kind === "attn" ? first.scoreScale : Number.NaN;
    const looks = qkTable(
      reference,
      model,
      head,
      { query: [5, 6], key: [7, 8, 9] },
      { distance: 2 },
    );
    expect(matrixOf(looks, "query", "key")).toBeNear(
      [5, 6].map((i) => [7, 8, 9].map((j) => (scores[i]?.[j] ?? Number.NaN) * scale)),
      near,
    );
  });
});

test("without rotary embeddings, distance is nothing to a circuit", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const head = { layer: 1, head: 0 };
  const near0 = qkCircuit(reference, model, head);
  expect(qkCircuit(reference, model, head, { distance: 7 }).left).toBeNear(near0.left, near);
});

test("a QK norm's scale is folded with the others, and not where weights are raw", async () => {
  const model = await loadModel(reference, tinyModel("qwen3"), { hash: false });
  const head = { layer: 0, head: 3 };
  const [block] = blocksOf(model);
  if (block?.kind !== "attn" || block.keyNorm?.scale === undefined) throw new Error("It has one.");
  const withoutScale = qkCircuit(reference, model, head, { processing: RAW }).right;
  const scaled = reference.mul(withoutScale, block.keyNorm.scale);
  const kept = qkCircuit(reference, model, head).right;
  const own = reference.mul(scaled, block.norm?.scale ?? scaled);
  expect(kept).toBeNear(own, near);
});

test("what cannot be: heads, distances, tokens", async () => {
  const model = await loadModel(reference, tinyModel("gpt2"), { hash: false });
  const codes = [
    [() => ovCircuit(reference, model, { layer: 2, head: 0 }), "transformer/no-head"],
    [() => qkCircuit(reference, model, { layer: 0, head: -1 }), "transformer/no-head"],
    [
      () => qkCircuit(reference, model, { layer: 0, head: 0 }, { distance: -1 }),
      "attention/bad-distance",
    ],
    [() => ovTable(reference, model, { layer: 0, head: 0 }, [29]), "attention/bad-token"],
    [() => ovTable(reference, model, { layer: 0, head: 0 }, []), "attention/bad-token"],
    [
      () => qkTable(reference, model, { layer: 0, head: 0 }, { query: [1], key: [0.5] }),
      "attention/bad-token",
    ],
  ] as const;
  for (const [body, code] of codes) expect(body).toThrow(expect.objectContaining({ code }));
});

test("circuits and tables can be freed without the model's weights", async () => {
  const cpu = await createCpu({ precision: "f64", threads: 1 });
  const model = await loadModel(cpu, tinyModel("llama"), { hash: false });
  const head = { layer: 1, head: 2 };
  const logits = Array.from(cpu.read(run(cpu, model, [1, 2, 3]).logits).data);
  cpu.free(qkCircuit(cpu, model, head, { distance: 3 })); // makes the tables that stay
  const before = cpu.memory.used;
  for (const processing of [{}, RAW]) {
    cpu.free(ovCircuit(cpu, model, head, { processing }));
    cpu.free(qkCircuit(cpu, model, head, { processing, distance: 3 }));
    cpu.free(ovTable(cpu, model, head, [1, 2], { processing }));
    cpu.free(qkTable(cpu, model, head, { query: [1, 2], key: [3] }, { processing }));
  }
  expect(cpu.memory.used).toBe(before);
  expect(Array.from(cpu.read(run(cpu, model, [1, 2, 3]).logits).data)).toEqual(logits);
  await cpu.close();
});
