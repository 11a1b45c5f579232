import { type Ops, reference, type Tensor } from "@resolvent/tensor";

/** The numbers of a tensor, in f32. */
export function numbersOf({ data }: Tensor): Float32Array {
  return data instanceof Float32Array ? data : Float32Array.from(data);
}

/** The tensor in f32; numbers that are so already stay where they are. */
export function inF32(a: Tensor): Tensor {
  return { shape: a.shape, data: numbersOf(a) };
}

const rounded =
  <Given extends readonly unknown[]>(operation: (...given: Given) => Tensor) =>
  (...given: Given): Tensor =>
    inF32(operation(...given));

/** What a kernel of gpu.js cannot do: it gives one number for each thread, and knows of no layout. */
export const onHost: Pick<
  Ops<Tensor>,
  | "constant"
  | "fill"
  | "rename"
  | "split"
  | "join"
  | "arrange"
  | "slice"
  | "concat"
  | "broadcast"
  | "take"
  | "put"
  | "rotary"
> = {
  constant: rounded(reference.constant),
  fill: rounded(reference.fill),
  rename: rounded(reference.rename),
  split: rounded(reference.split),
  join: rounded(reference.join),
  arrange: rounded(reference.arrange),
  slice: rounded(reference.slice),
  concat: rounded(reference.concat),
  broadcast: rounded(reference.broadcast),
  take: rounded(reference.take),
  put: rounded(reference.put),
  rotary: rounded(reference.rotary),
};

/** The operations that no kernel computes: they run on the host, in JavaScript. `top` is the other. */
export const hostOperations: readonly string[] = [...Object.keys(onHost), "top"];
