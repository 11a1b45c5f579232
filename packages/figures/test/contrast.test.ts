import { expect, test } from "vitest";
import { COLOURS } from "../src/index.ts";

/** Relative luminance by WCAG 2. */
function luminance(colour: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = colour.map((part) => {
    const x = part / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const rgb = (hex: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

/** A colour of some strength on paper. */
const on = (paper: readonly number[], colour: readonly number[], level: number): number[] =>
  paper.map((part, i) => part * (1 - level) + (colour[i] ?? 0) * level);

test.each(["light", "dark"] as const)("%s: words are read, marks are seen", (theme) => {
  const colours = COLOURS[theme];
  const paper = rgb(colours.paper);
  for (const name of ["paper", "panel", "warn"] as const) {
    expect(contrast(rgb(colours.ink), rgb(colours[name]))).toBeGreaterThan(7);
  }
  for (const name of ["paper", "panel"] as const) {
    expect(contrast(rgb(colours.faint), rgb(colours[name]))).toBeGreaterThan(4.5);
  }
  for (const name of [
    "towards",
    "against",
    "size",
    "series-0",
    "series-1",
    "series-2",
    "series-3",
  ] as const) {
    expect(contrast(rgb(colours[name]), paper), name).toBeGreaterThan(3);
  }
  // Numbers in the strongest cells of a grid.
  for (const name of ["towards", "against", "size"] as const) {
    expect(contrast(rgb(colours.ink), on(paper, rgb(colours[name]), 0.55)), name).toBeGreaterThan(
      4.5,
    );
  }
});
