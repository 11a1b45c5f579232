/** The cpu engine alone: a bundle that loads it later loads nothing else of its package. */
export { createCpu } from "@resolvent/cpu";
