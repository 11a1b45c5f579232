import { createRequire } from "node:module";
import { describe, test } from "vitest";

/** As much as is used of the npm package `tokenizers`, the original implementation, in Rust. */
export interface Original {
  encode(text: string, special: boolean): Promise<readonly number[]>;
  encodeAll(texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  decodeAll(ids: readonly (readonly number[])[]): Promise<readonly string[]>;
  id(token: string): number | null;
}

interface Native {
  readonly Tokenizer: {
    fromString(json: string): {
      encode(
        text: string,
        pair: null,
        options: { addSpecialTokens: boolean },
      ): Promise<{ getIds(): number[] }>;
      encodeBatch(texts: readonly string[]): Promise<{ getIds(): number[] }[]>;
      decodeBatch(ids: readonly (readonly number[])[], skipSpecial: boolean): Promise<string[]>;
      tokenToId(token: string): number | null;
    };
  };
}

function load(): Native | string {
  try {
    return createRequire(import.meta.url)("tokenizers") as Native; // its declarations, as far as they are used
  } catch (cause) {
    return cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
  }
}

const native = load();

/** Tests beside the original implementation, or, where it has no binary for this platform, one that is skipped. */
export function describeWithOriginal(
  title: string,
  body: (original: (json: unknown) => Original) => void,
): void {
  if (typeof native === "string") {
    const why = `the npm package tokenizers does not load here (${native}); install it for this platform`;
    describe(title, () => test.skip(`skipped: ${why}`, () => {}));
    return;
  }
  describe(title, () =>
    body((json) => {
      const inner = native.Tokenizer.fromString(JSON.stringify(json));
      return {
        encode: async (text, special) =>
          (await inner.encode(text, null, { addSpecialTokens: special })).getIds(),
        encodeAll: async (texts) =>
          (await inner.encodeBatch(texts)).map((encoding) => encoding.getIds()),
        decodeAll: async (ids) => await inner.decodeBatch(ids, true),
        id: (token) => inner.tokenToId(token),
      };
    }),
  );
}
