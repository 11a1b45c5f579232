/** Decompositions of the processor, likewise. */
export { createLinearAlgebra, lapackLinearAlgebra } from "@resolvent/cpu";
