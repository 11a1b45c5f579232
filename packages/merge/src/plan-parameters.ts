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
  /** Paths in the configuration of what has no effect. */
  readonly ignored: readonly string[];
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
  const { tensor, position, levels, model, ignored } = asked;
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
  const idle = ignored.filter((path) => path.endsWith(`.${name}`));
  const where = model === undefined ? "at the top or at the slice" : "for all models and tensors";
  throw refuse(
    "parameter-missing",
    `${name}${of} for ${tensor} is not given, and has no default.`,
    `Give it ${where}${idle.length === 0 ? "" : `; ${idle.join(", ")} has no effect`}.`,
    { name, tensor, model },
  );
}
