import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inOrder, reference, type Tensor } from "@resolvent/tensor";
import { describeWithFixtures, type Fixtures } from "@resolvent/testkit";
import { decodeNumbers, openSafetensors, readTensor } from "@resolvent/weights";
import { fileSource, folderOf } from "@resolvent/weights/node";
import { beforeAll, describe, expect, test } from "vitest";
import {
  blocksOf,
  generate,
  loadModel,
  loadTokenizer,
  type Model,
  nextTokenLoss,
  run,
  tokenIds,
} from "../src/index.ts";

/** golden/NAME.json, as far as it concerns forward passes: 12 significant digits. */
interface Golden {
  readonly config: { readonly blocks: readonly string[] };
  readonly prompts: readonly {
    readonly ids: readonly number[];
    readonly T_norm: number;
    readonly x0_norm: number;
    readonly block_output_norm: readonly number[];
    readonly last_row_T_first5: readonly number[];
    readonly top10_ids: readonly number[];
    readonly top10_logits: readonly number[];
  }[];
}

/** ref.json of a model. */
interface Reference {
  readonly prompts: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly top10_ids: readonly number[];
    readonly top10_logits: readonly number[];
    readonly logits_last_mean: number;
    readonly logits_last_l2: number;
    readonly argmax_per_pos: readonly number[];
    readonly resid_last_l2_by_layer: readonly number[];
    readonly mean_next_token_loss: number;
  }[];
  readonly greedy_ids?: readonly number[];
  readonly greedy_continuation_of_first_prompt?: string;
}

const NAMES = ["stories260k", "nano-sort-gpt2", "neel-induction-2l", "neel-modadd113-1l"];

const load = async (fixtures: Fixtures, name: string): Promise<Model<Tensor>> =>
  await loadModel(reference, folderOf(fixtures.models(name)));

const refOf = (fixtures: Fixtures, name: string): Reference =>
  JSON.parse(readFileSync(join(fixtures.models(name), "ref.json"), "utf8"));

describeWithFixtures("real models give the results of an independent program", (fixtures) => {
  describe.each(NAMES)("%s", (name) => {
    let model: Model<Tensor>;
    beforeAll(async () => {
      model = await load(fixtures, name);
    });

    test("golden: logits, residual stream, what each block writes", () => {
      const golden = fixtures.golden<Golden>(name);
      expect(golden.prompts.length).toBeGreaterThan(0);
      expect(blocksOf(model).map((block) => block.name)).toEqual(golden.config.blocks);
      for (const prompt of golden.prompts) {
        const { logits, residual, trace } = run(reference, model, prompt.ids, {
          sites: ["embed", "*.write"],
        });
        const last = lastRow(logits);
        const ranked = ranking(last).slice(0, prompt.top10_ids.length);
        expect(ranked).toEqual(prompt.top10_ids);
        expect(ranked.map((id) => last[id] as number)).toBeNear(prompt.top10_logits);
        expect(norm(residual.data)).toBeNear(prompt.T_norm);
        expect(lastRow(residual).slice(0, 5)).toBeNear(prompt.last_row_T_first5);
        const norms = [...trace.values()].map((value) => norm(value.data));
        expect(norms).toBeNear([prompt.x0_norm, ...prompt.block_output_norm]);
      }
    });

    test("ref.json: logits, likeliest tokens, the stream after each layer, loss", () => {
      const { prompts } = refOf(fixtures, name);
      expect(prompts.length).toBeGreaterThan(0);
      for (const prompt of prompts) {
        const { logits, trace } = run(reference, model, prompt.ids, {
          sites: ["embed", "*.after"],
        });
        const last = lastRow(logits);
        const ranked = ranking(last).slice(0, prompt.top10_ids.length);
        expect(ranked).toEqual(prompt.top10_ids);
        expect(ranked.map((id) => last[id] as number)).toBeNear(prompt.top10_logits, {
          rtol: 1e-12,
        });
        const mean = last.reduce((a, b) => a + b) / last.length;
        expect(mean).toBeNear(prompt.logits_last_mean, { atol: 1e-12 });
        expect(norm(last)).toBeNear(prompt.logits_last_l2, { rtol: 1e-12 });
        const { vocab } = model.architecture;
        const likeliest = prompt.ids.map(
          (_, pos) => ranking(logits.data.slice(pos * vocab, (pos + 1) * vocab))[0],
        );
        expect(likeliest).toEqual(prompt.argmax_per_pos);
        const ends = [...trace].filter(([site]) => site === "embed" || isLastOfLayer(model, site));
        expect(ends.map(([, value]) => norm(lastRow(value)))).toBeNear(
          prompt.resid_last_l2_by_layer,
          {
            rtol: 1e-12,
          },
        );
        const loss = nextTokenLoss(reference, logits, tokenIds(prompt.ids));
        expect(loss.shape).toEqual({});
        expect(loss.data).toBeNear([prompt.mean_next_token_loss], { rtol: 1e-12 });
      }
    });
  });
});

