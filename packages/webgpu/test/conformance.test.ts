import { describeConformance } from "@resolvent/testkit/engines";
import { createWebgpu } from "../src/index.ts";
import { describeWithAdapter } from "./adapter.ts";

describeWithAdapter("conformance", (engine) => {
  describeConformance("f32", engine, { tolerance: 1e-6, calls: 12 });
});
void createWebgpu;
