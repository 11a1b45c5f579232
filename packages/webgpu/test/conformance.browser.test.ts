import { describeConformance, describeWithDevice } from "@resolvent/testkit/engines";
import { createWebgpu } from "../src/index.ts";
import { CONFORMANCE } from "./tolerance.ts";

// The kernels are those of Node's tests, which draw more calls: this shows that the browser's device runs them.
await describeWithDevice("in Chromium", createWebgpu, (engine) => {
  describeConformance("f32", engine, { ...CONFORMANCE, calls: 4 });
});
