import type { Findings } from "@resolvent/analysis/remote";
import { askOver } from "@resolvent/analysis/remote";
import { render } from "svelte/server";
import { Lab } from "./state/lab.svelte.ts";
import App from "./view/App.svelte";

/** The first screen as HTML: what a browser shows before any script has run. */
export function firstScreen(first: Findings): string {
  const lab = new Lab(
    first,
    askOver(() => {}),
  );
  return render(App, { props: { lab } }).body;
}
