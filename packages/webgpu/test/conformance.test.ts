import { describeConformance, describeWithDevice } from "@resolvent/testkit/engines";
import { createOnGpu } from "./on-gpu.ts";
import { CONFORMANCE } from "./tolerance.ts";

await describeWithDevice("in Node, with the kernels for GPUs", createOnGpu, (engine) => {
  describeConformance("f32", engine, CONFORMANCE);
});
