import { selectEngine } from "../../src/node.ts";
import { describeEngine } from "./describe-engine.ts";

describeEngine("reference", () => selectEngine({ engine: "reference", precision: "f64" }));
describeEngine("cpu f64", () => selectEngine({ engine: "cpu", precision: "f64", threads: 1 }));
describeEngine("cpu f32", () => selectEngine({ engine: "cpu", precision: "f32", threads: 1 }));
describeEngine("gpujs", () => selectEngine({ engine: "gpujs" }));
