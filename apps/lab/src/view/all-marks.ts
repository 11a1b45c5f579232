/** All marks: what the first screen has none of is loaded when it is first drawn. */
export { layout } from "@resolvent/figures";
