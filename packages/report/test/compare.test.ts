import { checkViews, type Spread } from "@resolvent/analysis";
import { describe, expect, test } from "vitest";
import { compareReports } from "../src/analyses/compare.ts";
import {
  comparisonAnswer,
  comparisonTables,
  comparisonViews,
} from "../src/analyses/comparison-tables.ts";
import { stepOf } from "../src/analyses/steps.ts";

const spread = (mean: number): Spread => ({ mean, low: mean - 0.1, high: mean + 0.1, count: 8 });

/** A report as its JSON has it, as far as comparing reads it: shares of two degrees, frozen and live. */
function report(
  name: string,
  { frozen, live, loss = 1 }: { frozen: number[]; live: number[]; loss?: number },
): object {
  const spectrum = (shares: readonly number[]) => ({
    means: [
      {
        kind: "degree-term",
        measures: [{ name: "norm" }, { name: "logitShare" }],
        rows: shares.map((share, degree) => ({ keys: [degree], values: [null, spread(share)] })),
      },
    ],
  });
  return {
    ...{
      kind: "report",
      schemaVersion: 1,
      near: 0.1,
      corpus: "texts.txt",
      sequences: 8,
      tokens: 80,
    },
    model: { name, sha256: null, blocks: ["L0.attn"] },
    needed: ["frozen", "live"].map((section) => ({ section, degree: spread(1), never: 0 })),
    nextTokens: { from: 1, tokens: 72, loss: spread(loss), accuracy: spread(1 / loss) },
    sections: [
      { name: "frozen", result: spectrum(frozen) },
      { name: "live", result: spectrum(live) },
      { name: "head", result: {} },
    ],
  };
}

const text = (...documents: readonly object[]): string =>
  documents.map((one) => JSON.stringify(one)).join("\n");

test.each([
  ["step-512", 512],
  ["pythia-70m-step143000", 143000],
  ["checkpoint-500", 500],
  ["run_ckpt_20", 20],
  ["iter-8", 8],
  ["tales", null],
  ["attn-only-2l", null],
  ["footstep-3", null],
  ["step-1.5", null],
])("%s is of step %s", (name, step) => {
  expect(stepOf(name)).toBe(step);
});

describe("checkpoints of one training", () => {
  const late = report("step-100", { frozen: [0.5, 0.5], live: [0.25, 0.75], loss: 2 });
  const early = report("step-20", { frozen: [0.75, 0.25], live: [0.5, 0.5], loss: 4 });
  const compared = compareReports(text(late, early));

  test("keep their order as cards, and go along their steps", () => {
    expect(compared.cards.map(({ name, step }) => [name, step])).toEqual([
      ["step-100", 100],
      ["step-20", 20],
    ]);
    expect(compared.steps).toEqual([
      {
        ...{ step: 20, runs: 1, loss: spread(4), accuracy: spread(0.25) },
        ...{ frozen: spread(1), live: spread(1) },
        degrees: [
          { degree: 0, frozen: spread(0.75), live: spread(0.5) },
          { degree: 1, frozen: spread(0.25), live: spread(0.5) },
        ],
      },
      expect.objectContaining({ step: 100, loss: spread(2) }),
    ]);
  });

  test("are a table with a row for each step, and curves over it", () => {
    const [table] = comparisonTables(compared);
    const row = (at: number) =>
      Object.fromEntries(table?.columns.map(({ name }, i) => [name, table.rows[at]?.[i]]) ?? []);
    expect(row(0)).toMatchObject({ step: 20, loss: 4, live0: 0.5, live1: 0.5, frozen0: 0.75 });
    expect(row(1)).toMatchObject({ step: 100, live1: 0.75, live1Low: 0.65, live1High: 0.85 });
    const [live, frozen] = comparisonViews(compared);
    expect(live).toMatchObject({
      ...{ mark: "lines", table: "step", x: "step", along: "log" },
      y: [{ column: "live0" }, { column: "live1", low: "live1Low", high: "live1High" }],
    });
    expect(frozen).toMatchObject({ y: [{ column: "frozen0" }, { column: "frozen1" }] });
    expect(comparisonAnswer(compared)).toEqual([
      "From step 20 to step 100 of one training, the loss goes from 4.00 to 2.00 nats, and the share of next tokens told rightly from 25.0 % to 50.0 %.",
      "Shares of the logits with nothing frozen: degree 0 50.0 % to 25.0 %, degree 1 50.0 % to 75.0 %.",
      "With all gates frozen: degree 0 75.0 % to 50.0 %, degree 1 25.0 % to 50.0 %.",
    ]);
  });
});

