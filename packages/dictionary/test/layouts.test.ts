import { reference } from "@resolvent/tensor";
import { float32Bytes, npyOf, type SavedTensor, torchOf, zipOf } from "@resolvent/testkit/archives";
import {
  encodeNumbers,
  type Folder,
  memoryFolder,
  memorySource,
  writeSafetensors,
} from "@resolvent/weights";
import { describe, expect, test } from "vitest";
import {
  type Dictionary,
  decodeCrossLayer,
  encode,
  type LoadDictionaryOptions,
  loadDictionaries,
  loadDictionary,
  siteText,
} from "../src/index.ts";
import { codeOf, numbers } from "./make.ts";

const [d, F] = [3, 5];
const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));

type Tensors = Readonly<
  Record<string, readonly [shape: readonly number[], values: readonly number[]]>
>;

const safetensors = async (tensors: Tensors): Promise<Uint8Array> =>
  await writeSafetensors(
    Object.entries(tensors).map(([name, [shape, values]]) => ({
      name,
      dtype: "F64" as const,
      shape,
      bytes: encodeNumbers(values, "F64"),
    })),
  );

const random = (...shape: number[]): [number[], number[]] => [
  shape,
  numbers(
    shape.reduce((a, b) => a * b, 1),
    shape.length + 1,
  ),
];
const W = { W_enc: random(d, F), b_enc: random(F), W_dec: random(F, d), b_dec: random(d) };

async function saelens(
  config: object,
  tensors: Tensors = W,
  more: Record<string, unknown> = {},
): Promise<Folder> {
  const files = new Map<string, Uint8Array>([
    ["cfg.json", text({ d_in: d, d_sae: F, ...config })],
    ["sae_weights.safetensors", await safetensors(tensors)],
    ...Object.entries(more).map(([name, value]) => [name, text(value)] as const),
  ]);
  return memoryFolder(files, "folder");
}

const sites = ({
  input,
  output,
}: Pick<Dictionary<never>, "input" | "output">): (string | undefined)[] =>
  [input, output].map((site) => site && siteText(site));

const load = async (folder: Folder, options?: LoadDictionaryOptions) =>
  await loadDictionary(reference, folder, options);

