import { describeConformance, describeWithDevice } from "@resolvent/testkit/engines";
import { createWebgpu } from "../src/index.ts";
import { CONFORMANCE } from "./tolerance.ts";

// With the kernels for the adapter that there is: Node's tests have those for GPUs, and draw more calls.
await describeWithDevice("in Chromium", createWebgpu, (engine) => {
  describeConformance("f32", engine, { ...CONFORMANCE, calls: 4 });
});
