import { InternalError } from "@resolvent/tensor";
import { describeParameters } from "./described.ts";
import type { FoundModel, Host, Values } from "./host.ts";
import { refuse } from "./needs.ts";
import type { Parameters } from "./schema.ts";

/** Something of each model that a parameter names, by the name of that parameter: `models.other`. */
export type ByParameter<V> = Readonly<Record<string, V>>;

/**
 * What belongs to a parameter that names a model.
 *
 * ```ts
 * run: async ({ engine, model, models }, { prompt }) => difference(engine, model, modelOf(models, "other"), prompt),
 * ```
 *
 * @throws InternalError where nothing is there: the parameter was not given, or is no `modelParameter`
 */
export function modelOf<V>(models: ByParameter<V> | undefined, parameter: string): V {
  const found =
    models !== undefined && Object.hasOwn(models, parameter) ? models[parameter] : undefined;
  if (found !== undefined) return found;
  throw new InternalError({
    code: "analysis/no-such-model",
    message: `No model belongs to the parameter ${parameter}.`,
    details: { parameter, models: Object.keys(models ?? {}) },
  });
}

/** The models that values of parameters name: the name of each by the name of its parameter. */
export function namedModels<P>(schema: Parameters<P>, values: Values): ByParameter<string> {
  return Object.fromEntries(
    describeParameters(schema).flatMap(({ name, kind, default: preset }) => {
      const value = values[name] ?? preset;
      return kind === "model" && typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

/** The models that an analysis works on beside the first. */
export interface FoundOthers {
  /** Their names, by parameter. */
  readonly named: ByParameter<string>;
  /** Each once, by its name. */
  readonly others: ReadonlyMap<string, FoundModel>;
}

/**
 * Finds the models that parameters name, each once.
 *
 * @param known those that were found before; what is found is added to them
 * @throws InputError `analysis/not-provided` where a host finds no others, and what it throws
 */
export async function findOthers(
  analysis: string,
  named: ByParameter<string>,
  { findOther = () => refuse(analysis, "models"), warn }: Host,
  known: Map<string, FoundModel> = new Map(),
): Promise<FoundOthers> {
  const others = new Map<string, FoundModel>();
  for (const name of new Set(Object.values(named))) {
    const found = known.get(name) ?? (await findOther(name));
    if (!known.has(name)) warn?.(found.outline.warnings ?? []);
    known.set(name, found);
    others.set(name, found);
  }
  return { named, others };
}

/** Something of each model, by the parameter that names it. */
export function byParameter<V>(
  named: ByParameter<string>,
  ofName: (name: string) => V | undefined,
): ByParameter<V> {
  return Object.fromEntries(
    Object.entries(named).flatMap(([parameter, name]) => {
      const value = ofName(name);
      return value === undefined ? [] : [[parameter, value]];
    }),
  );
}
