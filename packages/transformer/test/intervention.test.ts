import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import {
  ablatedSites,
  blocksOf,
  generate,
  type Intervention,
  type Model,
  meanValues,
  nodesNamed,
  nodeWrite,
  plainSites,
  replacements,
  run,
  runValues,
} from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

const OTHER = [3, 1, 4, 1, 5, 9, 2];

function changed(model: Model<Tensor>, list: readonly Intervention[], sites: readonly string[]) {
  return run(reference, model, TOKENS, { sites, replace: replacements(reference, model, list) });
}

/** What a node writes in a run, by the one definition of its parts. */
function writeOf(model: Model<Tensor>, name: string, tokens: readonly number[]): Tensor {
  const [node] = nodesNamed(model.architecture, name);
  const block = blocksOf(model).find((one) => one.name === node?.block);
  if (node === undefined || block === undefined) throw new Error(`no node ${name}`);
  const site = `${block.name}.read`;
  const { trace } = run(reference, model, tokens, { sites: [site] });
  return nodeWrite(reference, node, block, trace.get(site) as Tensor, plainSites());
}

function at(trace: ReadonlyMap<string, Tensor>, site: string): Tensor {
  const value = trace.get(site);
  if (value === undefined) throw new Error(`no site ${site}`);
  return value;
}

const plainFamilies = tinyFamilies.filter((family) => !/solu/.test(family));

describe.each(plainFamilies)("%s", (family) => {
  test.each(["L1.H1", "L1.N5"])(
    "%s at zero: its block writes what it wrote, less the node",
    async (name) => {
      const model = await tiny(family);
      if (name.includes("N") && model.architecture.d_mlp === 0) return;
      const block = nodesNamed(model.architecture, name)[0]?.block;
      const site = `${block}.write`;
      const { trace } = run(reference, model, TOKENS, { sites: [site, `${block}.write_norm*`] });
      const before = at(trace, site);
      // A norm behind neurons would be computed anew.
      const sigma = trace.get(`${block}.write_norm`);
      const replace = {
        ...replacements(reference, model, [{ nodes: [name] }]),
        ...(sigma && name.includes("N") && { [`${block}.write_norm`]: sigma }),
      };
      const after = at(run(reference, model, TOKENS, { sites: [site], replace }).trace, site);
      expect(reference.sub(before, after)).toBeNear(writeOf(model, name, TOKENS), { rtol: 1e-10 });
    },
  );

  test("a head as in another run, at some positions: what it writes there is that run's", async () => {
    const model = await tiny(family);
    const nodes = ["L1.H1"];
    const values = await runValues(
      reference,
      model,
      ablatedSites(model.architecture, nodes),
      OTHER,
    );
    const site = "L1.attn.write";
    const before = at(run(reference, model, TOKENS, { sites: [site] }).trace, site);
    const after = at(changed(model, [{ nodes, values, positions: [2, -1] }], [site]).trace, site);
    const change = reference.sub(writeOf(model, "L1.H1", OTHER), writeOf(model, "L1.H1", TOKENS));
    for (let pos = 0; pos < TOKENS.length; pos++) {
      const own = (x: Tensor): Tensor => reference.slice(x, "pos", pos, pos + 1);
      const meant = pos === 2 || pos === TOKENS.length - 1;
      const expected = meant ? own(change) : reference.scale(own(change), 0);
      expect(own(reference.sub(after, before))).toBeNear(expected, { rtol: 1e-10, atol: 1e-12 });
    }
  });
});

test("a block at zero writes nothing, and a layer is its blocks", async () => {
  const model = await tiny("gpt2");
  const { trace } = changed(model, [{ nodes: ["L0"] }], ["L0.*.write", "embed", "L1.attn.read"]);
  for (const block of ["attn", "mlp"]) {
    expect(at(trace, `L0.${block}.write`)).toBeNear(
      reference.fill({ pos: TOKENS.length, d_model: model.architecture.d_model }, 0),
    );
  }
  expect(at(trace, "L1.attn.read")).toBeNear(at(trace, "embed"));
});

test("heads of one block go together, and what is left of one is what the next sees", async () => {
  const model = await tiny("llama");
  const site = "L0.attn.head";
  const { trace } = changed(model, [{ nodes: ["L0.H1", "0.3"] }, { nodes: ["L0.H0"] }], [site]);
  const before = at(run(reference, model, TOKENS, { sites: [site] }).trace, site);
  for (let head = 0; head < model.architecture.heads; head++) {
    const own = (x: Tensor): Tensor => reference.slice(x, "head", head, head + 1);
    const left = [0, 1, 3].includes(head) ? reference.scale(own(before), 0) : own(before);
    expect(own(at(trace, site))).toBeNear(left);
  }
});

test("the mean is that over all positions of all prompts, of runs without interventions", async () => {
  const model = await tiny("gpt2");
  const prompts = [TOKENS, OTHER.slice(0, 3)];
  const [site = ""] = ablatedSites(model.architecture, ["L1.mlp"]);
  const values = await meanValues(reference, model, [site], prompts);
  const all = prompts.map((ids) => at(run(reference, model, ids, { sites: [site] }).trace, site));
  const sum = all.map((x) => reference.sum(x, ["pos"])).reduce((a, b) => reference.add(a, b));
  const mean = reference.scale(sum, 1 / (TOKENS.length + 3));
  const { trace } = changed(model, [{ nodes: ["L0.attn"] }, { nodes: ["L1.mlp"], values }], [site]);
  expect(at(trace, site)).toBeNear(reference.broadcast(mean, { pos: TOKENS.length }), {
    rtol: 1e-12,
  });
});