describeWithFixtures("stories260k tells its story", (fixtures) => {
  const name = "stories260k";
  const ref = refOf(fixtures, name);

  test("text becomes the tokens of ref.json, and tokens the text", async () => {
    const tokenizer = await loadTokenizer(folderOf(fixtures.models(name)));
    for (const { text, ids } of ref.prompts) {
      expect(tokenizer?.encode(text)).toEqual(ids);
      expect(tokenizer?.encode(text, { special: false })).toEqual(ids.slice(1));
      expect(tokenizer?.decode(ids)).toBe(text);
    }
  });

  test("greedy generation gives its tokens, and its text byte for byte", async () => {
    const model = await load(fixtures, name);
    const tokenizer = await loadTokenizer(folderOf(fixtures.models(name)));
    const prompt = ref.prompts[0]?.ids ?? [];
    const expected = ref.greedy_ids ?? [];
    const ids = [...prompt];
    const maxTokens = expected.length - prompt.length;
    for await (const id of generate(reference, model, prompt, { maxTokens })) ids.push(id);
    expect(ids).toEqual(expected);
    const text = ids.slice(1).map((id) => tokenizer?.token(id));
    expect(text.join("")).toBe(ref.greedy_continuation_of_first_prompt);
  });
});

describeWithFixtures("nano-sort-gpt2 has the activations that PyTorch recorded", (fixtures) => {
  test("at each site of the first block, and at the ends", async () => {
    const name = "nano-sort-gpt2";
    const model = await load(fixtures, name);
    const source = fileSource(join(fixtures.models(name), "torch_block0_partials.safetensors"));
    const recorded = await partials(source);
    const at = (part: string): number[] => recorded.get(part) ?? [];
    const pos = 11;
    const rows = [0, 1, 2].map((row) => at("idx").slice(row * pos, (row + 1) * pos));
    const { logits, residual, trace } = run(reference, model, rows, { sites: ["*"] });

    const near = { rtol: 1e-5 };
    const site = (name: string, axes: readonly string[]): number[] =>
      Array.from(inOrder(trace.get(name) as Tensor, ["batch", ...axes]).data);
    const stream = ["pos", "d_model"];
    expect(site("embed", stream)).toBeNear(at("x"), near);
    expect(site("L0.attn.query", ["head", "pos", "d_head"])).toBeNear(at("q"), near);
    expect(site("L0.attn.key", ["kv_head", "key_pos", "d_head"])).toBeNear(at("k"), near);
    expect(site("L0.attn.value", ["kv_head", "key_pos", "d_head"])).toBeNear(at("v"), near);
    // The scores are scaled, and −∞ where they are masked.
    const visible = (_: number, i: number): boolean => i % pos <= Math.floor(i / pos) % pos;
    const scores = site("L0.attn.score", ["head", "pos", "key_pos"]);
    expect(scores.filter(visible)).toBeNear(at("att").filter(visible), near);
    expect(at("att").every((x, i) => visible(x, i) === Number.isFinite(x))).toBe(true);
    expect(site("L0.attn.pattern", ["head", "pos", "key_pos"])).toBeNear(at("attSm"), near);
    expect(site("L0.attn.mixed", ["pos", "head", "d_head"])).toBeNear(at("y"), near);
    expect(site("L0.attn.write", stream)).toBeNear(at("yProj"), near);
    expect(site("L0.attn.after", stream)).toBeNear(at("attnResid"), near);
    expect(site("L0.mlp.pre", ["pos", "d_mlp"])).toBeNear(at("fc"), near);
    expect(site("L0.mlp.post", ["pos", "d_mlp"])).toBeNear(at("gelu"), near);
    expect(site("L0.mlp.write", stream)).toBeNear(at("mlp"), near);
    expect(site("L0.mlp.after", stream)).toBeNear(at("mlpResid"), near);
    for (const layer of [0, 1, 2]) {
      expect(site(`L${layer}.mlp.after`, stream)).toBeNear(at(`block${layer}`), near);
    }
    expect(Array.from(residual.data)).toBeNear(at("block2"), near);
    expect(Array.from(logits.data)).toBeNear(at("lm_head"), near);
    expect(reference.softmax(logits, "vocab").data).toBeNear(at("probs"), near);
    // The norms as wholes, from their denominators.
    for (const [part, block, read] of [
      ["ln1", "L0.attn", "embed"],
      ["ln2", "L0.mlp", "L0.attn.after"],
    ] as const) {
      const weights = blocksOf(model).find((b) => b.name === block)?.norm;
      const centred = reference.center(trace.get(read) as Tensor, "d_model");
      const unit = reference.div(centred, trace.get(`${block}.norm`) as Tensor);
      const scaled = reference.mul(unit, weights?.scale as Tensor);
      expect(reference.add(scaled, weights?.bias as Tensor).data).toBeNear(at(part), near);
    }
  });
});

async function partials(source: ReturnType<typeof fileSource>): Promise<Map<string, number[]>> {
  const file = await openSafetensors(source);
  const found = new Map<string, number[]>();
  for (const name of file.tensors.keys()) {
    found.set(name, Array.from(decodeNumbers(await readTensor(file, name), "f64")));
  }
  return found;
}

function isLastOfLayer(model: Model<Tensor>, site: string): boolean {
  const last = model.architecture.d_mlp === 0 ? "attn" : "mlp";
  return site.endsWith(`${last}.after`);
}

function lastRow(a: Tensor): number[] {
  const length = Object.values(a.shape).at(-1) ?? 1;
  return Array.from(a.data.slice(-length));
}

/** Ids from the largest logit down. */
function ranking(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  return [...values.keys()].sort((a, b) => (values[b] as number) - (values[a] as number)); // keys of values
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));
}
