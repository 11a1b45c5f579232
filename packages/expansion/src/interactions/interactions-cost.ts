import { type Cost, cost, type Precision, type Priced } from "@resolvent/tensor";
import { frozenAt, type Model, tokenIds } from "@resolvent/transformer";
import { type Anatomy, anatomyOf } from "../anatomy.ts";
import { type InteractionOptions, prepare } from "./interaction-terms.ts";
import { firstJob, type Job, throughStage } from "./subset-runs.ts";

/**
 * What interactions would take, from shapes alone: the runs as they are chunked, the most of one stage and of what
 * waits for it, and the finished runs on the host.
 */
export function interactionsCost(
  outline: Model<Priced>,
  tokens: readonly number[],
  options: InteractionOptions & { readonly precision?: Precision } = {},
): Cost {
  const { precision = "f32", ...given } = options;
  const { plan, freeze, sets, parts } = prepare(outline, tokens.length, precision, given);
  const ops = cost({ precision });
  const anatomy: Anatomy<Priced> = ops.scope(() =>
    anatomyOf(ops, outline, tokenIds(tokens), freeze),
  );
  const sites = frozenAt(anatomy.gates);
  const whole = ops.total();
  const [x0 = 0] = [anatomy.embedding].map(({ bytes }) => bytes);
  const held = Math.ceil((sets.length * x0) / parts.length);
  let all: Cost = { ...whole, peakBytes: 0 };
  const stages = [...outline.stages];
  const jobs: Job<Priced>[] = [firstJob(cost({ precision }), anatomy.embedding)];
  while (jobs.length > 0) {
    let job = jobs.pop() as Job<Priced>; // there is one
    for (let stage = job.stage; stage < stages.length; stage++) {
      const step = cost({ precision });
      const waiting = jobs.reduce((sum, { streams }) => sum + streams.bytes, 0);
      const { next, left } = throughStage(step, stages[stage] ?? [], plan, job, sites);
      all = added(all, step.total(), parts.length, waiting + job.streams.bytes);
      jobs.push(...left);
      job = next;
    }
  }
  return { ...all, peakBytes: Math.max(all.peakBytes, whole.peakBytes) + held };
}

/** The cost of a step more, done several times, with some bytes beside it. */
function added(all: Cost, step: Cost, times: number, beside: number): Cost {
  const calls: Record<string, number> = { ...all.calls };
  for (const [name, count] of Object.entries(step.calls)) {
    calls[name] = (calls[name] ?? 0) + times * count;
  }
  return {
    flops: all.flops + times * step.flops,
    matmulFlops: all.matmulFlops + times * step.matmulFlops,
    bytesMoved: all.bytesMoved + times * step.bytesMoved,
    peakBytes: Math.max(all.peakBytes, step.peakBytes + beside),
    calls,
  };
}
