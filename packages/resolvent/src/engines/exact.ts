/** The reference, in a file of its own: whoever computes elsewhere does not load it. */
export { reference } from "@resolvent/tensor";
