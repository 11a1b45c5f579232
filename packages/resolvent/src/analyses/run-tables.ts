import { type Table, type TokenFacts, tokenNotation } from "@resolvent/analysis";
import type { Tensor } from "@resolvent/tensor";
import { patternTable } from "./patterns.ts";
import { interventionLine } from "./run-interventions.ts";
import type { Generated, RunResult } from "./run-result.ts";

function stopLine({ stop }: Generated): string[] {
  if (stop === "length") return [];
  return [
    "",
    stop === "end" ? "The model ends the text here." : "The model's context is full here.",
  ];
}

/** A prompt and what follows it, as text; as ids where there is no text. */
function continued(prompt: readonly TokenFacts[], { tokens, text }: Generated): string {
  const bare = prompt.every((token) => token.text === `id:${token.id}`);
  return bare
    ? [...prompt.map(({ id }) => id), ...tokens].join(" ")
    : `${prompt.map((token) => token.text).join("")}${text}`;
}

/** Tokens of a prompt that are shown one by one at most. */
const TOKENS_SHOWN = 64;

/** The tokens of a prompt, each as it can be typed, with its id: `"Once" id:12, " upon" id:345`. */
function tokensLine(tokens: readonly TokenFacts[]): string {
  const each = tokens.slice(0, TOKENS_SHOWN).map(({ id, text }) => {
    const name = tokenNotation(text);
    return name === `id:${id}` ? name : `${name} id:${id}`;
  });
  const more = tokens.length - each.length;
  return `${each.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}

/** What people and data formats see of a run. */
export function runTables({
  model,
  input,
  next,
  sites,
  loss,
  generated,
  attention,
  interventions = [],
}: RunResult): readonly Table[] {
  const siteTable: Table = {
    kind: "site",
    field: "sites",
    columns: [
      { name: "site", kind: "text" },
      { name: "shape", kind: "text" },
      { name: "norm", kind: "number" },
    ],
    rows: sites.map(({ site, shape, norm }) => [site, shapeText(shape), norm]),
  };
  return [
    {
      kind: "next-token",
      field: "next",
      title: `${model.name}, ${input.tokens.length} ${input.tokens.length === 1 ? "token" : "tokens"}`,
      subtitle: tokensLine(input.tokens),
      columns: [
        { name: "id", kind: "count" },
        { name: "text", head: "next token", kind: "token" },
        { name: "logit", kind: "logit" },
        { name: "probability", kind: "share" },
      ],
      rows: next.map(({ id, text, logit, probability }) => [id, text, logit, probability]),
      notes: [
        ...(interventions.length > 0 ? ["", ...interventions.map(interventionLine)] : []),
        ...(loss === null
          ? []
          : ["", `mean loss ${loss.toFixed(4)} nats over ${input.tokens.length - 1} predictions`]),
        ...(generated === null
          ? []
          : ["", continued(input.tokens, generated), ...stopLine(generated)]),
      ],
    },
    ...(sites.length > 0 ? [siteTable] : []),
    ...(generated === null ? [] : [generatedTable(generated.tokens, input.tokens.length)]),
    ...(attention === undefined ? [] : [patternTable(attention)]),
  ];
}

function generatedTable(tokens: readonly number[], from: number): Table {
  return {
    kind: "generated-token",
    data: true,
    columns: [
      { name: "position", kind: "count" },
      { name: "id", kind: "count" },
    ],
    rows: tokens.map((id, i) => [from + i, id]),
  };
}

function shapeText(shape: Tensor["shape"]): string {
  return Object.entries(shape)
    .map(([axis, size]) => `${axis} ${size}`)
    .join(" × ");
}
