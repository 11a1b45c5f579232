import { bytes, operations } from "@resolvent/analysis";
import type { Estimate } from "@resolvent/analysis/remote";
import { MUCH } from "./errand.svelte.ts";

/** What work takes, in a few words. */
export function cost({ flops, peakBytes, weights }: Estimate): string {
  return `${operations(flops)}, ${bytes(peakBytes + weights.bytes)} of memory`;
}

/** How long so many operations take one core, in words. */
export function duration(flops: number): string {
  const minutes = flops / (2 * MUCH);
  if (minutes < 0.75) return "about half a minute of one core";
  if (minutes < 1.5) return "about a minute of one core";
  return minutes < 90
    ? `about ${minutes.toFixed(0)} minutes of one core`
    : `about ${(minutes / 60).toFixed(0)} hours of one core`;
}
