import { InputError } from "@resolvent/tensor";
import { checkTables } from "../check-tables.ts";
import { checkViews } from "../check-views.ts";
import { NEEDS } from "../needs.ts";
import { plainCopy } from "./plain-copy.ts";
import { type Findings, PROTOCOL, type Reply, SENTENCE } from "./protocol.ts";

/** Characters of a name and of a cell: what is longer is not read by people. */
const NAME = 200;
const CELL = 10_000;

/** Analyses of one description, parameters of an analysis, choices of a parameter. */
const MOST = 500;

/** Rows of a table, columns of a table, tables and views of a result: all are drawn where a page shows them. */
const ROWS = 20_000;
const COLUMNS = 200;
const PARTS = 100;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A message as the reply of a side that is not trusted, such as a contributed analysis: a copy of plain data, in which
 * numbers that are not finite are null, with everything in it that whoever shows it relies on looked at, and no more of
 * it than a page can draw.
 *
 * @throws InputError `remote/bad-reply`, `analysis/bad-table`, `analysis/bad-view`
 */
export function readReply(message: unknown): Reply {
  const fields = object(plainCopy(message), "a message");
  const { protocol, to, say } = fields;
  if (protocol !== PROTOCOL) throw bad("protocol", String(PROTOCOL), protocol);
  if (to !== null && !Number.isSafeInteger(to)) throw bad("to", "an id, or null", to);
  switch (say) {
    case "description":
      description(fields.description);
      break;
    case "model":
      model(fields.model);
      break;
    case "tokens":
      list(fields.tokens, "tokens", Number.POSITIVE_INFINITY, (token, at) => {
        const { id, text } = object(token, at);
        number(id, `${at}.id`);
        string(text, `${at}.text`, CELL);
      });
      break;
    case "engines":
      engines(fields.engines);
      break;
    case "estimate":
      estimate(fields.estimate);
      break;
    case "figures":
      list(fields.figures, "figures", PARTS, (one, at) => {
        const { title, note, svg } = object(one, at);
        string(title, `${at}.title`, SENTENCE);
        if (note !== null) string(note, `${at}.note`, SENTENCE);
        string(svg, `${at}.svg`, Number.POSITIVE_INFINITY);
      });
      break;
    case "progress":
      progress(fields.progress);
      break;
    case "warnings":
      warnings(fields.warnings, "warnings");
      break;
    case "partial":
    case "findings":
      findings(fields.findings);
      break;
    case "failure":
      failure(fields.failure);
      break;
    default:
      throw bad("say", "an answer of the protocol", say);
  }
  return fields as unknown as Reply; // all that is read of it was looked at
}

/**
 * Findings from elsewhere, as `readReply` reads them.
 *
 * @throws InputError `remote/bad-reply`, `analysis/bad-table`, `analysis/bad-view`
 */
export function readFindings(value: unknown): Findings {
  const own = plainCopy(value);
  findings(own);
  return own as Findings; // all that is read of it was looked at
}

function description(value: unknown): void {
  const { analyses, models, engine, precision, dictionaries } = object(value, "description");
  list(analyses, "analyses", MOST, analysis);
  list(models, "models", MOST, summary);
  string(engine, "engine", NAME);
  if (precision !== undefined && precision !== "f64") throw bad("precision", "f64", precision);
  if (dictionaries !== undefined) {
    list(dictionaries, "dictionaries", MOST, (one, at) => {
      summary(one, at);
      const { model: own } = object(one, at);
      if (own !== null) string(own, `${at}.model`, SENTENCE);
    });
  }
}

function engines(value: unknown): void {
  const { engine, why, engines: all } = object(value, "engines");
  string(engine, "engine", NAME);
  string(why, "why", SENTENCE);
  list(all, "engines", MOST, (one, at) => {
    const { name, what, precisions, milliseconds } = object(one, at);
    string(name, `${at}.name`, NAME);
    string(what, `${at}.what`, SENTENCE);
    list(precisions, `${at}.precisions`, 2, (own, place) => {
      if (own !== "f32" && own !== "f64") throw bad(place, "f32 or f64", own);
    });
    if (milliseconds !== undefined) number(milliseconds, `${at}.milliseconds`);
  });
}

function summary(value: unknown, at: string): void {
  const { name, summary: said } = object(value, at);
  string(name, `${at}.name`, SENTENCE);
  string(said, `${at}.summary`, SENTENCE);
}

function analysis(value: unknown, at: string): void {
  summary(value, at);
  const {
    name,
    parameters,
    description: text,
    examples,
    needs,
    schema,
    ...flags
  } = object(value, at);
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(String(name)) || String(name).length > NAME)
    throw bad(`${at}.name`, "words of lower case, joined by hyphens", name);
  if (parameters === undefined) return; // a list names them only
  string(text, `${at}.description`, SENTENCE);
  list(examples, `${at}.examples`, MOST, (one, place) => string(one, place, SENTENCE));
  object(schema, `${at}.schema`);
  list(needs, `${at}.needs`, MOST, (need, place) => {
    if (typeof need !== "string" || !Object.hasOwn(NEEDS, need))
      throw bad(place, `one of ${Object.keys(NEEDS).join(", ")}`, need);
  });
  for (const flag of ["float64", "outline"]) boolean(flags[flag], `${at}.${flag}`);
  if (flags.files !== undefined && flags.files !== true)
    throw bad(`${at}.files`, "true, or absent", flags.files);
  list(parameters, `${at}.parameters`, MOST, parameter);
}

