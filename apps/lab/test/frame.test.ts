import { expect, test } from "vitest";
import {
  borderOf,
  columnsOf,
  columnsText,
  LEAST,
  moved,
  storedColumns,
} from "../src/state/columns.ts";
import { embedOf, placeWith } from "../src/state/embed.ts";
import { embedHtml } from "../src/state/embed-html.ts";
import { START } from "../src/state/fragment.ts";
import { type Pin, readReport, reportText } from "../src/state/pins.ts";

const PIN: Pin = {
  ...{ id: "a", title: "By degree", note: "", fragment: "v=1&k=2", analysis: "paths" },
  ...{ answer: ["It adds up."], command: null },
  result: {
    ...{ kind: "path-expansion", schemaVersion: 1 },
    model: { name: "tiny", architecture: "llama", sha256: null, blocks: [] },
  } as unknown as Pin["result"], // the head of one
  view: { mark: "bars", table: "t", y: "name", x: "effect" },
  table: {
    kind: "t",
    columns: [
      { name: "name", kind: "text" },
      { name: "effect", kind: "effect" },
    ],
    rows: [["a", 1]],
  },
};

test("a report comes back as it was saved; of what is none, the part that is wrong is named", () => {
  expect(readReport(reportText([PIN]))).toEqual([PIN]);
  const spoilt = (change: object): string => reportText([{ ...PIN, ...change }]);
  for (const [text, named] of [
    ["{", "the file"],
    ["[]", "resolvent"],
    [reportText([]).replace("1,", "2,"), "version"],
    [reportText([PIN, PIN]), "an id of its own"],
    [reportText(Array.from({ length: 61 }, (_, i) => ({ ...PIN, id: `${i}` }))), "at most 60"],
    [spoilt({ note: "x".repeat(10_001) }), "pins[0].note"],
    [spoilt({ answer: [1] }), "pins[0].answer[0]"],
    [spoilt({ result: {} }), "pins[0].result"],
    [spoilt({ view: { ...PIN.view, x: "other" } }), "views[0].x"],
    [spoilt({ table: { ...PIN.table, rows: [[{}]] } }), "tables[0].rows[0]"],
  ] as const)
    expect(() => readReport(text), named).toThrow(named);
});

test("an address asks for a panel that there is, on its tab; as HTML for another page", () => {
  expect(embedOf("")).toBeUndefined();
  expect(embedOf("?embed=graph&theme=dark")).toEqual({ panel: "graph" });
  expect(embedOf("?embed=")).toMatchObject({ message: expect.stringContaining("no panel") });
  const place = { ...START, degree: 3, values: { top: 5 } };
  expect(placeWith(place, "routes")).toBe(place);
  expect(placeWith(place, "graph")).toEqual({ ...place, analysis: "features-view", values: {} });
  expect(
    embedHtml({ origin: "https://a.example", pathname: "/lab/", hash: '#v=1&p="<' }, "routes"),
  ).toBe(
    '<iframe src="https://a.example/lab/?embed=routes#v=1&amp;p=&quot;&lt;" width="720" height="480" title="Resolvent: where they run" loading="lazy"></iframe>',
  );
});

test("a border moves two columns, neither below what it has at least, and is stored", () => {
  const columns = columnsOf([1, 1, 2]);
  expect(columns).toEqual([25, 25, 50]);
  expect(moved(columns, 1, 50)).toEqual([25, 37.5, 37.5]);
  expect(moved(columns, 0, -10)).toEqual([LEAST, 50 - LEAST, 50]);
  expect(borderOf(moved(columns, 0, 60), 0)).toBeCloseTo(60);
  expect(storedColumns(columnsText(columns), 3)).toEqual(columns);
  for (const text of [null, "", "50 50", "a b c", "1 49 50"])
    expect(storedColumns(text, 3)).toBeUndefined();
});
