import { engineAccuracy } from "@resolvent/tensor";
import type { Conformance } from "@resolvent/testkit/engines";

/** Few calls, since a software adapter takes a second for each kernel that it compiles. */
export const CONFORMANCE: Conformance = {
  tolerance: engineAccuracy.webgpu.primitive,
  calls: 10,
};
