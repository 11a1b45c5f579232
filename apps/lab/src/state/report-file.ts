import { reportPage } from "@resolvent/figures";
import { version } from "resolvent/package.json";
import { type Pin, reportText } from "./pins.ts";

/** A report as a file: as JSON that is opened again, or as one page that needs nothing else. */
export function reportFile(
  pins: readonly Pin[],
  kind: "html" | "json",
  { origin, pathname }: Pick<Location, "origin" | "pathname">,
): string {
  if (kind === "json") return reportText(pins);
  // Of the address only what is the lab's: a query may have a secret of this machine.
  const parts = pins.map((pin) => ({ ...pin, link: `${origin}${pathname}#${pin.fragment}` }));
  return reportPage(parts, { version });
}
