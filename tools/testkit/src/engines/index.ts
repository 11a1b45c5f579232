export { type Conformance, describeConformance } from "./conformance.ts";
export { type DeviceEngine, describeWithDevice } from "./device.ts";
export { Draw } from "./draw.ts";
export { type Late, type LateEngine, lateEngine } from "./late.ts";
