import { InputError } from "@resolvent/tensor";

/** Bytes of a result that a page takes: parsed it is several times as large. */
const MOST = 64 * 2 ** 20;

/**
 * JSON from an address, which may be relative to `base`, and is asked once.
 *
 * @throws InputError `elements/not-loaded`, `elements/too-large`, `elements/not-json`
 */
export async function loadJson(
  address: string,
  { base, signal }: { readonly base: string; readonly signal: AbortSignal },
): Promise<unknown> {
  if (!URL.canParse(address, base)) throw notLoaded(address, "it is no address");
  const response = await fetch(new URL(address, base), { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw notLoaded(address, "nothing answers, or it may not be read from this page", cause);
  });
  if (!response.ok) throw notLoaded(address, `the answer is ${response.status}`);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > MOST) {
      throw new InputError({
        code: "elements/too-large",
        message: `${address} has more than ${MOST} bytes.`,
        remedy: "Make a smaller result: fewer rows, or no single values.",
        details: { address, most: MOST },
      });
    }
    pieces.push(piece);
  }
  return parseJson(await new Blob(pieces).text(), address);
}

/**
 * JSON of a text.
 *
 * @throws InputError `elements/not-json`
 */
export function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError({
      code: "elements/not-json",
      message: `${from} is not JSON.`,
      remedy: "A figure takes what --json prints, whole.",
      details: { from },
      cause,
    });
  }
}

function notLoaded(address: string, why: string, cause?: unknown): InputError {
  return new InputError({
    code: "elements/not-loaded",
    message: `${address} cannot be read: ${why}.`,
    remedy: "Look at the address in the attribute src.",
    details: { address },
    ...(cause !== undefined && { cause }),
  });
}
