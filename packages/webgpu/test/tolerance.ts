import type { Conformance } from "@resolvent/testkit/engines";

/**
 * Numbers are f32 with a step of 6e-8 relative to their size. Sums of up to 700 terms are split among threads, and exp,
 * log and the gates are right to about two steps: as on the cpu engine, 1e-6 of the largest entry. Few calls, since a
 * software adapter takes a second for each kernel that it compiles.
 */
export const CONFORMANCE: Conformance = { tolerance: 1e-6, calls: 10 };
