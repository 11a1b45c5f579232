import { InputError } from "@resolvent/tensor";
import type { Table } from "./table.ts";
import type { View } from "./view.ts";

/** What a property of a view has to be. */
type Rule =
  | "text"
  | "column"
  | "columns"
  | "series"
  | "places"
  | "layers"
  | "count"
  | "flag"
  | "scale"
  | "size"
  | "sizes";
type Rules = Readonly<Record<string, Rule | `${Rule}?` | "axis" | "axes" | "axes?">>;

const ALL: Rules = {
  ...{ mark: "text", table: "text", title: "text?", note: "text?" },
  ...{ select: "column?", cursor: "text?", most: "count?" },
};
const CURVES: Rules = { x: "column", y: "series", scale: "scale?", along: "scale?" };
const ENDS: Rules = { from: "column", to: "column", value: "column" };

const MARKS: Readonly<Record<View["mark"], Rules>> = {
  bars: {
    ...{ y: "column", x: "column", twin: "column?", line: "column?" },
    ...{ low: "column?", high: "column?", scale: "scale?", rest: "flag?" },
    ...{ before: "columns?", after: "columns?" },
  },
  dots: CURVES,
  lines: CURVES,
  grid: {
    ...{ x: "column", y: "column", value: "column" },
    ...{ text: "column?", facet: "column?", full: "size?", axes: "axes?" },
  },
  routes: {
    ...{ source: "column?", nodes: "column", at: "column", width: "column", axes: "axes" },
    ...{ end: "text?" },
  },
  arcs: { ...ENDS, axes: "axis" },
  scatter: { x: "column", y: "column", label: "column?", reach: "sizes?" },
  slope: { label: "column", from: "column", to: "column" },
  graph: { ...ENDS, layers: "layers", columns: "layers?" },
  passages: { passage: "column", token: "column", value: "column", within: "column?" },
  list: { columns: "columns", rest: "flag?" },
};

/** Places, layers and rows that a view may have at most. */
const MOST = 100_000;

/**
 * Views from anywhere, checked against the tables that they show. One with a mark that is not known here becomes a
 * list of what people see of its table, so that an older program shows a newer analysis.
 *
 * @throws InputError `analysis/bad-view`
 */
export function checkViews(views: unknown, tables: readonly Table[]): readonly View[] {
  if (!Array.isArray(views)) throw bad("views", "an array", views);
  return views.map((view: unknown, i) => checkView(view, `views[${i}]`, tables));
}

function checkView(given: unknown, at: string, tables: readonly Table[]): View {
  if (!isObject(given)) throw bad(at, "an object", given);
  const { mark, table: kind } = given;
  const table = tables.find((one) => one.kind === kind);
  if (table === undefined) {
    const there = tables.map((one) => one.kind).join(", ");
    throw bad(`${at}.table`, there === "" ? "a table, and there is none" : `one of ${there}`, kind);
  }
  if (typeof mark !== "string") throw bad(`${at}.mark`, "text", mark);
  if (!Object.hasOwn(MARKS, mark)) {
    const columns = table.columns.filter(({ detail }) => detail !== true).map(({ name }) => name);
    const title = typeof given.title === "string" ? { title: given.title } : {};
    return { mark: "list", table: table.kind, columns, rest: table.rest !== undefined, ...title };
  }
  const rules: Rules = { ...ALL, ...MARKS[mark as View["mark"]] }; // it has it
  const odd = Object.keys(given).find((name) => !Object.hasOwn(rules, name));
  if (odd !== undefined) {
    throw bad(at, `no more than ${Object.keys(rules).join(", ")}`, odd);
  }
  for (const [name, rule] of Object.entries(rules)) {
    const value = given[name];
    const optional = rule.endsWith("?");
    if (value === undefined && optional) continue;
    checkValue(rule.replace("?", ""), value, `${at}.${name}`, table);
    // Where they are optional, each of them is.
    const needed = rule === "axis" ? ["x"] : rule === "axes" ? ["x", "y"] : [];
    const missing = needed.find((axis) => !Object.hasOwn(Object(value), axis));
    if (missing !== undefined) throw bad(`${at}.${name}.${missing}`, "places", undefined);
  }
  return given as unknown as View; // every property was looked at
}

function checkValue(rule: string, value: unknown, at: string, table: Table): void {
  const column = (name: unknown, place: string): void => {
    const names = table.columns.map((one) => one.name);
    if (!names.some((one) => one === name)) throw bad(place, `one of ${names.join(", ")}`, name);
  };
  switch (rule) {
    case "text":
      if (typeof value !== "string") throw bad(at, "text", value);
      return;
    case "flag":
      if (typeof value !== "boolean") throw bad(at, "true or false", value);
      return;
    case "count":
      if (!Number.isInteger(value) || Number(value) < 1)
        throw bad(at, "a whole number from 1", value);
      return;
    case "size":
      if (!isSize(value)) throw bad(at, "a number above 0", value);
      return;
    case "sizes":
      if (!isObject(value)) throw bad(at, "an object", value);
      for (const [axis, size] of Object.entries(value)) {
        if (axis !== "x" && axis !== "y") throw bad(at, "x and y", axis);
        if (!isSize(size)) throw bad(`${at}.${axis}`, "a number above 0", size);
      }
      return;
    case "scale":
      if (!["linear", "symlog", "log"].some((scale) => scale === value))
        throw bad(at, "linear, symlog or log", value);
      return;
    case "column":
      column(value, at);
      return;
    case "columns":
      for (const [i, name] of list(value, at).entries()) column(name, `${at}[${i}]`);
      return;
    case "series":
      for (const [i, one] of list(value, at).entries()) {
        if (!isObject(one)) throw bad(`${at}[${i}]`, "an object", one);
        column(one.column, `${at}[${i}].column`);
        for (const end of ["low", "high"]) {
          if (one[end] !== undefined) column(one[end], `${at}[${i}].${end}`);
        }
      }
      return;
    case "layers":
      for (const [i, layer] of list(value, at).entries()) {
        for (const name of list(layer, `${at}[${i}]`)) {
          if (typeof name !== "string") throw bad(`${at}[${i}]`, "names", name);
        }
      }
      return;
    default:
      checkAxes(value, at);
  }
}

function checkAxes(value: unknown, at: string): void {
  if (!isObject(value)) throw bad(at, "an object", value);
  for (const [axis, places] of Object.entries(value)) {
    if (axis !== "x" && axis !== "y") throw bad(at, "x and y", axis);
    for (const [i, place] of list(places, `${at}.${axis}`).entries()) {
      const fits =
        isObject(place) &&
        typeof place.key === "string" &&
        (place.token === undefined || typeof place.token === "string");
      if (!fits) throw bad(`${at}.${axis}[${i}]`, "a key, and perhaps a token", place);
    }
  }
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(at, "an array", value);
  if (value.length > MOST) throw bad(at, `at most ${MOST} entries`, value.length);
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

/** Characters of what came that a message has at most. */
const QUOTED = 80;

function bad(at: string, expected: string, got: unknown): InputError {
  const text = (JSON.stringify(got) ?? "nothing").slice(0, QUOTED);
  return new InputError({
    code: "analysis/bad-view",
    message: `${at}: expected ${expected}, got ${text}.`,
    remedy: "A view is plain data that names a table of the result and columns of it.",
    details: { at, got: text },
  });
}
