import type { MethodSpec, ParameterSpec } from "./method.ts";
import type { PlannedParameters } from "./plan.ts";
import { refuse } from "./refuse.ts";
import { type Level, settingAt } from "./setting.ts";

/** What parameters are asked for. */
export interface Asked {
  /** The tensor's name as filters see it. */
  readonly tensor: string;
  readonly position: number;
  /** The levels, in the order in which they are asked. */
  readonly levels: readonly Level[];
  /** The model, of parameters of inputs. */
  readonly model?: string;
}

/**
 * The values of a method's parameters, of the output or of an input: of the first level that has one, else the default.
 *
 * @throws InputError `merge/parameter-missing`, `merge/parameter`
 */
export function resolveParameters(
  spec: MethodSpec,
  per: ParameterSpec["per"],
  asked: Asked,
): PlannedParameters {
  const own = Object.entries(spec.parameters).filter(([, parameter]) => parameter.per === per);
  return Object.fromEntries(
    own.map(([name, parameter]) => [name, resolve(name, parameter, asked)]),
  );
}

function resolve(
  name: string,
  { kind, default: usual, range }: ParameterSpec,
  asked: Asked,
): number | boolean | null {
  const { tensor, position, levels, model } = asked;
  const of = model === undefined ? "" : ` of ${model}`;
  for (const { settings } of levels) {
    const choices = settings.get(name);
    const value = choices && settingAt(choices, tensor, position);
    if (value === undefined) continue;
    const wrong = (expected: string): Error =>
      refuse(
        "parameter",
        `${name}${of} for ${tensor} should be ${expected}, got ${value}.`,
        "Correct it.",
        { name, tensor, value },
      );
    if (kind === "flag" && value !== 0 && value !== 1) throw wrong("true or false");
    if (kind === "count" && !(Number.isSafeInteger(value) && value >= 0))
      throw wrong("a whole number");
    if (range && value < range[0]) throw wrong(`at least ${range[0]}`);
    if (range && value > range[1]) throw wrong(`at most ${range[1]}`);
    return kind === "flag" ? value === 1 : value;
  }
  if (usual !== undefined) return usual;
  throw refuse(
    "parameter-missing",
    `${name}${of} for ${tensor} is not given, and has no default.`,
    "Give it for all models and tensors.",
    { name, tensor, model },
  );
}
