import type { FrozenRun } from "@resolvent/paths";
import type { Ops, Shaped } from "@resolvent/tensor";
import { blockWrite, frozenAt, type MlpBlock, plainSites, type Site } from "@resolvent/transformer";
import type { Dictionary } from "../dictionary.ts";
import type { FeatureParts } from "./feature-sources.ts";
import { replacedMlp } from "./replaced-block.ts";
import { throughWriteNorm, withWriteNorm } from "./write-norm.ts";

/** A block in an MLP's place, and the parts of its constant. */
export interface Replaced<T> {
  readonly block: MlpBlock<T>;
  /** `pos, d_model`; zero at positions that the dictionary is not for. */
  readonly b_dec: T;
  /** `pos, d_model`: what the MLP wrote, less what the transcoder makes of it. */
  readonly error: T;
}

/** What has been read of a run for a transcoder. */
export interface TranscoderRead<T extends Shaped> {
  readonly dictionary: Dictionary<T>;
  /** Those that the dictionary is for. */
  readonly positions: readonly number[];
  /** What the MLP read and wrote, or made before a norm of what it writes: `pos, d_model`. */
  readonly stream: T;
  readonly seen: T;
  /** The site of `seen`. */
  readonly value: Site;
}

/** A transcoder in the place of its MLP: with its error it writes in this run what the MLP has written. */
export function replacedBy<T extends Shaped>(
  ops: Ops<T>,
  mlp: MlpBlock<T>,
  { dictionary, positions, stream, seen, value }: TranscoderRead<T>,
  length: number,
): Replaced<T> {
  const { mask, b_dec: bias } = coveredBy(ops, dictionary, positions, length);
  const b_dec = mask === undefined ? ops.broadcast(bias, { pos: length }) : bias;
  const without = replacedMlp(ops, mlp, dictionary, { mask, b_out: b_dec });
  const error = ops.sub(seen, blockWrite(ops, without, stream, plainSites<T>()));
  const block = withWriteNorm(mlp, { ...without, b_out: ops.add(b_dec, error) }, value);
  return { block, b_dec, error };
}

/**
 * Where a dictionary is for: a mask `pos`, undefined where that is everywhere, and b_dec as the block's constant, `pos,
 * d_model` with a mask and `d_model` without.
 */
export function coveredBy<T extends Shaped>(
  ops: Ops<T>,
  dictionary: Pick<Dictionary<T>, "b_dec">,
  positions: readonly number[],
  length: number,
): { readonly mask: T | undefined; readonly b_dec: T } {
  const b_dec = ops.rename(dictionary.b_dec, { d_out: "d_model" });
  if (positions.length === length) return { mask: undefined, b_dec };
  const here = Array.from({ length }, (_, at) => (positions.includes(at) ? 1 : 0));
  const mask = ops.constant({ pos: length }, here);
  return { mask, b_dec: ops.mul(ops.broadcast(b_dec, { pos: length }), mask) };
}

/** The constant of a replaced MLP, `f(0)` with the run's gates: `b_enc` through the decoder, `b_dec`, `error`. */
export function constantsOf<T extends Shaped>(
  ops: Ops<T>,
  run: FrozenRun<T>,
  { block, b_dec, error }: Replaced<T>,
): FeatureParts<T> {
  const { b_out, ...own } = block;
  const zero = ops.fill(run.embedding.shape, 0);
  const b_enc = blockWrite(ops, own, zero, frozenAt(run.gates));
  const sigma = run.gates.get(`${block.name}.write_norm`);
  const passed = [b_dec, error].map((part) => throughWriteNorm(ops, block, sigma, part));
  const each = [b_enc, ...passed].map((part) =>
    ops.broadcast(ops.arrange(part, ["pos", "d_model"]), { source: 1 }),
  );
  return { names: ["b_enc", "b_dec", "error"], values: ops.concat(each, "source") };
}

/** What a replaced MLP holds that is not its model's. */
export function ownOf<T>({ block, b_dec, error }: Replaced<T>): unknown {
  const { norm, writeNorm, ...own } = block;
  return { own, b_dec, error };
}
