import type { Gate } from "@resolvent/analysis";
import { InputError } from "@resolvent/tensor";
import type { Site } from "@resolvent/transformer";

export type { Gate };

/** Every gate; with all of them frozen a block is affine. */
export const GATES: readonly Gate[] = ["pattern", "norm", "activation"];

/** The gate that a site of a block holds, if it holds one. The final norm is no gate of a block. */
export function gateAt(site: Site): Gate | undefined {
  if (site.startsWith("final.")) return undefined;
  const value = site.slice(site.lastIndexOf(".") + 1);
  if (value === "pattern") return "pattern";
  if (value === "gate") return "activation";
  return value === "norm" || value.endsWith("_norm") ? "norm" : undefined;
}

/** Whether a site of a block holds a gate of one of these kinds. */
export function isGateOf(kinds: readonly Gate[]): (site: Site) => boolean {
  return (site) => {
    const gate = gateAt(site);
    return gate !== undefined && kinds.includes(gate);
  };
}

/** Which gates are held, in words: `all gates`, `pattern and norm`. */
export function gatesInWords(freeze: readonly Gate[]): string {
  return freeze.length === GATES.length ? "all gates" : freeze.join(" and ");
}

/** Gates in their usual order, without repetition; throws `expansion/unknown-gate`. */
export function checkGates(freeze: readonly string[]): Gate[] {
  const odd = freeze.find((name) => !(GATES as readonly string[]).includes(name));
  if (odd !== undefined) {
    throw new InputError({
      code: "expansion/unknown-gate",
      message: `There is no gate "${odd}" to freeze.`,
      remedy: `Gates are ${GATES.join(", ")}.`,
      details: { got: odd, gates: GATES },
    });
  }
  return GATES.filter((gate) => freeze.includes(gate));
}
