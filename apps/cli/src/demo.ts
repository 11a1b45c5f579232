import { type Certificate, divergence, percent, short } from "@resolvent/analysis";
import {
  type DegreeExpansion,
  degreeWithin,
  expandByDegree,
  GATES,
  NEAR_NATS,
} from "@resolvent/expansion";
import { loadTokenizer } from "@resolvent/transformer";
import { bar, barScale } from "./bars.ts";
import { modelFolder, openModel } from "./open.ts";
import { wrapped } from "./places.ts";
import { table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const MODEL = "tales";
const PROMPT = "When Mary and John went to the market, John gave a drink to";

/** Both expansions of a bundled model, as a page of text. */
export async function demo(terminal: Terminal): Promise<void> {
  const folder = await modelFolder(MODEL, {}, terminal);
  const tokenizer = await loadTokenizer(folder);
  const ids = tokenizer?.encode(PROMPT) ?? [];
  const { engine, model, close } = await openModel(
    folder,
    MODEL,
    { precision: "f64", stream: false, widen: true },
    terminal,
  );
  try {
    const start = performance.now();
    const paths = await expandByDegree(engine, model, ids, { freeze: GATES });
    const tree = await expandByDegree(engine, model, ids, { freeze: [] });
    const seconds = (performance.now() - start) / 1000;
    terminal.show(picture(paths, tree, terminal));
    const { columns } = terminal;
    terminal.show(`\n${explain(paths, tree, Math.min(columns ?? WIDTH, WIDTH))}\n\n`);
    const line = (text: string): void => terminal.show(`${wrapped(text, columns)}\n`);
    line(
      `Both sums give the model: ‖Σ D_k − T‖/‖T‖ is ${figure(paths.certificate)} (paths) and ${figure(tree.certificate)} (tree), in float64. It took ${seconds.toFixed(1)} s.`,
    );
    line(`Next: ${commandHere()} expand ${MODEL} --prompt "…"   ${commandHere()} --help`);
  } finally {
    await close();
  }
}

/** What people type who type this: npm says what it was asked for, and installed globally it is asked for nothing. */
function commandHere(): string {
  const { npm_command: asked } = process.env;
  if (asked === undefined) return "resolvent";
  return asked === "exec" ? "npx @resolvent/cli" : "npx resolvent";
}

function figure({ relativeError }: Certificate): string {
  return relativeError === null ? "undefined" : short(relativeError);
}

/** The share of a degree, 0 where shares are not given. */
function shareAt({ terms }: DegreeExpansion, degree: number): number {
  return terms[degree]?.logitShare ?? 0;
}

/** Places of the two tables side by side. */
const WIDTH = 88;

function picture(paths: DegreeExpansion, tree: DegreeExpansion, terminal: Terminal): string {
  const { style, columns = WIDTH } = terminal;
  const shares = [...paths.terms, ...tree.terms].map(({ logitShare }) => logitShare ?? 0);
  const scale = barScale(shares, { width: 14, least: 1 });
  const cells = (expansion: DegreeExpansion, degree: number): string[] => {
    const term = expansion.terms[degree];
    if (term === undefined) return ["", "", ""];
    const logitShare = shareAt(expansion, degree);
    return [
      style.accent(bar(logitShare, scale)),
      percent(logitShare),
      divergence(term.partial.frozenNorm.kl, "f64"),
    ];
  };
  const degree = { head: "degree", right: true };
  const head = [{ head: "share" }, { head: "", right: true }, { head: "KL so far", right: true }];
  const degrees = paths.terms.map((term) => term.degree);
  const [pathsTitle, treeTitle] = [
    style.bold("path expansion (all gates frozen)"),
    style.bold("truncated tree (nothing frozen)"),
  ];
  const one = (expansion: DegreeExpansion): string =>
    table(
      [degree, ...head],
      degrees.map((k) => [String(k), ...cells(expansion, k)]),
    );
  const both = table(
    [degree, ...head, { head: "  " }, ...head],
    degrees.map((k) => [String(k), ...cells(paths, k), "", ...cells(tree, k)]),
  );
  return [
    style.bold(wrapped(`${MODEL}: "${PROMPT} …"`, columns)),
    "",
    ...(columns < WIDTH
      ? [pathsTitle, one(paths), treeTitle, one(tree)]
      : [`        ${pathsTitle}    ${treeTitle}`, both]),
  ].join("\n");
}

/** One paragraph that says what is seen, from the numbers. */
function explain(paths: DegreeExpansion, tree: DegreeExpansion, width: number): string {
  const main = (e: DegreeExpansion): number =>
    e.terms.reduce(
      (best, { degree }) => (shareAt(e, degree) > shareAt(e, best) ? degree : best),
      0,
    );
  const blocks = paths.model.blocks.length;
  const [p, t] = [paths, tree].map(({ terms }) => degreeWithin(terms, NEAR_NATS));
  const compared =
    p === t
      ? `Both come within ${NEAR_NATS} nats of the model once paths through ${p} blocks are in`
      : `The path expansion comes within ${NEAR_NATS} nats of the model at degree ${p}, the truncated tree at degree ${t}`;
  return wrapped(
    `Degree k is everything that passes through exactly k of the model's ${blocks} blocks; degree 0 is the embedding alone. With attention patterns, norms and activations frozen at this run, degree ${main(paths)} has the largest share of the logits (${percent(shareAt(paths, main(paths)))}). With nothing frozen, cutting longer paths also changes what the remaining blocks compute, and the largest share is that of degree ${main(tree)} (${percent(shareAt(tree, main(tree)))}). Terms of opposite sign cancel. ${compared}; the difference between the two sums is what freezing the gates changed.`,
    width,
  );
}