describe("SAELens", () => {
  const six = { metadata: { sae_lens_version: "6.39.0", hook_name: "blocks.2.hook_resid_pre" } };

  test("what a config says of positions, heads and training", async () => {
    const folder = await saelens({
      metadata: {
        ...six.metadata,
        hook_name: "blocks.2.attn.hook_z",
        hook_head_index: 1,
        seqpos_slice: [1, -1],
        prepend_bos: false,
        context_size: 32,
        model_name: "tiny",
        model_from_pretrained_kwargs: { center_writing_weights: true },
      },
    });
    const dictionary = await load(folder);
    expect(sites(dictionary)).toEqual(["L2.attn.mixed.H1", "L2.attn.mixed.H1"]);
    expect(dictionary.positions).toEqual({ start: 1, stop: -1, step: null });
    expect(dictionary.trainedOn).toEqual({
      model: "tiny",
      hook: "blocks.2.attn.hook_z",
      prependBos: false,
      contextSize: 32,
      centred: true,
    });
    expect(dictionary.centred).toBe(true);
    expect((await load(folder, { centred: false })).centred).toBe(false);
    expect(sites(await load(folder, { site: "L0.mlp.after" }))).toEqual([
      "L0.mlp.after",
      "L0.mlp.after",
    ]);
  });

  test("one argument of a slice is where to stop", async () => {
    const folder = await saelens({ hook_name: "blocks.0.hook_mlp_out", seqpos_slice: [7] });
    expect((await load(folder)).positions).toEqual({ start: null, stop: 7, step: null });
    expect(await codeOf(async () => load(await saelens({ seqpos_slice: [0, 1, 0] })))).toBe(
      "dictionary/bad-config",
    );
  });

  test("a stream that may have been centred is told of, unless the caller says", async () => {
    const folder = await saelens({
      model_name: "gpt2-small",
      hook_name: "blocks.8.hook_resid_pre",
      model_from_pretrained_kwargs: {},
    });
    const codes = (await load(folder)).warnings.map(({ code }) => code);
    expect(codes).toEqual(["centred-writing-weights"]);
    expect((await load(folder, { centred: true })).warnings).toEqual([]);
    const none = {
      model_name: "gpt2-small",
      hook_name: "blocks.8.hook_resid_pre",
      model_from_pretrained_kwargs: { center_writing_weights: false },
    };
    expect((await load(await saelens(none))).warnings).toEqual([]);
  });

  test("a factor of inputs: from the caller, from its file, or missing and told of", async () => {
    const config = { ...six, normalize_activations: "expected_average_only_in" };
    const factor = async (more: Record<string, unknown>, options?: LoadDictionaryOptions) =>
      (await load(await saelens(config, W, more), options)).normalization;
    const scaled = (value: number) => ({ kind: "expected_average_only_in", factor: value });
    expect(await factor({}, { normScalingFactor: 3 })).toEqual(scaled(3));
    expect(await factor({ "activation_scaler.json": { scaling_factor: 2 } })).toEqual(scaled(2));
    expect(await factor({ "activation_scaler.json": { scaling_factor: null } })).toEqual({
      kind: "none",
    });
    expect(await factor({})).toEqual({ kind: "none" });
    expect(await codeOf(() => factor({}, { normScalingFactor: 0 }))).toBe("dictionary/bad-config");
  });

  test("thresholds as logarithms, as a training state has them", async () => {
    const logs = [-1, 0, 0.5, 1, -2];
    const folder = await saelens(
      { ...six, architecture: "jumprelu" },
      { ...W, log_threshold: [[F], logs] },
    );
    const { activation } = await load(folder);
    expect("threshold" in activation && activation.threshold.data).toBeNear(logs.map(Math.exp), {
      rtol: 1e-15,
      atol: 0,
    });
  });

  test("norms of the decoder, by the defaults of configs for inference and for training", async () => {
    const has = async (more: object, tensors: Tensors = W) =>
      (await load(await saelens({ ...six, k: 2, ...more }, tensors))).norms !== undefined;
    expect(await has({ architecture: "topk" })).toBe(false);
    expect(await has({ architecture: "topk", aux_loss_coefficient: 1 })).toBe(true);
    expect(
      await has({
        architecture: "topk",
        aux_loss_coefficient: 1,
        rescale_acts_by_decoder_norm: false,
      }),
    ).toBe(false);
    const trained = { ...W, topk_threshold: [[], [0.5]] } as Tensors;
    expect(await has({ architecture: "matryoshka_batchtopk" }, trained)).toBe(true);
  });

  test.each([
    [
      "a threshold that was never trained",
      { architecture: "batchtopk" },
      { topk_threshold: [[], [0]] },
      "dictionary/bad-config",
    ],
    ["another reshaping", { reshape_activations: "hook_q" }, {}, "dictionary/bad-config"],
    ["a size that is a text", { d_in: "3" }, {}, "dictionary/bad-config"],
    ["no size", { d_sae: null }, {}, "dictionary/bad-config"],
    ["a skip without its kind", {}, { W_skip: random(d, d) }, "dictionary/unexpected-tensor"],
    [
      "a kind without its skip",
      { architecture: "skip_transcoder", d_out: d },
      {},
      "dictionary/missing-tensor",
    ],
    ["a k that is no whole number", { architecture: "topk", k: 2.5 }, {}, "dictionary/bad-config"],
    [
      "a jumprelu with topk's activation",
      { architecture: "jumprelu", activation_fn: "topk" },
      {},
      "dictionary/bad-config",
    ],
  ] as const)("refuses %s", async (_, config, tensors, code) => {
    const folder = await saelens(config, { ...W, ...(tensors as Tensors) });
    expect(await codeOf(() => load(folder))).toBe(code);
  });

  test("a folder without its weights, or without anything", async () => {
    const none = memoryFolder(new Map([["cfg.json", text({ d_in: d, d_sae: F })]]));
    expect(await codeOf(() => load(none))).toBe("dictionary/no-file");
    expect(await codeOf(() => load(memoryFolder(new Map())))).toBe("dictionary/no-layout");
  });
});

