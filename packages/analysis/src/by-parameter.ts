import { InternalError } from "@resolvent/tensor";

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
