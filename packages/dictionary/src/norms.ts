import { type Engine, type Shaped, using } from "@resolvent/tensor";

/** `‖W_dec,f‖` of each feature, in float64 whatever the engine computes in. */
export async function decoderNorms<T extends Shaped>(engine: Engine<T>, W_dec: T): Promise<T> {
  const { data } = await using(
    engine,
    () => engine.arrange(W_dec, ["feature", "d_out"]),
    async (arranged) => await engine.read(arranged),
  );
  const features = W_dec.shape.feature as number; // a decoder's
  const width = data.length / features;
  const norms = Float64Array.from({ length: features }, (_, f) => {
    let sum = 0;
    for (const value of data.subarray(f * width, (f + 1) * width)) sum += value * value;
    return Math.sqrt(sum);
  });
  return engine.constant({ feature: features }, norms);
}
