import { readFileSync } from "node:fs";
import { axesOf, cost, reference, type Tensor } from "@resolvent/tensor";
import { tinyFamilies, tinyModel } from "@resolvent/testkit";
import { describe, expect, test } from "vitest";
import { blocksOf, chooses, type NormWeights, outlineModel, run, tokenIds } from "../src/index.ts";
import { TOKENS, tiny } from "./tiny.ts";

/** The axes of each site, from the table in the documentation of `Site`. */
const documented = new Map(
  readFileSync(new URL("../src/sites.ts", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line.startsWith(" * | `"))
    .flatMap((line) => {
      const columns = line.split("|");
      const names = [...(columns[1] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
      const axes = (columns.at(-2) ?? "").split("/").map((list) => list.trim().split(", "));
      return names.map((name, i) => [name, axes[i] ?? axes[0] ?? []] as const);
    }),
);

/** `L3.mlp.post` as the documentation has it, `L0.mlp.post`. */
const inTable = (site: string): string => site.replace(/^L\d+/, "L0");

describe("the documented sites", () => {
  test.each(tinyFamilies)(
    "%s has no other sites, and theirs have the documented axes",
    async (family) => {
      const model = await tiny(family);
      const { trace } = run(reference, model, TOKENS, { sites: ["*"] });
      for (const [site, value] of trace) {
        expect([site, ...axesOf(value.shape)]).toEqual([
          site,
          ...(documented.get(inTable(site)) ?? []),
        ]);
      }
      const batch = run(reference, model, [TOKENS, TOKENS], { sites: ["*"] }).trace;
      expect([...batch.keys()]).toEqual([...trace.keys()]);
      for (const [site, value] of batch) {
        expect([site, ...axesOf(value.shape)]).toEqual([
          site,
          ...(site === "embed.position" ? [] : ["batch"]),
          ...axesOf(trace.get(site)?.shape ?? {}),
        ]);
      }
    },
  );

  test("each has its row beside the hooks of TransformerLens", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, table = ""] = readme.split("| site | hook | remark |");
    const rows = [
      ...table
        .split("\n\n", 1)
        .join()
        .matchAll(/^\| `([^`]+)` \|/gm),
    ];
    expect(rows.map(([, site]) => site).sort()).toEqual([...documented.keys()].sort());
  });

  test("all occur", async () => {
    const met = new Set<string>();
    for (const family of tinyFamilies) {
      const { trace } = run(reference, await tiny(family), TOKENS, { sites: ["*"] });
      for (const site of trace.keys()) met.add(inTable(site));
    }
    expect([...met].sort()).toEqual([...documented.keys()].sort());
  });
});

describe.each(tinyFamilies)("recorded values of %s", (family) => {
  test("satisfy their definitions", async () => {
    const model = await tiny(family);
    const { residual, logits, trace } = run(reference, model, TOKENS, { sites: ["*"] });
    const { add, sum } = reference;
    const at = (site: string): Tensor => {
      const value = trace.get(site);
      if (value === undefined) throw new Error(`${site} was not recorded`);
      return value;
    };
    const near = { rtol: 1e-13 };
    if (model.architecture.positions === "learned") {
      expect(at("embed")).toBeNear(add(at("embed.token"), at("embed.position")), near);
    } else expect(at("embed")).toEqual(at("embed.token"));
    const table = reference.take(model.embed.W_E, "vocab", tokenIds(TOKENS));
    expect(at("embed.token")).toBeNear(reference.scale(table, model.embed.scale ?? 1), near);
    let stream = at("embed");
    for (const stage of model.stages) {
      const read = stream;
      for (const block of stage) {
        const site = (name: string): Tensor => at(`${block.name}.${name}`);
        expect(site("read")).toEqual(read);
        expect(site("after")).toEqual(add(stream, site("write")));
        stream = site("after");
        if (block.norm !== undefined) expect(site("norm")).toBeNear(sigma(block.norm, read), near);
        if (block.kind === "mlp") {
          expect(site("post")).toEqual(reference.mul(site("pre"), site("gate")));
          if (block.writeNorm !== undefined) {
            const out = reference.matmul(site("post"), block.W_out, ["d_mlp"]);
            checkWritten(block.writeNorm, out, site("write_norm"), site("write"));
          }
          continue;
        }
        const { scoreCap: cap } = block;
        checkPattern(site("pattern"), capped(site("score"), cap), block.window);
        expect(site("mixed").data).toBeNear(mixed(site("pattern"), site("value")), near);
        const heads = sum(site("head"), ["head"]);
        expect(site("write")).toBeNear(block.b_O ? add(heads, block.b_O) : heads, near);
        if (block.writeNorm !== undefined) {
          const { W_Q, W_O } = block;
          const { kv_head = 0, group = 0 } = W_Q.shape;
          const byGroup = reference.split(site("mixed"), "head", { kv_head, group });
          const out = reference.matmul(byGroup, W_O, ["kv_head", "group", "d_head"]);
          checkWritten(block.writeNorm, out, site("write_norm"), site("write"));
        }
      }
    }
    expect(residual).toEqual(stream);
    const writes = blocksOf(model).map((block) => at(`${block.name}.write`));
    expect(writes.reduce(add, at("embed"))).toBeNear(residual, near);
    expect(at("logits")).toEqual(logits);
    const { cap } = model.final;
    if (cap !== undefined) {
      expect(logits).toBeNear(capped(at("final.uncapped"), cap), near);
      expect(Math.max(...at("final.uncapped").data.map(Math.abs))).toBeGreaterThan(cap / 2);
    } else expect(trace.has("final.uncapped")).toBe(false);
    if (model.final.norm)
      expect(at("final.norm")).toBeNear(sigma(model.final.norm, residual), near);
  });

  test("are the same whatever else is recorded", async () => {
    const model = await tiny(family);
    const plain = run(reference, model, TOKENS).logits;
    const notHeads = (site: string): boolean => !site.endsWith(".head");
    expect(run(reference, model, TOKENS, { sites: notHeads }).logits).toEqual(plain);
    // Heads one by one are summed in another order.
    expect(run(reference, model, TOKENS, { sites: ["*"] }).logits).toBeNear(plain, { rtol: 1e-12 });
  });

  test("change nothing when they replace themselves", async () => {
    const model = await tiny(family);
    const heads = (site: string): boolean => site.endsWith(".head");
    const plain = run(reference, model, TOKENS, { sites: (site) => !heads(site) });
    const all = run(reference, model, TOKENS, { sites: ["*"] });
    for (const site of all.trace.keys()) {
      // Whether a block sums over its heads depends on whether they are asked for.
      const recorded = heads(site) ? run(reference, model, TOKENS, { sites: [site] }) : plain;
      const value = recorded.trace.get(site) as Tensor; // it has just been recorded
      const { logits, residual } = run(reference, model, TOKENS, { replace: { [site]: value } });
      expect(logits, site).toEqual(recorded.logits);
      expect(residual, site).toEqual(recorded.residual);
    }
  });

  test("matter: another value at any site changes the logits", async () => {
    const model = await tiny(family);
    const { logits, trace } = run(reference, model, TOKENS, { sites: ["*"] });
    for (const site of trace.keys()) {
      // Uneven, because a norm hides a common factor and a softmax a common term.
      const uneven = (value: Tensor): Tensor =>
        reference.constant(
          value.shape,
          value.data.map((x, i) => x * (1 + 0.5 * Math.sin(i))),
        );
      const changed = run(reference, model, TOKENS, { replace: { [site]: uneven } }).logits;
      expect(distance(changed, logits), site).toBeGreaterThan(1e-3);
    }
  });
});

describe("replacing", () => {
  test("a pattern makes queries, keys and scores needless", async () => {
    const model = await tiny("llama");
    const { logits, trace } = run(reference, model, TOKENS, { sites: ["L1.attn.pattern"] });
    const replace = Object.fromEntries(trace);
    const again = run(reference, model, TOKENS, { replace, sites: ["L1.attn.*"] });
    expect(again.logits).toBeNear(logits, { rtol: 1e-12 });
    const names = [...again.trace.keys()].map((site) => site.replace("L1.attn.", ""));
    expect(names.sort()).toEqual([
      "after",
      "head",
      "mixed",
      "norm",
      "pattern",
      "read",
      "value",
      "write",
    ]);
    const [all, frozen] = [cost(), cost()];
    const outline = await outlineModel(tinyModel("llama"));
    run(all, outline, TOKENS);
    const pattern = { head: 4, pos: TOKENS.length, key_pos: TOKENS.length };
    run(frozen, outline, TOKENS, { replace: { "L1.attn.pattern": frozen.given(pattern) } });
    const { calls } = all.total();
    expect(frozen.total().calls).toMatchObject({
      matmul: (calls.matmul ?? 0) - 3,
      rotary: (calls.rotary ?? 0) - 2,
      softmax: (calls.softmax ?? 0) - 1,
    });
  });

  test("takes a function of the computed value", async () => {
    const model = await tiny("gpt2");
    const zero = (value: Tensor): Tensor => reference.scale(value, 0);
    const { trace } = run(reference, model, TOKENS, {
      replace: { "L0.mlp.post": zero, "L1.attn.mixed": zero },
      sites: ["L0.mlp.write", "L1.attn.write"],
    });
    for (const [layer, site, bias] of [
      [0, "L0.mlp.write", "b_out"],
      [1, "L1.attn.write", "b_O"],
    ] as const) {
      const block = blocksOf(model).find((b) => site.startsWith(b.name)) as unknown as Record<
        string,
        Tensor
      >;
      expect(block.layer).toBe(layer);
      const rows = reference.broadcast(block[bias] as Tensor, { pos: TOKENS.length });
      expect(trace.get(site)).toEqual(rows);
    }
  });

  test("one head's output changes the stream by that much", async () => {
    const model = await tiny("qwen2");
    const without = (value: Tensor): Tensor => {
      const kept = reference.constant({ head: 4 }, [1, 1, 0, 1]);
      return reference.mul(value, kept);
    };
    const { trace } = run(reference, model, TOKENS, { sites: ["L0.attn.head", "L0.attn.write"] });
    const ablated = run(reference, model, TOKENS, {
      replace: { "L0.attn.head": without },
      sites: ["L0.attn.write"],
    });
    const [head, write, less] = [
      trace.get("L0.attn.head") as Tensor,
      trace.get("L0.attn.write") as Tensor,
      ablated.trace.get("L0.attn.write") as Tensor,
    ];
    const removed = reference.sum(reference.slice(head, "head", 2, 3), ["head"]);
    expect(reference.sub(write, less)).toBeNear(removed, { rtol: 1e-12 });
  });

  test("a site that the model does not have is refused", async () => {
    const model = await tiny("llama");
    const value = reference.fill({ pos: TOKENS.length, d_model: 32 }, 0);
    for (const site of [
      "L2.attn.write",
      "embed.position",
      "L0.attn.writes",
      "*.write",
      "toString",
    ]) {
      expect(() => run(reference, model, TOKENS, { replace: { [site]: value } })).toThrow(
        expect.objectContaining({
          code: "transformer/no-site",
          details: expect.objectContaining({ site }),
        }),
      );
    }
  });

  test("queries and the pattern that hides them is refused", async () => {
    const model = await tiny("gpt2");
    const { trace } = run(reference, model, TOKENS, {
      sites: ["L0.attn.query", "L0.attn.pattern"],
    });
    expect(() => run(reference, model, TOKENS, { replace: Object.fromEntries(trace) })).toThrow(
      /L0\.attn\.query.*replaced pattern/s,
    );
  });

  test("a value of other axes is refused", async () => {
    const model = await tiny("gpt2");
    const value = reference.fill({ pos: TOKENS.length + 1, d_model: 16 }, 0);
    expect(() => run(reference, model, TOKENS, { replace: { "L0.mlp.write": value } })).toThrow(
      /pos/,
    );
  });
});

describe("chosen sites", () => {
  test("by name, by * for any characters, by test", () => {
    const sites = ["embed", "L0.attn.pattern", "L1.attn.pattern", "L10.attn.pattern", "L1.mlp.pre"];
    const chosen = (choice: Parameters<typeof chooses>[0]): string[] =>
      sites.filter(chooses(choice));
    expect(chosen([])).toEqual([]);
    expect(chosen(["*"])).toEqual(sites);
    expect(chosen(["embed"])).toEqual(["embed"]);
    expect(chosen(["*.pattern"])).toEqual(sites.slice(1, 4));
    expect(chosen(["L1.*"])).toEqual(["L1.attn.pattern", "L1.mlp.pre"]);
    expect(chosen(["L*.mlp.*", "embed"])).toEqual(["embed", "L1.mlp.pre"]);
    expect(chosen(["L1.attn", "pattern", "L1?attn.pattern", "(embed)", "embed|L1"])).toEqual([]);
    expect(chosen((site) => site.length === 5)).toEqual(["embed"]);
  });

  test("are recorded and no others", async () => {
    const { trace } = run(reference, await tiny("gpt2"), TOKENS, { sites: ["*.pattern", "embed"] });
    expect([...trace.keys()]).toEqual(["embed", "L0.attn.pattern", "L1.attn.pattern"]);
  });
});

/** `√(mean((P x)²) + eps)`, by hand. */
function sigma(norm: { kind: "layer" | "rms"; eps: number }, x: Tensor): Tensor {
  const { pos = 0, d_model = 0 } = x.shape;
  const values = Array.from({ length: pos }, (_, p) => {
    const row = Array.from(x.data.slice(p * d_model, (p + 1) * d_model));
    const mean = norm.kind === "layer" ? row.reduce((a, b) => a + b) / d_model : 0;
    return Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / d_model + norm.eps);
  });
  return reference.constant({ pos }, values);
}

/** `cap · tanh(x / cap)`, entry by entry. */
function capped(x: Tensor, cap: number | undefined): Tensor {
  if (cap === undefined) return x;
  return reference.constant(
    x.shape,
    x.data.map((value) => cap * Math.tanh(value / cap)),
  );
}

/** What is written through a norm, σ and all. */
function checkWritten(
  norm: NormWeights<Tensor>,
  out: Tensor,
  denominator: Tensor,
  write: Tensor,
): void {
  const near = { rtol: 1e-13 };
  expect(denominator).toBeNear(sigma(norm, out), near);
  const scaled = reference.div(out, denominator);
  expect(write).toBeNear(norm.scale ? reference.mul(scaled, norm.scale) : scaled, near);
}

/** Rows of the pattern are the softmax of the visible scores, and 0 elsewhere. */
function checkPattern(pattern: Tensor, score: Tensor, window = Number.POSITIVE_INFINITY): void {
  const { head = 0, pos = 0 } = pattern.shape;
  for (let h = 0; h < head; h++) {
    for (let i = 0; i < pos; i++) {
      const start = (h * pos + i) * pos;
      const visible = (j: number): boolean => j <= i && j > i - window;
      const weights = Array.from({ length: pos }, (_, j) =>
        visible(j) ? Math.exp(score.data[start + j] as number) : 0,
      );
      const total = weights.reduce((a, b) => a + b);
      const row = Array.from(pattern.data.slice(start, start + pos));
      expect(row).toBeNear(
        weights.map((w) => w / total),
        { rtol: 1e-13 },
      );
      expect(row.reduce((a, b) => a + b)).toBeNear(1, { rtol: 1e-14 });
      expect(row.every((a, j) => a > 0 === visible(j))).toBe(true);
    }
  }
}

/** `Σ_j A[i, j] v[j]` for each head, in the order pos, head, d_head; head = kv_head · groups + group. */
function mixed(pattern: Tensor, value: Tensor): number[] {
  const { head = 0, pos = 0 } = pattern.shape;
  const { kv_head = 0, d_head = 0 } = value.shape;
  const groups = head / kv_head;
  const out: number[] = [];
  for (let i = 0; i < pos; i++) {
    for (let h = 0; h < head; h++) {
      for (let d = 0; d < d_head; d++) {
        let total = 0;
        for (let j = 0; j < pos; j++) {
          const a = pattern.data[(h * pos + i) * pos + j] as number;
          total += a * (value.data[(j * kv_head + Math.floor(h / groups)) * d_head + d] as number);
        }
        out.push(total);
      }
    }
  }
  return out;
}

function distance(a: Tensor, b: Tensor): number {
  return Math.max(...Array.from(a.data, (x, i) => Math.abs(x - (b.data[i] as number)))); // same shape
}