describe("Gemma Scope", () => {
  const f4 = (shape: string, values: readonly number[]): Uint8Array =>
    npyOf({ descr: "'<f4'", shape }, float32Bytes(values));
  const quarters = (count: number): number[] =>
    Array.from({ length: count }, (_, i) => (i % 7) / 4 - 0.5);
  const folder = (path: string, lower = false): Folder => {
    const arrays = {
      W_enc: f4("(4, 5)", quarters(20)),
      W_dec: f4("(5, 4)", quarters(20)),
      b_enc: f4("(5,)", quarters(5)),
      b_dec: f4("(4,)", quarters(4)),
      threshold: f4("(5,)", quarters(5)),
    };
    const files = Object.entries(arrays).map(([name, bytes]) => ({
      name: `${lower ? name.toLowerCase() : name}.npy`,
      bytes,
    }));
    return memoryFolder(new Map([["params.npz", zipOf(files)]]), path);
  };

  test("the path says where it belongs", async () => {
    const of = async (path: string) => sites(await load(folder(path)));
    const place = "layer_12/width_16k/average_l0_82";
    expect(await of(`google/gemma-scope-2b-pt-res/${place}`)).toEqual([
      "L12.mlp.after",
      "L12.mlp.after",
    ]);
    expect(await of(`gemma-scope-9b-pt-mlp-canonical/${place}`)).toEqual([
      "L12.mlp.write",
      "L12.mlp.write",
    ]);
    expect(await of(`gemma-scope-2b-pt-att/${place}`)).toEqual([
      "L12.attn.mixed",
      "L12.attn.mixed",
    ]);
    expect(await of(`gemma-scope-2b-pt-transcoders/${place}`)).toEqual([
      "L12.mlp.normalized",
      "L12.mlp.write",
    ]);
    // As `hubFolder` names it, with the commit.
    expect(await of(`google/gemma-scope-2b-pt-att@607a30d/${place}`)).toEqual([
      "L12.attn.mixed",
      "L12.attn.mixed",
    ]);
    expect(await of(place)).toEqual([undefined, undefined]);
  });

  test("those of the embedding are of what it is before it is scaled", async () => {
    const plain = await load(folder("gemma-scope-2b-pt-res/layer_0", true));
    const embedding = await load(folder("gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6"));
    expect(sites(embedding)).toEqual(["embed.token", "embed.token"]);
    expect(embedding.W_enc.data).toBeNear(
      plain.W_enc.data.map((value) => value / 2),
      { rtol: 0, atol: 0 },
    );
    expect(embedding.W_dec.data).toBeNear(
      plain.W_dec.data.map((value) => value * 2),
      { rtol: 0, atol: 0 },
    );
  });
});

