import { isList, isValues, mapping, number, pathTo, text, unknownKey, wrong } from "./fields.ts";
import { PARAMETERS } from "./method.ts";
import { badConfig } from "./refuse.ts";
import type { Value } from "./yaml.ts";

/** What a parameter is for the tensors that a filter matches: one value, or more along the layers of a slice. */
export interface Choice {
  /** A part of the tensor's name; all match where it is absent. */
  readonly filter?: string;
  readonly values: readonly number[];
}

/** A parameter as it is looked up: the first choice that matches counts. */
export type Choices = readonly Choice[];

/** The parameters of one level of a configuration. */
export interface Level {
  /** Where they stand: `models[0].parameters`. */
  readonly path: string;
  readonly settings: ReadonlyMap<string, Choices>;
}

/** Most values of a gradient and most filters of a parameter: models have fewer layers. */
const MAX_LENGTH = 10_000;

/** The parameters at a path; none where there are none. */
export function readLevel(value: Value | undefined, path: string): Level {
  const settings = new Map<string, Choices>();
  if (value !== undefined && value !== null) {
    if (!isValues(value)) throw wrong(path, "a mapping of parameters", value);
    for (const [name, setting] of value) {
      const at = pathTo(path, name);
      if (!PARAMETERS.has(name)) throw unknownKey(at, name, PARAMETERS);
      if (setting !== null) settings.set(name, readSetting(setting, at));
    }
  }
  return { path, settings };
}

const EXPECTED = "a number, a list of numbers, or a list of {filter, value}";

/**
 * A parameter: a number, a list of numbers, or a list of `{filter, value}`.
 *
 * @throws InputError `merge/config-type`, `merge/config-not-finite`, `merge/config-unknown-key`
 */
export function readSetting(value: Value, path: string): Choices {
  if (isValues(value)) {
    throw badConfig(
      "type",
      path,
      `is a filtered value by itself; a parameter is ${EXPECTED}.`,
      "Put it in a list.",
    );
  }
  if (!isList(value)) return [{ values: [number(value, path, EXPECTED)] }];
  if (value.length === 0 || value.length > MAX_LENGTH) {
    throw wrong(path, `${EXPECTED}, of 1 to ${MAX_LENGTH} entries`, value.length);
  }
  if (!value.some(isValues)) return [{ values: numbers(value, path) }];
  return value.map((one, i) => readChoice(one, `${path}[${i}]`));
}

function readChoice(value: Value, path: string): Choice {
  const fields = mapping(value, path, ["filter", "value"]);
  const given = fields.get("value");
  const at = pathTo(path, "value");
  if (given === undefined) throw wrong(at, "a number or a list of numbers", null);
  const values = isList(given) ? numbers(given, at) : [number(given, at)];
  const filter = fields.get("filter");
  if (filter === undefined || filter === "*") return { values };
  return { filter: text(filter, pathTo(path, "filter")), values };
}

function numbers(value: readonly Value[], path: string): readonly number[] {
  if (value.length === 0 || value.length > MAX_LENGTH) {
    throw wrong(path, `a list of 1 to ${MAX_LENGTH} numbers`, value.length);
  }
  return value.map((one, i) => number(one, `${path}[${i}]`));
}

/**
 * The value of a parameter for a tensor; undefined where no filter matches. A gradient of m values at position t of a
 * slice, from 0 to 1, is linear between its values: `s = t(m−1)`, `i = ⌊s⌋`, `(1−(s−i))·v[i] + (s−i)·v[i+1]`.
 */
export function settingAt(choices: Choices, tensor: string, position: number): number | undefined {
  const found = choices.find(({ filter }) => filter === undefined || tensor.includes(filter));
  if (found === undefined) return undefined;
  const { values } = found;
  const last = values.length - 1;
  if (last === 0) return values[0];
  const s = position * last;
  const i = Math.floor(s);
  const [low, high] = [values[i] as number, values[Math.min(i + 1, last)] as number]; // s is from 0 to last
  return (1 - (s - i)) * low + (s - i) * high;
}
