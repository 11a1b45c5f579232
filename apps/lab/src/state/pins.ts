import {
  checkTables,
  checkViews,
  faultOfResult,
  type Result,
  type Table,
  type View,
} from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";

/** A figure with its question, as it was when somebody pinned it. */
export interface Pin {
  /** Of its own in a report. */
  readonly id: string;
  readonly title: string;
  /** What the reader has written about it: plain text. */
  readonly note: string;
  /** The fragment of the address where it was pinned. */
  readonly fragment: string;
  readonly analysis: string;
  /** What came out, in sentences. */
  readonly answer: readonly string[];
  /** The command that asks it again; null where nobody knows it. */
  readonly command: string | null;
  /** What of the result is short: the model, what was held, the certificate. */
  readonly result: Result;
  readonly view: View;
  /** The table that the view shows. */
  readonly table: Table;
}

/** Of what the file of a report means: raised where a field changes its meaning. */
const VERSION = 1;

/** Pins that a report has at most: nobody reads more. */
export const MOST_PINS = 60;

/** Characters of one pin at most: what has more rows is a file of its own. */
export const MOST_OF_PIN = 1_000_000;

/** Characters of a report at most: browsers give a page room for about five million. */
export const MOST_OF_REPORT = 4_000_000;

/** Characters of a note, and of any other text. */
export const MOST_OF_NOTE = 10_000;
const MOST_OF_TEXT = 100_000;

/** Characters of one field of a result that a pin keeps. */
const SHORT = 20_000;

/** What of a result is short enough to be kept with a figure. */
export function shortResult(result: Result): Result {
  const kept = Object.entries(result).filter(
    ([name, value]) => name === "model" || (JSON.stringify(value) ?? "").length <= SHORT,
  );
  return Object.fromEntries(kept) as unknown as Result; // its head is short
}

/** A report as a file. */
export function reportText(pins: readonly Pin[]): string {
  return `${JSON.stringify({ resolvent: "report", version: VERSION, pins }, undefined, 1)}\n`;
}

/**
 * The pins of a report from anywhere, every part of them checked.
 *
 * @throws InputError `lab/bad-report`, `analysis/bad-table`, `analysis/bad-view`
 */
export function readReport(text: string): readonly Pin[] {
  // As it is saved, every line is broken: half of its characters may be spaces.
  if (text.length > 2 * MOST_OF_REPORT)
    throw bad("the file", `at most ${2 * MOST_OF_REPORT} characters`, String(text.length));
  const { resolvent, version, pins } = Object(parsed(text));
  if (resolvent !== "report") throw bad("resolvent", `"report"`, resolvent);
  if (version !== VERSION) throw bad("version", String(VERSION), version);
  if (!Array.isArray(pins)) throw bad("pins", "an array", pins);
  if (pins.length > MOST_PINS) throw bad("pins", `at most ${MOST_PINS}`, pins.length);
  const read = pins.map((pin: unknown, i) => readPin(pin, `pins[${i}]`));
  const ids = new Set(read.map(({ id }) => id));
  if (ids.size < read.length) throw bad("pins", "an id of its own each", ids.size);
  return read;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad("the file", "JSON", text.slice(0, 20));
  }
}

function readPin(given: unknown, at: string): Pin {
  const { id, title, note, fragment, analysis, answer, command, result, view, table } =
    Object(given);
  const text = (name: string, value: unknown, most = MOST_OF_TEXT): string => {
    if (typeof value !== "string") throw bad(`${at}.${name}`, "text", value);
    if (value.length > most) throw bad(`${at}.${name}`, `at most ${most} characters`, value.length);
    return value;
  };
  if (!Array.isArray(answer)) throw bad(`${at}.answer`, "an array", answer);
  const fault = faultOfResult(result);
  if (fault !== undefined) throw bad(`${at}.result`, "a result", fault);
  const tables = checkTables([table]);
  const [checked] = tables;
  const [seen] = checkViews([view], tables);
  if (checked === undefined || seen === undefined) throw bad(at, "a view and its table", view);
  return {
    ...{ id: text("id", id), title: text("title", title), note: text("note", note, MOST_OF_NOTE) },
    ...{ fragment: text("fragment", fragment), analysis: text("analysis", analysis) },
    answer: answer.map((sentence: unknown, i) => text(`answer[${i}]`, sentence)),
    command: command === null ? null : text("command", command),
    ...{ result: result as Result, view: seen, table: checked }, // it was looked at
  };
}

/** Characters of what came that a message has at most. */
const QUOTED = 60;

function bad(at: string, expected: string, got: unknown): InputError {
  const text = (JSON.stringify(got) ?? "nothing").slice(0, QUOTED);
  return new InputError({
    code: "lab/bad-report",
    message: `This is no report of the lab: ${at} should be ${expected}, and is ${text}.`,
    remedy: "Open a file that the report has saved as JSON.",
    details: { at, got: text },
  });
}