describe("Gemma Scope 2", () => {
  const config = {
    architecture: "jump_relu",
    type: "clt",
    width: F,
    hf_hook_point_in: "model.layers.{all}.pre_feedforward_layernorm.output",
    hf_hook_point_out: "model.layers.{all}.post_feedforward_layernorm.output",
  };
  const layer = (seed: number) =>
    ({
      w_enc: [[d, F], numbers(d * F, seed)],
      b_enc: [[F], numbers(F, seed + 1)],
      w_dec: [[F, 2, d], numbers(2 * F * d, seed + 2)],
      b_dec: [[d], numbers(d, seed + 3)],
      threshold: [[F], numbers(F, seed + 4)],
    }) as const;
  const folder = async (fields: object = {}): Promise<Folder> =>
    memoryFolder(
      new Map([
        ["config.json", text({ ...config, ...fields })],
        ["params_layer_0.safetensors", await safetensors(layer(10))],
        ["params_layer_1.safetensors", await safetensors(layer(20))],
      ]),
    );

  test("a transcoder across layers: decoders before a layer's own are not used", async () => {
    const found = await loadDictionaries(reference, await folder());
    if (found.kind !== "cross-layer") throw new Error(found.kind);
    const { transcoder } = found;
    expect(transcoder.layers.map(sites)).toEqual([
      ["L0.mlp.normed", "L0.mlp.write"],
      ["L1.mlp.normed", "L1.mlp.write"],
    ]);
    const x = [numbers(d, 1), numbers(d, 2)];
    const sparse = await Promise.all(
      transcoder.layers.map((one, i) =>
        encode(reference, one, reference.constant({ row: 1, d_in: d }, x[i] ?? [])),
      ),
    );
    const outputs = decodeCrossLayer(reference, transcoder, sparse);
    const acts = [10, 20].map((seed, i) => {
      const { w_enc, b_enc, threshold } = layer(seed);
      return Array.from({ length: F }, (_, f) => {
        const z = (x[i] ?? []).reduce(
          (sum, value, j) => sum + value * (w_enc[1][j * F + f] ?? 0),
          b_enc[1][f] ?? 0,
        );
        return z > (threshold[1][f] ?? 0) ? Math.max(0, z) : 0;
      });
    });
    for (const target of [0, 1]) {
      const y = Array.from({ length: d }, (_, j) => {
        let sum = layer(target === 0 ? 10 : 20).b_dec[1][j] ?? 0;
        for (const [from, seed] of [10, 20].entries()) {
          if (from > target) continue;
          const { w_dec } = layer(seed);
          for (let f = 0; f < F; f++)
            sum += (acts[from]?.[f] ?? 0) * (w_dec[1][(f * 2 + target) * d + j] ?? 0);
        }
        return sum;
      });
      expect(outputs[target]?.data).toBeNear(y, { rtol: 1e-12, atol: 1e-12 });
    }
  });

  test("what is another function is refused", async () => {
    const code = async (fields: object): Promise<string> => {
      const made = await folder(fields);
      return await codeOf(() => loadDictionaries(reference, made));
    };
    expect(await code({ affine_connection: true })).toBe("dictionary/bad-config");
    expect(await code({ type: "crosscoder" })).toBe("dictionary/bad-config");
    expect(await code({ architecture: "topk" })).toBe("dictionary/bad-config");
    expect(await code({ width: F + 1 })).toBe("dictionary/shape");
    const clt = await folder();
    expect(await codeOf(() => load(clt))).toBe("dictionary/several");
  });
});

