import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JsonSchema } from "@resolvent/analysis";
import { didYouMean, nearestNames } from "@resolvent/weights";
import { Command } from "commander";
import { usageError } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** Made of the types of the results: `npm run schemas`. */
const folder = fileURLToPath(new URL("../../schemas", import.meta.url));

/** The kinds of the results of built-in analyses. */
export function builtInKinds(): string[] {
  return readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
}

/**
 * Prints what is known of the JSON of results.
 *
 * @param contributed the schemas that plug-ins bring, by kind
 */
export function schemaCommand(
  terminal: Terminal,
  contributed: ReadonlyMap<string, JsonSchema>,
): Command {
  return new Command("schema")
    .summary("the JSON Schema of a kind of result")
    .description(
      "Prints the JSON Schema of a kind of result, what --json writes; without KIND, the kinds there are, those of plug-ins that have one included. A number that is not finite is null in JSON, and listed in notFinite.",
    )
    .argument("[kind]", "what the field kind of a result says, such as paths")
    .action((kind: string | undefined) => {
      const builtIn = builtInKinds();
      const kinds = [...builtIn, ...contributed.keys()].sort();
      const own = kind === undefined ? undefined : contributed.get(kind);
      if (kind === undefined) terminal.out(`${kinds.join("\n")}\n`);
      else if (builtIn.includes(kind)) terminal.out(readFileSync(`${folder}/${kind}.json`, "utf8"));
      else if (own !== undefined) terminal.out(`${JSON.stringify(own, undefined, 2)}\n`);
      else {
        const meant = didYouMean(nearestNames(kind, kinds));
        throw usageError(
          `There is no kind of result "${kind}".`,
          `${meant}Kinds: ${kinds.join(", ")}.`,
        );
      }
    });
}
