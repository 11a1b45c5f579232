import { PACKED } from "./fragment.ts";

/** The fragment of an address, unpacked where it is a long one. */
export async function fragmentAt({ hash }: Pick<Location, "hash">): Promise<string> {
  return hash.startsWith(`#${PACKED}`) ? await (await import("./packed.ts")).unpacked(hash) : hash;
}
