import { InputError } from "@resolvent/tensor";
import {
  type Findings,
  PROTOCOL,
  type Question,
  type Request,
  type Work,
  type WorkText,
} from "./protocol.ts";

/** Characters of a name at most: names of analyses and models are looked up, and repeated in messages. */
const NAME_CHARS = 4096;

/** Dictionaries at most, one for each layer of the deepest models and more. */
const DICTIONARIES = 512;

/** What comes as a message. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * A message from elsewhere as a request. What values an analysis takes is its own to check.
 *
 * @throws InputError `remote/other-version`, `remote/bad-request`
 */
export function readRequest(message: unknown): Request {
  const fields = fieldsOf(message, "A message");
  if (fields.protocol !== PROTOCOL) {
    throw new InputError({
      code: "remote/other-version",
      message: `This side speaks version ${PROTOCOL} of the protocol, the message is of version ${word(fields.protocol)}.`,
      remedy: "Use page and program of one release.",
      details: { own: PROTOCOL, got: fields.protocol },
    });
  }
  const { id } = fields;
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0)
    throw bad(`id is ${word(id)}, and has to be a whole number from 0.`);
  return { protocol: PROTOCOL, id, ...questionOf(fields) };
}

function questionOf(fields: Fields): Question {
  switch (fields.ask) {
    case "describe": {
      const { analyses } = fields;
      if (analyses === undefined) return { ask: "describe" };
      if (!Array.isArray(analyses)) throw bad(`analyses are ${word(analyses)}, no list.`);
      return { ask: "describe", analyses: analyses.map((name) => nameOf(name, "an analysis")) };
    }
    case "model":
      return { ask: "model", model: nameOf(fields.model, "a model") };
    case "tokens": {
      const { prompt } = fields;
      const ids = Array.isArray(prompt) && prompt.every((id) => Number.isSafeInteger(id));
      if (typeof prompt !== "string" && !ids)
        throw bad(`prompt is ${word(prompt)}, and has to be a text or a list of token ids.`);
      return {
        ask: "tokens",
        model: nameOf(fields.model, "a model"),
        prompt: prompt as string | readonly number[], // one of the two
      };
    }
    case "engines":
      return {
        ask: "engines",
        model: nameOf(fields.model, "a model"),
        precision: precisionOf(fields.precision),
      };
    case "estimate":
    case "plan":
    case "run":
      return { ask: fields.ask, work: workOf(fields.work) };
    case "draw": {
      const { width } = fields;
      if (width !== undefined && !(typeof width === "number" && width >= 100 && width <= 10_000))
        throw bad(`width is ${word(width)}, and has to be from 100 to 10000 pixels.`);
      const findings = fieldsOf(fields.findings, "What is to be drawn");
      return {
        ask: "draw",
        findings: findings as unknown as Findings, // whoever draws reads it
        ...(width !== undefined && { width }),
      };
    }
    case "cancel": {
      const { request } = fields;
      if (typeof request !== "number") throw bad(`request is ${word(request)}, no id.`);
      return { ask: "cancel", request };
    }
    default:
      throw bad(`Nothing is asked by ${word(fields.ask)}.`);
  }
}

function workOf(work: unknown): Work {
  const { analysis, model, values, precision, float64, dictionaries, engine, texts } = fieldsOf(
    work,
    "work",
  );
  if (typeof float64 !== "boolean") throw bad(`float64 is ${word(float64)}, no boolean.`);
  return {
    analysis: nameOf(analysis, "an analysis"),
    model: nameOf(model, "a model"),
    values: fieldsOf(values, "values"),
    precision: precisionOf(precision),
    float64,
    ...(dictionaries !== undefined && { dictionaries: namesOf(dictionaries) }),
    ...(engine !== undefined && { engine: nameOf(engine, "an engine") }),
    ...(texts !== undefined && { texts: textsOf(texts) }),
  };
}

function precisionOf(precision: unknown): Work["precision"] {
  if (precision === "f32" || precision === "f64") return precision;
  throw bad(`precision is ${word(precision)}, and has to be f32 or f64.`);
}

function namesOf(dictionaries: unknown): readonly string[] {
  if (!Array.isArray(dictionaries)) throw bad(`dictionaries are ${word(dictionaries)}, no list.`);
  if (dictionaries.length > DICTIONARIES)
    throw bad(`There are ${dictionaries.length} dictionaries, more than ${DICTIONARIES}.`);
  return dictionaries.map((name) => nameOf(name, "a dictionary"));
}

function textsOf(texts: unknown): Readonly<Record<string, WorkText>> {
  return Object.fromEntries(
    Object.entries(fieldsOf(texts, "texts")).map(([parameter, given]) => {
      const { name, text } = fieldsOf(given, `the text for ${word(parameter)}`);
      if (typeof text !== "string") throw bad(`What is given for ${parameter} is no text.`);
      return [parameter, { name: nameOf(name, "a text"), text }];
    }),
  );
}

function nameOf(name: unknown, what: string): string {
  if (typeof name !== "string") throw bad(`The name of ${what} is ${word(name)}, no text.`);
  if (name.length > NAME_CHARS)
    throw bad(`The name of ${what} has ${name.length} characters, more than ${NAME_CHARS}.`);
  return name;
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw bad(`${what} is ${word(value)}, no object.`);
  return value as Fields; // of an object, anything
}

function word(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function bad(message: string): InputError {
  return new InputError({
    code: "remote/bad-request",
    message,
    remedy: "That is a fault of the program that asks.",
  });
}
