import { normOf, type SiteVector, type Subject, short } from "@resolvent/analysis";
import type { Shaped, Tensor } from "@resolvent/tensor";
import { ablatedSites, type Intervention, meanValues } from "@resolvent/transformer";

/** How a run is to be changed. */
interface Changes {
  readonly ablate: readonly string[];
  readonly with: "zero" | "mean";
  readonly steer: readonly SiteVector[];
}

/** What a run was changed by, as results carry it. */
export type RunIntervention =
  | {
      readonly kind: "ablate";
      readonly nodes: readonly string[];
      /** `mean`: over all positions of the prompt, in a run without interventions. */
      readonly with: "zero" | "mean";
    }
  | {
      readonly kind: "steer";
      readonly site: string;
      readonly scale: number;
      /** Of the vector, before it is scaled. */
      readonly norm: number;
    };

/** What ablated nodes write in the mean over all positions of a prompt; undefined where they write nothing. */
export async function meansOf<T extends Shaped>(
  { engine, model }: Subject<T>,
  { ablate, with: reference }: Changes,
  ids: readonly number[],
): Promise<ReadonlyMap<string, Tensor> | undefined> {
  if (reference === "zero") return undefined;
  return await meanValues(engine, model, ablatedSites(model.architecture, ablate), [ids]);
}

/** The changes as interventions, those that take out before those that add. */
export function interventionsOf(
  { ablate, steer }: Changes,
  values: ReadonlyMap<string, Tensor> | undefined,
): Intervention[] {
  const out = ablate.length > 0 ? [{ nodes: ablate, values }] : [];
  return [
    ...out,
    ...steer.map(({ site, vector, scale = 1 }): Intervention => ({ site, vector, scale })),
  ];
}

/** The changes as results carry them. */
export function interventionFacts({ ablate, with: reference, steer }: Changes): RunIntervention[] {
  const out: RunIntervention = { kind: "ablate", nodes: ablate, with: reference };
  return [
    ...(ablate.length > 0 ? [out] : []),
    ...steer.map(
      ({ site, vector, scale = 1 }): RunIntervention => ({
        ...{ kind: "steer", site, scale },
        norm: normOf(Float64Array.from(vector)),
      }),
    ),
  ];
}

/** One of them in words. */
export function interventionLine(one: RunIntervention): string {
  if (one.kind === "steer") {
    return `${one.site} steered by ${one.scale} times a vector of norm ${short(one.norm)}`;
  }
  const instead = one.with === "zero" ? "nothing" : "the mean over the prompt's positions";
  return `${one.nodes.join(", ")} ablated, with ${instead} in ${one.nodes.length === 1 ? "its" : "their"} place`;
}
