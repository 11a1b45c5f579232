import { PROTOCOL, readReply } from "@resolvent/analysis/remote";
import { expect, test } from "vitest";

const table = {
  ...{ kind: "row", title: "<b>rows</b>" },
  columns: [{ name: "n", kind: "count" }],
  rows: [[1], [null], ["few"]],
};
const findings = {
  result: {
    ...{ schemaVersion: 1, kind: "counted", notANumber: Number.NaN },
    model: { name: "tiny", sha256: null, architecture: "gpt2" },
  },
  soundness: { notFinite: [], unbalanced: [], warnings: [] },
  ...{
    answer: ["Three."],
    tables: [table],
    views: [{ mark: "list", table: "row", columns: ["n"] }],
  },
};
const reply = (more: object): unknown => ({ protocol: PROTOCOL, to: 1, ...more });
const found = (more: object): unknown =>
  reply({ say: "findings", findings: { ...findings, ...more } });

test("what is as it has to be comes as a copy, with null for numbers that are not finite", () => {
  const read = readReply(found({}));
  expect(read).toMatchObject({ to: 1, say: "findings", findings: { answer: ["Three."] } });
  expect(Object(read).findings.result.notANumber).toBeNull();
  expect(Object(read).findings.tables[0]).not.toBe(table);
});

test("a column of a kind that nobody knows is one of words", () => {
  const tables = [{ ...table, columns: [{ name: "n", kind: "html" }] }];
  expect(Object(readReply(found({ tables }))).findings.tables[0].columns).toEqual([
    { name: "n", kind: "text" },
  ]);
});

test("a mark that nobody knows is a list", () => {
  const { findings: read } = Object(
    readReply(found({ views: [{ mark: "hologram", table: "row" }] })),
  );
  expect(read.views).toEqual([{ mark: "list", table: "row", columns: ["n"], rest: false }]);
});

const analysis = {
  ...{ name: "norms", summary: "norms", description: "Norms.", examples: [], schema: {} },
  ...{ needs: ["layers"], float64: false, outline: false },
  parameters: [
    {
      ...{ name: "top", description: "rows", label: "top", group: "options", kind: "number" },
      ...{ required: false, range: { whole: true } },
    },
  ],
};
const described = (...analyses: object[]): unknown =>
  reply({ say: "description", description: { analyses, models: [], engine: "wasm" } });

test("descriptions, progress and failures too", () => {
  expect(readReply(described(analysis, { name: "other", summary: "" }))).toMatchObject({
    say: "description",
  });
  expect(
    readReply(reply({ say: "progress", progress: { done: 1, total: 2, of: "step" } })),
  ).toEqual(reply({ say: "progress", progress: { done: 1, total: 2, of: "step" } }));
  const failure = { kind: "input", code: "x", message: "No.", remedy: null };
  expect(readReply({ ...Object(reply({ say: "failure", failure })), to: null })).toMatchObject({
    failure,
  });
});

const rows = (count: number) => Array.from({ length: count }, () => [1]);
let deep: unknown = [];
for (let i = 0; i < 100; i++) deep = [deep];

test.each<readonly [string, unknown, RegExp]>([
  ["no object", "hello", /a message/],
  ["another version", { protocol: PROTOCOL + 1, to: 1, say: "progress" }, /protocol/],
  ["an id that is none", { protocol: PROTOCOL, to: "1", say: "progress" }, /to is/],
  ["an answer that is none", reply({ say: "hello" }), /say/],
  ["a name with a tag", described({ ...analysis, name: "<img>" }), /analyses\[0\]\.name/],
  ["a need that is none", described({ ...analysis, needs: ["network"] }), /needs\[0\]/],
  ["a summary without end", described({ ...analysis, summary: "x".repeat(1e5) }), /summary/],
  ["no soundness", found({ soundness: null }), /soundness/],
  ["a sentence that is a function's place", found({ answer: [{}] }), /answer\[0\]/],
  ["more rows than a page draws", found({ tables: [{ ...table, rows: rows(20_001) }] }), /rows/],
  ["a row of another length", found({ tables: [{ ...table, rows: [[1, 2]] }] }), /rows\[0\]/],
  ["a cell that is an object", found({ tables: [{ ...table, rows: [[{}]] }] }), /rows\[0\]\[0\]/],
  ["a view of no table", found({ views: [{ mark: "list", table: "none", columns: [] }] }), /table/],
  [
    "a certificate of its own words",
    found({ result: { ...findings.result, certificate: { verdict: "true" } } }),
    /verdict/,
  ],
  ["what is no data", found({ result: { ...findings.result, when: new Date(0) } }), /Date/],
  ["lists without bottom", found({ result: { ...findings.result, deep } }), /within each other/],
  ["text without end", reply({ say: "tokens", tokens: ["x".repeat(2 ** 26 + 1)] }), /characters/],
])("%s is refused", (_, message, why) => {
  expect(() => readReply(message)).toThrow(why);
});
