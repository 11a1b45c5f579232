export { wideKernels } from "./kernels.ts";
