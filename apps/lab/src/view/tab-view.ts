import type { Component } from "svelte";
import type { Lab } from "../state/lab.svelte.ts";
import { REPORT } from "../state/tabs.ts";

type View = Component<{ lab: Lab }>;

/** The view of a tab, which is loaded when it is first opened. */
export async function tabView(name: string): Promise<View> {
  switch (name) {
    case "heads-view":
      return (await import("./heads/HeadsView.svelte")).default;
    case "features-view":
      return (await import("./features/FeaturesView.svelte")).default;
    case "linear-view":
      return (await import("./linear/LinearView.svelte")).default;
    case "models-view":
      return (await import("./models/ModelsView.svelte")).default;
    case REPORT:
      return (await import("./report/ReportView.svelte")).default;
    default:
      throw new Error(`There is no view "${name}".`);
  }
}

/** The panel that any analysis has. */
export async function panelView(): Promise<View> {
  return (await import("./AnalysisPanel.svelte")).default;
}
