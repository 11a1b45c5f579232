import { type Checkpoint, decodeNumbers } from "@resolvent/weights";

/** Bytes of either tensor that are compared at a time. */
const PIECE = 2 ** 22;

/** Whether two tensors hold the same numbers; read piece by piece, and no further than to the first difference. */
export async function sameNumbers(
  checkpoint: Checkpoint,
  one: string,
  other: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [a, b] = [checkpoint.info(one), checkpoint.info(other)];
  if (a.shape.join() !== b.shape.join()) return false;
  if (a.dtype !== b.dtype) {
    const [x, y] = [
      await checkpoint.read(one, { signal }),
      await checkpoint.read(other, { signal }),
    ];
    const [left, right] = [decodeNumbers(x, "f64"), decodeNumbers(y, "f64")];
    return left.every((value, i) => Object.is(value, right[i]));
  }
  const piece = async (info: typeof a, from: number): Promise<Uint8Array | undefined> => {
    const [start, end] = [info.start + from, Math.min(info.start + from + PIECE, info.end)];
    return await checkpoint.files.get(info.file)?.source.read(start, end, { signal });
  };
  for (let from = 0; a.start + from < a.end; from += PIECE) {
    const [x, y] = [await piece(a, from), await piece(b, from)];
    if (x === undefined || y === undefined || x.some((byte, i) => byte !== y[i])) return false;
  }
  return true;
}
