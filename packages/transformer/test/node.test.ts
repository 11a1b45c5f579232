import { reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import {
  type Block,
  blockNames,
  blocksOf,
  blockWrite,
  constantOf,
  everyPart,
  frozenAt,
  type Level,
  levelOf,
  loadModel,
  type Node,
  nodesNamed,
  nodesOf,
  nodeWrite,
  ownWrites,
  type Parts,
  partWrites,
  plainSites,
  run,
  streamNodes,
} from "../src/index.ts";

const tokens = [3, 17, 5, 5];

/** The same parts without what makes them cheaper. */
function plain({ count, name, inputs, constant, writes }: Parts): Parts {
  return { count, name, writes, ...(inputs && { inputs }), ...(constant && { constant }) };
}

const sumOver = (x: Tensor): Tensor => reference.sum(x, ["node"]);

describe.each(tinyFamilies)("%s", async (family) => {
  const model = await loadModel(reference, tinyModel(family), { hash: false });
  const { trace } = run(reference, model, tokens, { sites: ["*"] });
  const level = levelOf("neuron");
  const divided = blocksOf(model).map((block) => [block, level[block.kind] as Parts] as const);
  const readOf = ({ name }: Block<Tensor>): Tensor => trace.get(`${name}.read`) as Tensor;

  test("the nodes of a level are the blocks' parts, in order, and are found by their names", () => {
    expect(blockNames(model.architecture)).toEqual(blocksOf(model).map(({ name }) => name));
    const stages = [...model.stages].map((stage) => stage.map(({ name }) => name));
    for (const own of ["block", "head", "neuron"] as const) {
      const nodes = nodesOf(model.architecture, own);
      expect(nodes.map((stage) => [...new Set(stage.map(({ block }) => block))])).toEqual(stages);
      for (const node of nodes.flat()) {
        expect(nodesNamed(model.architecture, node.name)).toEqual([node]);
      }
    }
    const streams = streamNodes(model.architecture);
    expect(streams.map(({ stage }) => stage)).toEqual(stages.map((_, stage) => stage - 1));
    for (const { name } of streams) expect(trace.has(name)).toBe(true);
    expect(nodesNamed(model.architecture, "L1").map(({ name }) => name)).toEqual(
      blockNames(model.architecture).filter((name) => name.startsWith("L1.")),
    );
    expect(nodesNamed(model.architecture, "head 1.0")).toEqual(
      nodesNamed(model.architecture, "L1.H0"),
    );
    expect(nodesNamed(model.architecture, "nothing")).toEqual([]);
    for (const [name, code] of [
      ["L9.H0", "transformer/no-head"],
      ["L9.N0", "transformer/no-node"],
      ["L0.N99999", "transformer/no-node"],
    ] as const) {
      expect(() => nodesNamed(model.architecture, name)).toThrow(expect.objectContaining({ code }));
    }
  });

  test("parts and what belongs to none write what the block writes", () => {
    for (const [block, parts] of divided) {
      const made = partWrites(reference, parts, block, readOf(block), plainSites());
      const write = trace.get(`${block.name}.write`) as Tensor;
      expect(made.whole).toBeNear(write, { rtol: 1e-12 });
      const each = everyPart(reference, made);
      for (const kind of [parts, { ...plain(parts), constant: undefined } as unknown as Parts]) {
        const rest = constantOf(reference, kind, block, made);
        const sum = sumOver(each);
        expect(rest === undefined ? sum : reference.add(sum, rest)).toBeNear(write, {
          rtol: 1e-12,
        });
      }
    }
  });

  test("one alone, its gates held, is its row", () => {
    const gates = new Map([...trace].filter(([site]) => /(norm|pattern|gate)$/.test(site)));
    for (const [block, parts] of divided) {
      const made = partWrites(reference, parts, block, readOf(block), frozenAt(gates));
      for (const index of [0, parts.count(model.architecture, block.layer) - 1]) {
        const cut = parts.alone?.(reference, block, index);
        const row = reference.slice(everyPart(reference, made), "node", index, index + 1);
        const node: Pick<Node, "part"> = { part: { of: parts, index } };
        const written = nodeWrite(reference, node, block, readOf(block), frozenAt(gates));
        expect(written).toBeNear(sumOver(row), { rtol: 1e-12 });
        if (cut === undefined) {
          expect(block.kind === "mlp" && block.postNorm !== undefined).toBe(true);
          continue;
        }
        const held = new Map([...gates].map(([site, gate]) => [site, cut.gate(gate)]));
        const alone = blockWrite(reference, cut.block, readOf(block), frozenAt(held));
        expect(alone).toBeNear(sumOver(row), { rtol: 1e-12 });
      }
    }
  });

  test("with a stream for each input of each node, axes of weights are a shortcut", () => {
    const levels: Level[] = [level, levelOf("head")];
    for (const { attn, mlp } of levels) {
      for (const block of blocksOf(model)) {
        const parts = block.kind === "attn" ? attn : mlp;
        const count = parts?.count(model.architecture, block.layer) ?? 1;
        const reads = (parts?.inputs ?? [""]).map((_, input) => {
          const shape = { node: count, pos: tokens.length, d_model: model.architecture.d_model };
          const size = count * shape.pos * shape.d_model;
          const numbers = Array.from({ length: size }, (__, i) => Math.sin(1.3 * i + input));
          return reference.constant(shape, numbers);
        });
        const own = ownWrites(reference, parts, block, reads, plainSites());
        if (parts === undefined) {
          const read = sumOver(reads[0] as Tensor);
          expect(own.whole).toBeNear(blockWrite(reference, block, read, plainSites()), {
            rtol: 1e-12,
          });
          continue;
        }
        // Where SoLU or a norm mixes neurons, one stream for all is another thing than one for each.
        const mixed = block.kind === "mlp" && (block.activation === "solu" || block.postNorm);
        if (block.writeNorm) expect(parts.axes?.(block)).toBeUndefined();
        if (mixed) continue;
        const slow = ownWrites(reference, plain(parts), block, reads, plainSites());
        expect(everyPart(reference, own)).toBeNear(everyPart(reference, slow), { rtol: 1e-11 });
        expect(own.whole).toBeNear(slow.whole, { rtol: 1e-11 });
      }
    }
  });
});
