import { selectEngine } from "../../src/index.ts";
import { describeEngine } from "./describe-engine.ts";

describeEngine("cpu f32", () => selectEngine({ engine: "cpu", precision: "f32", threads: 1 }));
describeEngine("gpujs", () => selectEngine({ engine: "gpujs" }));
describeEngine("webgpu", () => selectEngine({ engine: "webgpu" }));