describe("checkpoints of several trainings", () => {
  const runs = [0.2, 0.4, 0.6].flatMap((share) =>
    [8, 64].map((step) =>
      report(`step-${step}`, { frozen: [0.5, 0.5], live: [1 - share, share], loss: step }),
    ),
  );
  const compared = compareReports(text(...runs));

  test("are means over trainings, with intervals over these", () => {
    expect(compared.steps.map(({ step, runs: own }) => [step, own])).toEqual([
      [8, 3],
      [64, 3],
    ]);
    const live = compared.steps[0]?.degrees[1]?.live;
    const half = (4.302652729749462 * 0.2) / Math.sqrt(3); // Student's t with 2 degrees of freedom, s = 0.2
    expect(live?.count).toBe(3);
    expect([live?.mean, live?.low, live?.high]).toBeNear([0.4, 0.4 - half, 0.4 + half], {
      rtol: 1e-12,
    });
    expect(comparisonAnswer(compared)[0]).toContain("of 3 trainings");
  });

  test("a comparison stands for its reports", () => {
    const first = compareReports(text(...runs.slice(0, 3)));
    expect(compareReports(text(first, ...runs.slice(3)))).toEqual(compared);
    expect(compareReports(text(compared))).toEqual(compared);
    const broken = { ...first, degrees: first.degrees.map((row) => ({ ...row, card: 9 })) };
    expect(() => compareReports(text(broken))).toThrow(/document 1 is no report/);
  });
});

test("models that are no checkpoints, or not of one architecture, have no steps", () => {
  const one = { frozen: [1, 0], live: [1, 0] };
  const deeper = { ...report("step-9", one), model: { name: "step-9", blocks: ["a", "b"] } };
  const others = [
    [report("tales", one), "name"],
    [report("step-8", one), "card"],
    [deeper, "name"],
  ] as const;
  for (const [other, by] of others) {
    const compared = compareReports(text(report("step-8", one), other));
    expect(compared.steps).toEqual([]);
    expect(comparisonTables(compared)[0]?.kind).toBe("card");
    // No line from one to the next: they are in no order.
    expect(comparisonViews(compared)).toMatchObject([
      { mark: "dots", table: "card", x: by },
      { mark: "grid", table: "card-degree", y: by, value: "frozen" },
      { mark: "grid", table: "card-degree", y: by, value: "live" },
    ]);
  }
});

test("reports of before, which have no loss, are compared all the same", () => {
  const { nextTokens: _, ...old } = Object(report("step-8", { frozen: [1], live: [1] }));
  const compared = compareReports(text(old, { ...old, model: { name: "step-9", blocks: ["a"] } }));
  expect(compared.steps.map(({ loss }) => loss)).toEqual([null, null]);
  expect(comparisonViews(compared)).toHaveLength(3);
});

test("what is no report, or none of this version, is refused or shown, and nothing else", () => {
  const sound = report("step-8", { frozen: [0.5, 0.5], live: [0.5, 0.5] });
  const [refused, shown] = [new Set<string>(), new Set<string>()];
  for (const document of [sound, compareReports(text(sound))]) {
    for (const place of placesIn(document)) {
      for (const odd of [null, 0, -1.5, "word", [], {}, [null], { mean: 1 }]) {
        const name = `${place.join(".")} = ${JSON.stringify(odd)}`;
        try {
          const compared = compareReports(text(withOdd(document, place, odd)));
          comparisonAnswer(compared);
          const tables = comparisonTables(compared);
          expect(checkViews(comparisonViews(compared), tables), name).toHaveLength(3);
          shown.add(name);
        } catch (error) {
          expect(error, name).toMatchObject({ code: "report/bad-reports" });
          refused.add(name);
        }
      }
    }
  }
  expect([refused.size > 200, shown.size > 20]).toEqual([true, true]);
});

type Place = readonly (string | number)[];

/** The ways to everything in a value. */
function placesIn(value: unknown, before: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return before.length > 0 ? [before] : [];
  const inside = Object.entries(value).flatMap(([key, own]) => placesIn(own, [...before, key]));
  return before.length > 0 ? [before, ...inside] : inside;
}

/** The same with something else at a place. */
function withOdd(document: object, place: Place, odd: unknown): object {
  const copy = structuredClone(document);
  const last = place.at(-1);
  const at = place.slice(0, -1).reduce((inside, key) => Object(inside)[key], copy as unknown);
  if (last !== undefined) Object(at)[last] = odd;
  return copy;
}

test("of many degrees, figures have the four that move most", () => {
  const flat = Array.from({ length: 9 }, () => 0.1);
  const moved = flat.map((share, degree) => share + (degree % 2) * degree);
  const compared = compareReports(
    text(
      report("step-1", { frozen: flat, live: flat }),
      report("step-2", { frozen: flat, live: moved }),
    ),
  );
  const [live, frozen] = comparisonViews(compared);
  for (const view of [live, frozen]) {
    const columns = Object(view).y.map(({ column }: { column: string }) =>
      column.replace(/\D+/, ""),
    );
    expect(columns).toEqual(["1", "3", "5", "7"]);
    expect(view?.note).toContain("The 4 degrees that move most.");
  }
});
