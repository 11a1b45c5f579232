import type { ByParameter } from "./by-parameter.ts";
import { describeParameters } from "./described.ts";
import type { FoundModel, Host, Values } from "./host.ts";
import { refuse } from "./needs.ts";
import type { Parameters } from "./schema.ts";

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
