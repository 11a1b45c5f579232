import { reference, type Tensor } from "@resolvent/tensor";
import { tinyModel } from "@resolvent/testkit";
import { loadModel, type Model } from "@resolvent/transformer";
import { beforeAll, describe, expect, test } from "vitest";
import { type PatchMethod, patchEffects, patchSetting } from "../src/index.ts";
import { naiveTarget, naiveWrites, seenBy, writtenBy } from "./naive.ts";

const clean = [3, 17, 5];
const corrupt = [3, 9, 11];
const target = { a: 4, b: 9 };
const steps = 2;
const pair = { clean, corrupt, target };
const setting = (kind: "edge" | "node", level: "block" | "head") =>
  patchSetting({ kind, level, reference: { kind: "run" }, direction: "noise" });

/** A derivative at 0 by differences of fourth order: good to about 1e-9 here, where some norms are steep. */
function slope(f: (h: number) => number): number {
  const h = 1e-4;
  const central = (step: number): number => (f(step) - f(-step)) / (2 * step);
  return (4 * central(h) - central(2 * h)) / 3;
}

describe.each(["gpt2", "gpt_neox", "llama-biased", "qwen3", "gemma2", "transformer_lens-solu-ln"])(
  "%s",
  (family) => {
    let model: Model<Tensor>;
    beforeAll(async () => {
      model = await loadModel(reference, tinyModel(family), { hash: false });
    });

    test.each<[PatchMethod, "block" | "head"]>([
      ["eap", "block"],
      ["eap", "head"],
      ["eap-ig", "block"],
      ["eap-ig-activations", "block"],
      ["eap-ig-activations", "head"],
    ])("%s of %s edges are slopes of the target", async (method, level) => {
      const [from, to] = [naiveWrites(model, clean), naiveWrites(model, corrupt)];
      const delta = (source: string): Tensor => {
        const [x, y] = [from.get(source), to.get(source)];
        if (x === undefined || y === undefined) throw new Error(`No source ${source}.`);
        return reference.sub(y, x);
      };
      const result = await patchEffects(reference, model, [pair], setting("edge", level), {
        method,
        steps,
      });
      const points = method === "eap" ? [0] : [0.5, 0]; // 1 − k/m
      const expected: number[] = [];
      const own: number[] = [];
      result.sources.forEach((source, s) => {
        result.receivers.forEach((receiver, r) => {
          const effect = result.effect[s]?.[r];
          if (typeof effect !== "number") return;
          if (level === "head" && (s + r) % 5 > 0) return; // a fifth of them, to be quick
          const moved = method === "eap-ig" ? "embed" : source;
          const slopes = points.map((share) => {
            const part = reference.scale(delta(moved), share);
            const within = share === 0 ? {} : writtenBy(model, clean, moved, part);
            return slope((h) => {
              const seen = reference.scale(delta(source), h);
              const sites = { ...within, ...seenBy(model, clean, receiver, seen, within) };
              return naiveTarget(model, clean, target, sites);
            });
          });
          own.push(effect);
          expected.push(slopes.reduce((sum, x) => sum + x, 0) / points.length);
        });
      });
      expect(own.length).toBeGreaterThan(4);
      expect(own).toBeNear(expected, { rtol: 1e-7 });
    });

    test.each<PatchMethod>(["eap", "eap-ig"])(
      "%s of a node is that of its edges",
      async (method) => {
        const options = { method, steps };
        const edges = await patchEffects(
          reference,
          model,
          [pair],
          setting("edge", "head"),
          options,
        );
        const nodes = await patchEffects(
          reference,
          model,
          [pair],
          setting("node", "head"),
          options,
        );
        const each = await patchEffects(reference, model, [pair], setting("node", "head"), {
          ...options,
          positions: true,
        });
        const sums = (rows: readonly (readonly (number | null)[])[]): number[] =>
          rows.map((row) => row.reduce<number>((sum, x) => sum + (x ?? 0), 0));
        expect(sums(nodes.effect)).toBeNear(sums(edges.effect), { rtol: 1e-11 });
        expect(sums(each.effect)).toBeNear(sums(edges.effect), { rtol: 1e-11 });
        expect(edges.certificate?.relativeError).toBeLessThan(1e-12);
        expect(nodes.certificate).toBeNull();
      },
    );
  },
);
