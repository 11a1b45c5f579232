import { describe, expect, test } from "vitest";
import { ticksFor } from "../src/figure.ts";
import { linearityPage } from "../src/index.ts";
import { linearityTables } from "../src/tables.ts";
import { HOSTILE, hostileResult } from "./hostile.ts";

const result = hostileResult();
const page = linearityPage(result, { command: `resolvent linearity '${HOSTILE}'` });

describe("the page", () => {
  test("escapes whatever comes from models, files and the command", () => {
    expect(/<(?:script|img)|\u202e/.exec(page)).toBeNull();
    expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(5);
    expect(page).toContain("&amp;amp;");
  });

  test("needs nothing else: no scripts, no links, no addresses", () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    const found = /https?:|<[^>]*\b(?:src|href)=|url\(|@import/.exec(page);
    expect(found).toBeNull();
  });

  test("shows warnings, both labels of the residual, five figures, and the command", () => {
    expect(page).toContain("Something about");
    for (const label of Object.values(result.labels)) expect(page).toContain(label);
    expect(page.match(/<svg /g)).toHaveLength(5);
    expect(page).toContain("resolvent linearity &#39;");
    expect(/NaN|Infinity|undefined/.exec(page)).toBeNull();
  });
});

test("tables carry warnings and say which scores have the residual in them", () => {
  const [blocks, ...others] = linearityTables(result);
  expect(blocks?.notes?.join("\n")).toContain("warning: Something about");
  expect(blocks?.notes?.join("\n")).toContain(result.labels.withResidual);
  for (const { columns } of [blocks, ...others].filter((table) => table !== undefined)) {
    for (const { name, head } of columns.filter(({ name }) => /Residual$/.test(name))) {
      expect(head).toMatch(name === "withResidual" ? /^with residual/ : /^without residual/);
    }
  }
  for (const { columns, rows } of [blocks, ...others].filter((table) => table !== undefined)) {
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
});

test("tables say the model's own loss, and when the tuned lens was not trained", () => {
  const notes = (changed: Partial<typeof result>): string =>
    linearityTables({ ...result, ...changed })[0]?.notes?.join("\n") ?? "";
  expect(notes({ loss: 0.863 })).toContain("loss, 0.863 for the model, with one block");
  expect(notes({})).toContain("next-token loss with one block replaced");
  expect(notes({})).not.toContain("was not trained");
  const settings = { ...result.settings, lensPasses: 0 };
  expect(notes({ settings })).toContain("the tuned lens was not trained: it is the affine lens");
});

test("no measure is a cosine of logits", () => {
  expect(JSON.stringify(Object.keys(result.blocks[0] ?? {}))).not.toMatch(/cosine/i);
});

test("ticks are round, a few, and reach around", () => {
  expect(ticksFor(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticksFor(-0.3, 2.4)).toEqual([-1, 0, 1, 2, 3]);
  expect(ticksFor(0, 0)).toEqual([0, 0.2]);
});
