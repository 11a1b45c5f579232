import { type AnalysisDescription, describeAnalysis } from "@resolvent/analysis/remote";
import { homes } from "./homes.ts";

/** An analysis and where it comes from. */
export interface Catalogued extends AnalysisDescription {
  readonly home: string;
}

/**
 * What all analyses say about themselves. The app's build writes it down, so that a list of analyses loads none of
 * them.
 */
export async function catalogue(): Promise<readonly Catalogued[]> {
  const entries: Catalogued[] = [];
  for (const [home, analyses] of Object.entries(homes))
    for (const analysis of await analyses()) {
      if (entries.some(({ name }) => name === analysis.name)) continue;
      entries.push({ ...describeAnalysis(analysis), home });
    }
  return entries;
}
