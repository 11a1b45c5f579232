import { isInputError } from "@resolvent/tensor";
import { type ByteSource, memorySource } from "../src/index.ts";

/** A file with this header text and these data, whatever they say. */
export function rawFile(header: string | Uint8Array, data: Uint8Array | number = 0): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const body = typeof data === "number" ? new Uint8Array(data) : data;
  const out = new Uint8Array(8 + text.length + body.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(body, 8 + text.length);
  return out;
}

/** A source that keeps count of what is asked of it, and fails where a range lies outside. */
export function counted(bytes: Uint8Array): ByteSource & { readonly asked: [number, number][] } {
  const asked: [number, number][] = [];
  const inner = memorySource(bytes, "counted");
  return {
    ...inner,
    asked,
    read: (start, end, options) => {
      if (!(0 <= start && start <= end && end <= bytes.length)) {
        throw new Error(`asked for ${start} to ${end} of ${bytes.length}`);
      }
      asked.push([start, end]);
      return inner.read(start, end, options);
    },
  };
}

/** The code of the InputError that the work ends in; what else it ends in is thrown on. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isInputError(error)) return error.code;
    throw error;
  }
  return "none";
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