test("a vector is added where it is asked for, by its scale", async () => {
  const model = await tiny("gpt2");
  const site = "L0.mlp.after";
  const vector = Array.from({ length: model.architecture.d_model }, (_, i) => i / 7 - 1);
  const before = at(run(reference, model, TOKENS, { sites: [site] }).trace, site);
  const after = at(
    changed(model, [{ site, vector, scale: -2, positions: [1] }], [site]).trace,
    site,
  );
  const one = reference.constant(
    { pos: 1, d_model: vector.length },
    vector.map((x) => -2 * x),
  );
  const zero = (pos: number): Tensor => reference.fill({ pos, d_model: vector.length }, 0);
  const added = reference.concat([zero(1), one, zero(TOKENS.length - 2)], "pos");
  expect(reference.sub(after, before)).toBeNear(added, { rtol: 1e-12 });
  const all = at(changed(model, [{ site, vector }], [site]).trace, site);
  expect(reference.sub(all, before)).toBeNear(
    reference.broadcast(reference.constant({ d_model: vector.length }, vector), {
      pos: TOKENS.length,
    }),
    { rtol: 1e-12 },
  );
});

test("generation goes on as the run with the same interventions does", async () => {
  const model = await tiny("gpt2");
  const vector = Array.from({ length: model.architecture.d_model }, (_, i) => Math.sin(i));
  const list: Intervention[] = [
    { nodes: ["L0.H1"] },
    { site: "L1.attn.after", vector, scale: 3, positions: [1, 7, 8] },
  ];
  const ids = [...TOKENS];
  const replace = (start: number) => replacements(reference, model, list, { start });
  for await (const id of generate(reference, model, TOKENS, { maxTokens: 4, stop: [], replace })) {
    const { logits } = run(reference, model, ids, {
      replace: replacements(
        reference,
        model,
        list.map((one) =>
          one.positions === undefined
            ? one
            : { ...one, positions: one.positions.filter((at) => at < ids.length) },
        ),
      ),
    });
    const { indices } = await reference.top(logits, "vocab", 1);
    expect(id).toBe(indices.data.at(-1));
    ids.push(id);
  }
  expect(ids.length).toBe(TOKENS.length + 4);
});

describe("is refused", () => {
  const vector = Array<number>(16).fill(1);
  test.each<[Intervention, string, RegExp]>([
    [{ nodes: ["L0.atn"] }, "transformer/no-node", /Did you mean "L0.attn"\?/],
    [{ nodes: ["L7.attn"] }, "transformer/no-node", /no node "L7.attn"/],
    [{ nodes: ["L0.H9"] }, "transformer/no-head", /no head L0.H9.*2 layers of 2 heads/],
    [{ nodes: ["L0.N9999"] }, "transformer/no-node", /no neuron/],
    [
      { nodes: ["L0.H1"], positions: [7] },
      "transformer/no-position",
      /no position 7.*7 tokens.*0 to 6/,
    ],
    [{ nodes: ["L0.H1"], positions: [0.5] }, "transformer/no-position", /no position 0.5/],
    [{ nodes: ["L0.H1"], values: new Map() }, "transformer/no-reference", /L0.attn.head/],
    [{ site: "L0.mlp.afer", vector }, "transformer/no-site", /Did you mean "L0.mlp.after"/],
    [{ site: "L5.mlp.after", vector }, "transformer/no-site", /no site "L5.mlp.after"/],
    [{ site: "L0.attn.pattern", vector }, "transformer/bad-vector", /head, pos, key_pos/],
    [{ site: "L0.mlp.after", vector: [1, 2] }, "transformer/bad-vector", /16 numbers.*got 2/],
    [
      { site: "L0.mlp.after", vector: vector.with(3, Number.NaN) },
      "transformer/bad-vector",
      /Number 3.*NaN/,
    ],
    [
      { site: "L0.mlp.after", vector, scale: Number.POSITIVE_INFINITY },
      "transformer/bad-vector",
      /Infinity/,
    ],
  ])("%j", async (one, code, message) => {
    const model = await tiny("gpt2");
    const error = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => changed(model, [one], [])).toThrow(error);
  });

  test("a reference of another length", async () => {
    const model = await tiny("gpt2");
    const nodes = ["L0.mlp"];
    const values = await runValues(reference, model, ["L0.mlp.write"], OTHER.slice(1));
    expect(() => changed(model, [{ nodes, values }], [])).toThrow(
      /has 6 positions, and the text 7.*as many tokens/,
    );
  });

  test("a place counted from the end of a text that is still being written, and a layer that is not there", async () => {
    const model = await tiny("gpt2");
    for (const one of [
      { nodes: ["L0.H1"], positions: [-1] },
      { site: "L9.mlp.after", vector },
    ]) {
      const replace = (start: number) => replacements(reference, model, [one], { start });
      await expect(generate(reference, model, TOKENS, { replace }).next()).rejects.toMatchObject({
        code: expect.stringMatching(/no-position|no-site/),
      });
    }
  });
});
