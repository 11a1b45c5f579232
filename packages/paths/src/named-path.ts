import { tokenNotation } from "@resolvent/analysis";
import { InputError, type Shaped } from "@resolvent/tensor";
import type { Level, Model } from "@resolvent/transformer";
import { sourceName } from "./sources.ts";
import { stepCalled } from "./step.ts";
import type { PathClaim } from "./taken-path.ts";

/** What a name of a path is about. */
export interface NamedOn {
  readonly level: Level;
  /** What its paths end in, in words: it may stand at the end of a name. */
  readonly readout: string;
  /** Of the prompt, by position. */
  readonly texts: readonly string[];
}

/** Quoted texts, and what stands between two parts of a path. */
const PARTS = /"(?:[^"\\]|\\.)*"|\s*(?:→|>)\s*/g;
/** Of a source: its name, its token, its position. */
const SOURCE = /^(.*?)(?:\s*("(?:[^"\\]|\\.)*"))?(?:@(\d{1,9}))?$/s;
const NODE = /^(.*?)(?:@(\d{1,9}))?$/s;

/**
 * A path by its name, as results print it, or with `>` for the arrows: `embed " Mary"@1 → L0.H2 → L0.mlp`,
 * `embed@1>L0.H2>L0.mlp`; of one of its routes with the position at which each node writes, `embed@1>L0.H2@5>L0.mlp@5`.
 * The token of the source and the readout at the end may be left out.
 *
 * @throws InputError `paths/bad-path` where it is none, or its token is another; `paths/no-node`
 */
export function namedPath<T extends Shaped>(
  model: Model<T>,
  name: string,
  { level, readout, texts }: NamedOn,
): PathClaim {
  const end = ` → ${readout}`;
  const [first = "", ...others] = partsOf(name.endsWith(end) ? name.slice(0, -end.length) : name);
  const [, source = "", token, at] = SOURCE.exec(first) ?? [];
  const position = at === undefined ? null : Number(at);
  if (source === "" || others.includes("")) throw bad(name, "has a part without a name");
  const own = texts[position ?? -1];
  if (token !== undefined && (own === undefined || tokenNotation(own) !== token)) {
    const there = own === undefined ? "the prompt has no such position" : tokenNotation(own);
    throw bad(name, `names the token ${token}, where there is ${there}`);
  }
  const nodes = others.map((part) => NODE.exec(part) ?? []);
  const places = nodes.flatMap(([, , place]) => (place === undefined ? [] : [Number(place)]));
  if (places.length > 0 && places.length < nodes.length)
    throw bad(name, "has positions of some of its nodes");
  return {
    kind: "path",
    source: { name: sourceName(source), position },
    nodes: nodes.map(([, node = ""]) => stepCalled(model, node, level).name),
    ...(places.length > 0 && { positions: places }),
  };
}

/** What stands between arrows that are in no quotes. */
function partsOf(name: string): string[] {
  const parts = [""];
  let from = 0;
  for (const { 0: found, index } of name.matchAll(PARTS)) {
    parts.push(`${parts.pop()}${name.slice(from, index)}`);
    if (found.startsWith('"')) parts.push(`${parts.pop()}${found}`);
    else parts.push("");
    from = index + found.length;
  }
  parts.push(`${parts.pop()}${name.slice(from)}`);
  return parts.map((part) => part.trim());
}

function bad(name: string, why: string): InputError {
  return new InputError({
    code: "paths/bad-path",
    message: `The path ${JSON.stringify(name)} ${why}.`,
    remedy:
      "Name a path as results print it: embed@1 → L0.H2 → L0.mlp, or of a route embed@1 → L0.H2@5 → L0.mlp@5; > may stand for the arrows.",
    details: { got: name },
  });
}
