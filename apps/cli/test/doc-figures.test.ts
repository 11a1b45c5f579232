import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Cell, checkViews, type Result } from "@resolvent/analysis";
import { layout, svgOf } from "@resolvent/figures";
import { expect, test } from "vitest";
import { analyses } from "../src/analyses.ts";
import { run } from "./program.ts";

/** The repository. */
const root = fileURLToPath(new URL("../../../", import.meta.url));
const figures = `${root}docs/figures/`;

const prompt = "When Mary and John went to the market, John gave a drink to";
const row = "The children stood in a row: Mary John Peter. The last was";
const asking = ["--prompt", prompt, "--target", " Mary, John"];

/** The pictures of README.md and docs: each which view of a result, by mark or number, then the command that makes that. */
const pictures: Readonly<Record<string, readonly string[]>> = {
  degrees: ["bars", "expand", "tales", "--prompt", prompt],
  routes: ["routes", "paths", "tales", ...asking, "--positions", "--routes", "3", "--top", "7"],
  score: [
    ...["3", "qk", "tales", "--prompt", prompt, "--query-by", "head", "--key-by", "token"],
    ...["--top", "5"],
  ],
  graph: [
    ...["graph", "graph", "tales", "--dictionary", "tales-transcoders", ...asking],
    ...["--top", "8", "--explain", "0"],
  ],
  linearity: [
    ...["dots", "linearity", "tales", "--corpus", "docs/samples/tales.txt"],
    ...["--max-tokens", "6144", "--lens-passes", "1", "--between", "embed:L3.mlp.after"],
  ],
  barrier: [
    ...["lines", "barrier", "tales", "tales-other-seed", "--corpus", "docs/samples/tales.txt"],
    ...["--max-tokens", "512", "--points", "5"],
  ],
  slope: [
    ...["slope", "compare", "tales-colours", "tales-rows", "--base", "tales"],
    ...["--prompt", row, "--target", " Peter, Mary"],
  ],
};

/**
 * Pictures of trainings: each which view of which result, by number and name. These results take trainings to make: the
 * commands are in docs/along-training.md.
 */
const alongTraining: Readonly<Record<string, readonly [view: string, result: string]>> = {
  "copying-live": ["1", "copying"],
  "copying-frozen": ["2", "copying"],
  "copying-accuracy": ["3", "copying"],
  "induction-live": ["1", "induction"],
  "induction-frozen": ["2", "induction"],
};

/** Pixels: of a page on GitHub. */
const WIDTH = 720;

/** Draws a view of a result of `docs/figures`. */
function drawn(name: string): string {
  const [own, of] = alongTraining[name] ?? [];
  const [asked = own, command = "report"] = pictures[name] ?? [];
  const result: Result = JSON.parse(readFileSync(`${figures}${of ?? name}.json`, "utf8"));
  const analysis = analyses.find((one) => one.name === command);
  const tables = analysis?.tables(result) ?? [];
  const views = checkViews(analysis?.views?.(result), tables);
  const view = views.find(({ mark }, i) => mark === asked || String(i + 1) === asked);
  if (view === undefined)
    throw new Error(`${name}: ${asked} is none of ${views.map(({ mark }) => mark).join()}`);
  return `${svgOf(layout(view, tables, { width: WIDTH }), { alone: true })}\n`;
}

/** How fast, beside the fastest PyTorch: the first table of the benchmarks, which `npm run pytorch` writes there. */
function drawnSpeed(): string {
  const page = readFileSync(`${root}tools/bench/README.md`, "utf8");
  const [, section = ""] = page.split("\n## Beside PyTorch\n");
  const [head = "", , ...rows] = section.split("\n").filter((line) => line.startsWith("|"));
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  expect(cells(head).slice(0, 3)).toEqual(["", "Resolvent, BLAS", "Resolvent"]);
  const end = rows.indexOf(head);
  const tasks = rows.slice(0, end).map((line): Cell[] => {
    const [task = "", blas = "", own = ""] = cells(line);
    return [task.replaceAll("`", ""), Number.parseFloat(blas), Number.parseFloat(own)];
  });
  expect(tasks.length).toBeGreaterThan(5);
  const columns = [
    { name: "task", kind: "text" },
    { name: "blas", head: "with the system's BLAS", kind: "number" },
    { name: "own", head: "own kernels", kind: "number" },
  ] as const;
  const table = { kind: "task", columns, rows: tasks };
  const title = "Times as fast as the fastest PyTorch, 2 cores; below 1 is slower";
  const view = { mark: "bars", table: "task", title, y: "task", x: "blas", twin: "own" } as const;
  const [checked = view] = checkViews([view], [table]);
  return `${svgOf(layout(checked, [table], { width: WIDTH }), { alone: true })}\n`;
}

test("speed is drawn of the table of benchmarks", () => {
  if (process.env.UPDATE_DOCS === "1") writeFileSync(`${figures}speed.svg`, drawnSpeed());
  expect(readFileSync(`${figures}speed.svg`, "utf8")).toBe(drawnSpeed());
});

/** Runs the command of a picture, and writes its result and the picture. */
async function make(name: string): Promise<void> {
  const [, ...args] = pictures[name] ?? [];
  const words = args.map((word) => word.replace(/^docs\//, `${root}docs/`));
  const { code, stdout, stderr } = await run(analyses, [...words, "--precision", "f64", "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  const result = JSON.stringify(JSON.parse(stdout.replaceAll(root, "")));
  writeFileSync(`${figures}${name}.json`, `${result}\n`);
  writeFileSync(`${figures}${name}.svg`, drawn(name));
}

// With UPDATE_DOCS=1 they are made first.
test.each(Object.keys(pictures))(
  "%s is drawn of its result",
  { timeout: 120_000 },
  async (name) => {
    if (process.env.UPDATE_DOCS === "1") await make(name);
    expect(readFileSync(`${figures}${name}.svg`, "utf8")).toBe(drawn(name));
  },
);

test.each(Object.keys(alongTraining))("%s is drawn of its training", (name) => {
  if (process.env.UPDATE_DOCS === "1") writeFileSync(`${figures}${name}.svg`, drawn(name));
  expect(readFileSync(`${figures}${name}.svg`, "utf8")).toBe(drawn(name));
});

test("pages show these pictures and no others, each in words too", () => {
  const pages = ["README.md", ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)];
  const shown = pages
    .filter((name) => name.endsWith(".md"))
    .flatMap((name) => {
      const text = readFileSync(`${root}${name}`, "utf8");
      expect(text, name).not.toMatch(/<img|<picture/);
      return [...text.matchAll(/!\[([^\]]*)\]\(([^)]*)\)/g)].map(([, alt = "", place = ""]) => {
        expect(alt.length, `${name}: ${place}`).toBeGreaterThan(20);
        const file = place.replace(/^docs\//, "").replace(/^figures\//, "");
        expect(existsSync(`${figures}${file}`), `${name}: ${place}`).toBe(true);
        return file;
      });
    });
  expect([...new Set(shown)].sort()).toEqual(
    [...Object.keys({ ...pictures, ...alongTraining }), "speed"]
      .map((name) => `${name}.svg`)
      .sort(),
  );
});
