export type { PluginPlaces } from "./plugins/plugins.ts";
export { type ProgramOptions, runProgram } from "./program.ts";
export { type Terminal, type TerminalFacts, terminalOf } from "./terminal.ts";
