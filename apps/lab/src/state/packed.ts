import { InputError } from "@resolvent/tensor";
import { LONG, MOST, PACKED } from "./fragment.ts";

/**
 * A long fragment in fewer characters: `v=1&b=` and its deflated bytes in the letters of base64url. One that is short,
 * or that would not get shorter, is as it was, and so is any where a browser has no deflating.
 */
export async function packed(fragment: string): Promise<string> {
  if (fragment.length <= LONG || typeof CompressionStream === "undefined") return fragment;
  const deflated = new Blob([fragment]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  const short = `${PACKED}${lettersOf(bytes)}`;
  return short.length < fragment.length ? short : fragment;
}

/**
 * What `packed` was given, with or without `#`: read no further than a fragment may be long.
 *
 * @throws InputError `lab/broken-link` where it was cut or changed, `lab/long-link`
 */
export async function unpacked(fragment: string): Promise<string> {
  const letters = fragment.replace(/^#/, "").slice(PACKED.length);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  try {
    const reader = new Blob([bytesOf(letters)])
      .stream()
      .pipeThrough(new DecompressionStream("deflate-raw"))
      .getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
      if (text.length > MOST) {
        await reader.cancel();
        break;
      }
    }
  } catch (cause) {
    throw new InputError({
      code: "lab/broken-link",
      message: `This link is not whole: the ${letters.length} characters after “b=” do not unpack.`,
      remedy: "Copy it again, to its end.",
      details: { characters: letters.length },
      cause,
    });
  }
  throw new InputError({
    code: "lab/long-link",
    message: `This link unpacks to more than ${MOST} characters, which is more than a link here has.`,
    remedy: "Use the command in its place.",
    details: { characters: letters.length, most: MOST },
  });
}

function lettersOf(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function bytesOf(letters: string): Uint8Array<ArrayBuffer> {
  const binary = atob(letters.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
}
