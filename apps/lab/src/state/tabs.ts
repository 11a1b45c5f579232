/** A view of its own beside the paths. */
export interface Tab {
  /** What the address calls it. */
  readonly name: string;
  readonly title: string;
}

/** The tabs, in their order. */
export const TABS: readonly Tab[] = [
  { name: "heads-view", title: "Heads" },
  { name: "features-view", title: "Features" },
  { name: "linear-view", title: "Linear?" },
  { name: "models-view", title: "Two models" },
];

/** Whether what the address has for an analysis is a tab. */
export function isTab(name: string): boolean {
  return TABS.some((tab) => tab.name === name);
}
