import { count, flag, isValues, mapping, pathTo, text, wrong } from "./fields.ts";
import type { RecipeToken, RecipeTokenizer, TokenRow } from "./recipe.ts";
import { readReference } from "./reference.ts";
import { badConfig } from "./refuse.ts";
import type { Value } from "./yaml.ts";

/** Most that rows are padded to a multiple of. */
const MAX_MULTIPLE = 65_536;

/**
 * What a configuration says of the result's tokenizer; undefined where it says nothing.
 *
 * @throws InputError `merge/config-tokenizer-twice`, `merge/config-unknown-key`, `merge/config-type`
 */
export function readTokenizer(fields: ReadonlyMap<string, Value>): RecipeTokenizer | undefined {
  const source = fields.get("tokenizer_source");
  const whole = fields.get("tokenizer");
  if (source !== undefined && whole !== undefined) {
    throw badConfig(
      "tokenizer-twice",
      "tokenizer_source",
      "and tokenizer are both given.",
      "Give one of them: `tokenizer: {source: …}` says the same.",
    );
  }
  if (source !== undefined) {
    const path = "tokenizer_source";
    return { source: readReference(source, path), tokens: [], multiple: 1, path };
  }
  if (whole === undefined) return undefined;
  const own = mapping(whole, "tokenizer", ["source", "tokens", "pad_to_multiple_of"]);
  const path = "tokenizer.source";
  const named = own.get("source");
  const multiple = own.get("pad_to_multiple_of");
  return {
    source: named === undefined ? "union" : readReference(named, path),
    tokens: readTokens(own.get("tokens")),
    multiple: multiple === undefined ? 1 : checkedMultiple(multiple),
    path,
  };
}

function checkedMultiple(value: Value): number {
  const path = "tokenizer.pad_to_multiple_of";
  const multiple = count(value, path, 1);
  if (multiple > MAX_MULTIPLE) throw wrong(path, `a whole number to ${MAX_MULTIPLE}`, value);
  return multiple;
}

function readTokens(value: Value | undefined): readonly RecipeToken[] {
  if (value === undefined) return [];
  if (!isValues(value)) throw wrong("tokenizer.tokens", "a mapping of tokens", value);
  return [...value].map(([token, settings]): RecipeToken => {
    const path = pathTo("tokenizer.tokens", token);
    const own = mapping(settings, path, ["source", "force"]);
    const source = own.get("source");
    const force = own.get("force");
    return {
      token,
      path,
      ...(source !== undefined && { source: readRow(source, pathTo(path, "source")) }),
      force: force === undefined ? false : flag(force, pathTo(path, "force")),
    };
  });
}

function readRow(value: Value, path: string): TokenRow {
  const kind = isValues(value) ? value.get("kind") : undefined;
  if (kind === undefined) return { kind: "model", model: readReference(value, path) };
  if (kind === "zero") {
    mapping(value, path, ["kind"]);
    return { kind };
  }
  if (kind !== "model_token") throw wrong(pathTo(path, "kind"), "zero or model_token", kind);
  const own = mapping(value, path, ["kind", "model", "token", "token_id"]);
  const model = readReference(own.get("model"), pathTo(path, "model"));
  const [token, id] = [own.get("token"), own.get("token_id")];
  if ((token === undefined) === (id === undefined)) {
    throw wrong(path, "one of token and token_id", [token ?? null, id ?? null]);
  }
  if (token !== undefined) return { kind, model, token: text(token, pathTo(path, "token")) };
  return { kind, model, token: count(id ?? null, pathTo(path, "token_id"), 0) };
}
