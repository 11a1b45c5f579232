import type { Ops, Shape, Shaped } from "@resolvent/tensor";
import { rotaryTable } from "./cases.ts";

const table = rotaryTable(3, 1, "half");

/** What `block` takes: the stream, norm scale, W_Q, W_K, W_V, W_O, W_gate, W_in, W_out. */
export const blockShapes: readonly Shape[] = [
  { pos: 3, d_model: 4 },
  { d_model: 4 },
  { head: 2, d_model: 4, d_head: 2 },
  { d_model: 4, head: 2, d_head: 2 },
  { head: 2, d_model: 4, d_head: 2 },
  { head: 2, d_head: 2, d_model: 4 },
  { d_model: 4, d_mlp: 5 },
  { d_mlp: 5, d_model: 4 },
  { d_mlp: 5, d_model: 4 },
];

/** A small transformer block, with an RMS norm, rotary causal attention and a SiLU-gated MLP. */
export function block<T extends Shaped>(ops: Ops<T>, operands: readonly T[]): T {
  const [x, scale, query, key, value, out, gate, input, output] = operands as Operands<T>; // as listed above
  const norm = (r: T): T => ops.mul(ops.div(r, ops.rms(r, "d_model", 1e-6)), scale);
  const r = norm(x);
  const turned = (w: T): T => ops.rotary(ops.matmul(r, w, ["d_model"]), "d_head", "pos", table);
  const keys = ops.rename(turned(key), { pos: "key_pos" });
  const values = ops.rename(ops.matmul(r, value, ["d_model"]), { pos: "key_pos" });
  const scores = ops.scale(ops.matmul(turned(query), keys, ["d_head"]), Math.SQRT1_2);
  const pattern = ops.softmax(scores, "key_pos", { query: "pos" });
  const mixed = ops.matmul(pattern, values, ["key_pos"]);
  const mid = ops.add(x, ops.matmul(mixed, out, ["head", "d_head"]));
  const n = norm(mid);
  const z = ops.matmul(n, gate, ["d_model"]);
  const activation = ops.mul(ops.mul(ops.gate(z, "silu"), z), ops.matmul(n, input, ["d_model"]));
  return ops.add(mid, ops.matmul(activation, output, ["d_mlp"]));
}
type Operands<T> = [T, T, T, T, T, T, T, T, T];
