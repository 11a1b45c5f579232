import { START } from "./fragment.ts";

/** A view of its own beside the paths. */
export interface Tab {
  /** What the address calls it. */
  readonly name: string;
  readonly title: string;
}

/** What the address calls the report. */
export const REPORT = "report-view";

/** The tabs, in their order. */
export const TABS: readonly Tab[] = [
  { name: "heads-view", title: "Heads" },
  { name: "features-view", title: "Features" },
  { name: "linear-view", title: "Linear?" },
  { name: "models-view", title: "Two models" },
  { name: REPORT, title: "Report" },
];

/** Whether what the address has for an analysis is a tab. */
export function isTab(name: string): boolean {
  return TABS.some((tab) => tab.name === name);
}

/** Whether the sentence stands above what the address has for an analysis. */
export function hasSentence(name: string): boolean {
  return name === START.analysis || (isTab(name) && name !== REPORT);
}