function parameter(value: unknown, at: string): void {
  const {
    name,
    description: text,
    label,
    group,
    placeholder,
    required,
    kind,
    choices,
    range,
  } = object(value, at);
  for (const [key, one] of Object.entries({ name, label, group, kind }))
    string(one, `${at}.${key}`, NAME);
  string(text, `${at}.description`, SENTENCE);
  if (placeholder !== undefined) string(placeholder, `${at}.placeholder`, NAME);
  boolean(required, `${at}.required`);
  if (kind === "choice" || kind === "choices")
    list(choices, `${at}.choices`, MOST, (one, place) => string(one, place, NAME));
  if (range !== undefined) object(range, `${at}.range`);
}

function model(value: unknown): void {
  const { model: facts, vocab, weights, warnings: said } = object(value, "model");
  identity(facts, "model.model");
  list(object(facts, "model.model").blocks, "model.blocks", ROWS, (one, at) =>
    string(one, at, NAME),
  );
  number(vocab, "model.vocab");
  memory(weights, "model.weights");
  warnings(said, "model.warnings");
}

function identity(value: unknown, at: string): void {
  const { name, sha256, architecture } = object(value, at);
  string(name, `${at}.name`, SENTENCE);
  if (sha256 !== null) string(sha256, `${at}.sha256`, NAME);
  string(architecture, `${at}.architecture`, NAME);
}

function memory(value: unknown, at: string): void {
  const { kept, bytes } = object(value, at);
  string(kept, `${at}.kept`, NAME);
  number(bytes, `${at}.bytes`);
}

function estimate(value: unknown): void {
  const { weights, calls, ...numbers } = object(value, "estimate");
  memory(weights, "estimate.weights");
  object(calls, "estimate.calls");
  for (const name of ["flops", "matmulFlops", "bytesMoved", "peakBytes"])
    number(numbers[name], `estimate.${name}`);
}

function progress(value: unknown): void {
  const { done, total, of, note } = object(value, "progress");
  number(done, "progress.done");
  number(total, "progress.total");
  string(of, "progress.of", NAME);
  if (note !== undefined) string(note, "progress.note", SENTENCE);
}

function warnings(value: unknown, at: string): void {
  list(value, at, MOST, (one, place) => {
    const { code, message } = object(one, place);
    string(code, `${place}.code`, NAME);
    string(message, `${place}.message`, SENTENCE);
  });
}

function failure(value: unknown): void {
  const { kind, code, message, remedy } = object(value, "failure");
  if (!["input", "internal", "cancelled"].some((one) => one === kind))
    throw bad("failure.kind", "input, internal or cancelled", kind);
  string(code, "failure.code", NAME);
  string(message, "failure.message", SENTENCE);
  if (remedy !== null) string(remedy, "failure.remedy", SENTENCE);
}

function findings(value: unknown): void {
  const { result, soundness, answer, tables, views } = object(value, "findings");
  const { schemaVersion, kind, model: of, warnings: said, certificate } = object(result, "result");
  number(schemaVersion, "result.schemaVersion");
  string(kind, "result.kind", NAME);
  identity(of, "result.model");
  if (said !== undefined) warnings(said, "result.warnings");
  if (certificate !== undefined && certificate !== null) certified(certificate);
  const { notFinite, unbalanced, warnings: unsound } = object(soundness, "soundness");
  list(notFinite, "soundness.notFinite", ROWS, object);
  list(unbalanced, "soundness.unbalanced", ROWS, object);
  warnings(unsound, "soundness.warnings");
  list(answer, "answer", PARTS, (one, at) => string(one, at, SENTENCE));
  const seen = checkTables(tables, {
    tables: PARTS,
    rows: ROWS,
    columns: COLUMNS,
    characters: CELL,
  });
  list(views, "views", PARTS, object);
  const checked = checkViews(views, seen);
  for (const [i, { title, note }] of checked.entries()) {
    for (const [name, text] of Object.entries({ title, note }))
      if (text !== undefined) string(text, `views[${i}].${name}`, SENTENCE);
  }
  // A mark that is not known here is a list, and a column of an unknown kind one of words.
  Object.assign(value as object, { tables: seen, views: checked }); // of a copy that nobody else has
}

function certified(value: unknown): void {
  const { verdict, ...errors } = object(value, "certificate");
  if (!["adds-up", "does-not-add-up", "undefined"].some((one) => one === verdict))
    throw bad("certificate.verdict", "adds-up, does-not-add-up or undefined", verdict);
  for (const name of ["relativeError", "relativeErrorFloat64"])
    if (errors[name] !== null) number(errors[name], `certificate.${name}`);
  for (const name of ["tolerance", "toleranceFloat64"]) number(errors[name], `certificate.${name}`);
}

function object(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(at, "an object", value);
  return value as Fields; // of an object, anything
}

function list(
  value: unknown,
  at: string,
  most: number,
  check: (one: unknown, at: string) => void,
): void {
  if (!Array.isArray(value)) throw bad(at, "a list", value);
  if (value.length > most) throw bad(at, `at most ${most} entries`, value.length);
  for (const [i, one] of value.entries()) check(one, `${at}[${i}]`);
}

function string(value: unknown, at: string, most: number): void {
  if (typeof value !== "string") throw bad(at, "text", value);
  if (value.length > most) throw bad(at, `at most ${most} characters`, value.length);
}

function number(value: unknown, at: string): void {
  if (typeof value !== "number") throw bad(at, "a number", value);
}

function boolean(value: unknown, at: string): void {
  if (typeof value !== "boolean") throw bad(at, "true or false", value);
}

function bad(at: string, expected: string, got: unknown): InputError {
  const word = JSON.stringify(got)?.slice(0, 60) ?? typeof got;
  return new InputError({
    code: "remote/bad-reply",
    message: `A reply is not as it has to be: ${at} is ${word}, and has to be ${expected}.`,
    remedy: "That is a fault of what answers: tell its author.",
    details: { at, expected },
  });
}
