import { reportPage } from "@resolvent/figures";
import { version } from "resolvent/package.json";
import { packed } from "./packed.ts";
import { type Pin, reportText } from "./pins.ts";

/** A report as a file: as JSON that is opened again, or as one page that needs nothing else. */
export async function reportFile(
  pins: readonly Pin[],
  kind: "html" | "json",
  { origin, pathname }: Pick<Location, "origin" | "pathname">,
): Promise<string> {
  if (kind === "json") return reportText(pins);
  // Of the address only what is the lab's: a query may have a secret of this machine.
  const parts = await Promise.all(
    pins.map(async (pin) => ({
      ...{ ...pin, link: `${origin}${pathname}#${await packed(pin.fragment)}` },
    })),
  );
  return reportPage(parts, { version });
}
