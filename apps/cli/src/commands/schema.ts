import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { usageError } from "../failure.ts";
import type { Terminal } from "../terminal.ts";

/** Made of the types of the results: `npm run schemas`. */
const folder = fileURLToPath(new URL("../../schemas", import.meta.url));

/** Prints what is known of the JSON of results. */
export function schemaCommand(terminal: Terminal): Command {
  return new Command("schema")
    .summary("the JSON Schema of a kind of result")
    .description(
      "Prints the JSON Schema of a kind of result, what --json writes; without KIND, the kinds there are. A number that is not finite is null in JSON, and listed in notFinite.",
    )
    .argument("[kind]", "what the field kind of a result says, such as paths")
    .action((kind: string | undefined) => {
      const kinds = readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
      if (kind === undefined) terminal.out(`${kinds.join("\n")}\n`);
      else if (kinds.includes(kind)) terminal.out(readFileSync(`${folder}/${kind}.json`, "utf8"));
      else throw usageError(`There is no kind of result "${kind}".`, `Kinds: ${kinds.join(", ")}.`);
    });
}
