import { describeConformance, describeWithDevice } from "@resolvent/testkit/engines";
import { createWebgpu } from "../src/index.ts";
import { CONFORMANCE } from "./tolerance.ts";

await describeWithDevice("in Node", createWebgpu, (engine) => {
  describeConformance("f32", engine, CONFORMANCE);
});
