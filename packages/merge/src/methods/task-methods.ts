import type { Sparsifier } from "./sparsify.ts";

/** What tells the methods on differences from a base apart. */
export interface TaskMethod {
  /** Absent: all of a difference stays, whatever the density. */
  readonly sparsifier?: Sparsifier;
  /** Whether a sign is elected at each entry, and the differences of the other sign left out. */
  readonly election: boolean;
}

/** The methods on differences from a base, by name. */
export const SPARSIFIERS: Readonly<Record<string, TaskMethod>> = {
  task_arithmetic: { election: false },
  ties: { sparsifier: "magnitude", election: true },
  dare_linear: { sparsifier: "random", election: false },
  dare_ties: { sparsifier: "random", election: true },
  breadcrumbs: { sparsifier: "ends", election: false },
  breadcrumbs_ties: { sparsifier: "ends", election: true },
  della: { sparsifier: "rank", election: true },
  della_linear: { sparsifier: "rank", election: false },
};
