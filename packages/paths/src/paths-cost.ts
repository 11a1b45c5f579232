import { type Cost, cost, type Precision, type Priced } from "@resolvent/tensor";
import { levelOf, type Model, runCost, tokenIds } from "@resolvent/transformer";
import { attributionProducts } from "./attribution.ts";
import { sweepBack } from "./effects.ts";
import { enumeration, prefixEffects } from "./enumerate.ts";
import { planOf } from "./enumeration-plan.ts";
import type { ExpandPathsOptions } from "./expand-paths-options.ts";
import { frozenRun } from "./frozen-run.ts";
import { readoutOf } from "./path-end.ts";
import { outlineRoutes } from "./routes.ts";
import { allSources } from "./sources.ts";
import { stepsOf } from "./step.ts";
import { channelsOf, writesByDegree } from "./step-writes.ts";
import { checkDegrees } from "./top-paths.ts";
import { verdict } from "./verify.ts";

/** What an expansion into paths would take, from shapes alone; of a search, all of its budget. */
export function pathsCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: ExpandPathsOptions & { readonly precision?: Precision } = {},
): Cost {
  const level = levelOf(options.level ?? "head");
  const { byPosition = false, budget = 16, precision = "f32" } = options;
  checkDegrees(options.minDegree ?? 0, options.maxDegree, outline.stages.length);
  const ops = cost({ precision });
  const ids = tokenIds(tokens);
  const pass = runCost(outline, tokens).flops;
  const target = options.target ?? { a: 0, b: outline.architecture.vocab > 1 ? 1 : null };
  let searched = 0;
  ops.scope(() => {
    const run = frozenRun(ops, outline, ids);
    const readout = readoutOf(ops, outline, run, options.score ?? target);
    const sources = allSources(ops, outline, run, { level, byPosition });
    ops.scope(() => sweepBack(ops, outline, run, sources, [readout]));
    ops.scope(() => attributionProducts(ops, outline, run, readout));
    const { plan, affordable } = planOf(outline, run, sources, readout, {
      level,
      flops: budget * pass,
    });
    if (affordable) {
      ops.scope(() => {
        const { meet } = plan;
        const made = enumeration(ops, outline, run, { level, sources, readout, meet });
        if (made.prefixes.length > 0) prefixEffects(ops, made, 0, made.prefixes.length);
      });
    } else {
      searched = budget * pass;
      const channels = channelsOf(outline, level, readout.before, run.positions);
      ops.scope(() => {
        writesByDegree(ops, outline, run, sources, { level, channels, before: readout.before });
      });
    }
    if ((options.routes ?? 0) > 0) {
      // Two hops through the first attention block, as many times as paths are shown.
      const before = ops.total().flops;
      const [node] = stepsOf(outline, level).flat();
      if (node !== undefined) ops.scope(() => outlineRoutes(ops, run, readout, node));
      searched += (ops.total().flops - before) * ((options.top ?? 20) - 1);
    }
    const checks = (options.verify ?? 0) + (options.check?.length ?? 0);
    if (checks > 0) {
      // One check of a path through one node, as many times as paths are checked.
      const before = ops.total().flops;
      const [name = "L0.attn"] = [...run.writes.keys()];
      const source = { name: "embed", position: null };
      ops.scope(() => verdict(ops, outline, run, target, { kind: "path", source, nodes: [name] }));
      searched += (ops.total().flops - before) * (checks - 1);
    }
  });
  const total = ops.total();
  return {
    ...total,
    flops: total.flops + searched,
    matmulFlops: total.matmulFlops + searched,
  };
}
