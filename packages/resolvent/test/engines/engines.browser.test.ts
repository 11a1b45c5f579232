import { selectEngine } from "../../src/index.ts";
import { describeEngine } from "./describe-engine.ts";

describeEngine("cpu f32", () => selectEngine({ engine: "cpu", precision: "f32", threads: 1 }));
describeEngine("gpujs", () => selectEngine({ engine: "gpujs" }));
// An adapter in software takes half a minute for a family; Node's tests of webgpu have more.
describeEngine("webgpu", () => selectEngine({ engine: "webgpu" }), ["llama"]);
