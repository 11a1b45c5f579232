/** Layouts of all marks: a file of its own, so that it is loaded when one is first wanted. */
export { layout } from "@resolvent/figures";
