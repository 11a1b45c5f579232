export { type Conformance, describeConformance } from "./conformance.ts";
export { Draw } from "./draw.ts";