describe("circuit-tracer", () => {
  const layer = async (more: Tensors = {}, width = F): Promise<Uint8Array> =>
    await safetensors({
      W_enc: random(width, d),
      b_enc: random(width),
      W_dec: random(width, d),
      b_dec: random(d),
      ...more,
    });
  const yaml =
    'model_name: "toy"\nmodel_kind: transcoder_set # layers\nfeature_input_hook: "mlp.hook_in"\nfeature_output_hook: "hook_mlp_out"\n';

  test("one of several layers, all of them, or none by mistake", async () => {
    const folder = memoryFolder(
      new Map([
        ["config.yaml", text(yaml)],
        ["layer_0.safetensors", await layer()],
        ["layer_1.safetensors", await layer()],
      ]),
    );
    expect(await codeOf(() => load(folder))).toBe("dictionary/several");
    expect(await codeOf(() => load(folder, { layer: 2 }))).toBe("dictionary/no-layer");
    expect(sites(await load(folder, { layer: 1 }))).toEqual(["L1.mlp.normed", "L1.mlp.write"]);
    const all = await loadDictionaries(reference, folder);
    expect(all.kind === "per-layer" && all.layers).toHaveLength(2);
    const odd = memoryFolder(
      new Map([
        ["config.yaml", text(yaml)],
        ["layer_0.safetensors", await layer()],
        ["layer_1.safetensors", await layer({}, F + 1)],
      ]),
    );
    expect(await codeOf(() => loadDictionaries(reference, odd))).toBe("dictionary/bad-config");
  });

  test("files that a config lists, here and in other places", async () => {
    const bytes = await layer({ W_dec: random(d, F) }); // as older files for Llama have it
    const listed = `${yaml}transcoders:\n  - "a.safetensors"\n  - "hf://repo/b.safetensors?revision=1"\n`;
    const folder = memoryFolder(
      new Map([
        ["config.yaml", text(listed)],
        ["a.safetensors", bytes],
      ]),
    );
    expect(await codeOf(() => loadDictionaries(reference, folder))).toBe("dictionary/elsewhere");
    const asked: string[] = [];
    const found = await loadDictionaries(reference, folder, {
      elsewhere: async (address) => {
        asked.push(address);
        return memorySource(bytes);
      },
    });
    expect(found.kind === "per-layer" && found.layers).toHaveLength(2);
    expect(asked).toEqual(["hf://repo/b.safetensors?revision=1"]);
    const old = `model_name: toy\ntranscoders:\n- id: x\n  layer: 0\n  filepath: a.safetensors\n`;
    const before = memoryFolder(
      new Map([
        ["config.yaml", text(old)],
        ["a.safetensors", bytes],
      ]),
    );
    expect((await load(before)).W_dec.shape).toEqual({ d_out: d, feature: F });
  });

  test("configs that are not read", async () => {
    const code = async (config: string): Promise<string> =>
      await codeOf(() =>
        loadDictionaries(reference, memoryFolder(new Map([["config.yaml", text(config)]]))),
      );
    for (const odd of [
      "model_kind: &x y\n",
      "a: b\na: c\n",
      "- x\n",
      "  a: b\n",
      "just words\n",
      "",
      "model_kind: |\n  x\n",
    ]) {
      expect(await code(odd), odd).toBe("dictionary/bad-config");
    }
    expect(await code(`${yaml}activation: gelu\n`)).toBe("dictionary/no-file");
  });
});

describe("dictionary_learning", () => {
  const saved = ([shape, values]: [number[], number[]], storage = "FloatStorage"): SavedTensor => ({
    storage,
    bytes: float32Bytes(values),
    count: values.length,
    shape,
  });
  const state = {
    bias: saved(random(d)),
    "encoder.weight": saved(random(F, d)),
    "encoder.bias": saved(random(F)),
    "decoder.weight": saved(random(d, F)),
  };
  const folder = (
    trainer: object,
    buffer?: object,
    tensors: Record<string, SavedTensor> = state,
  ): Folder =>
    memoryFolder(
      new Map([
        [
          "config.json",
          text({
            trainer: { dict_class: "AutoEncoder", activation_dim: d, dict_size: F, ...trainer },
            ...(buffer && { buffer }),
          }),
        ],
        ["ae.pt", torchOf(tensors)],
      ]),
    );

  test("a site where the config names one, else the caller's", async () => {
    expect(sites(await load(folder({ submodule_name: "resid_post_layer_4" })))).toEqual([
      "L4.mlp.after",
      "L4.mlp.after",
    ]);
    expect(sites(await load(folder({ submodule_name: null })))).toEqual([undefined, undefined]);
    const transcoder = await load(folder({}, { io: "in_and_out" }), {
      site: "L1.mlp.normed",
      output: "L1.mlp.write",
    });
    expect([transcoder.transcoder, ...sites(transcoder)]).toEqual([
      true,
      "L1.mlp.normed",
      "L1.mlp.write",
    ]);
  });

  test("what is missing, too much, or of whole numbers", async () => {
    const { bias, ...rest } = state;
    expect(await codeOf(() => load(folder({}, {}, rest)))).toBe("dictionary/missing-tensor");
    expect(await codeOf(() => load(folder({}, {}, { ...state, more: bias })))).toBe(
      "dictionary/unexpected-tensor",
    );
    const whole = {
      ...state,
      "encoder.bias": { storage: "IntStorage", bytes: new Uint8Array(4 * F), count: F, shape: [F] },
    };
    expect(await codeOf(() => load(folder({}, {}, whole)))).toBe("weights/unsupported-dtype");
  });
});
