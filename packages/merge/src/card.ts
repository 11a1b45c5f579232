import type { MergePlan } from "./plan.ts";

/** What a model card says besides the plan. */
export interface CardFacts {
  /** The configuration as it was given. */
  readonly config: string;
  /** SHA-256 of the models' weights, by name; absent where they were not hashed. */
  readonly models: ReadonlyMap<string, string | undefined>;
  /** SHA-256 of the written files, by name; absent where they were not hashed. */
  readonly files: ReadonlyMap<string, string | undefined>;
  readonly seed: number;
}

/** The text of a model card, README.md: the method, the models, the configuration, and hashes of both ends. */
export function modelCard(plan: MergePlan, { config, models, files, seed }: CardFacts): string {
  const fence = "`".repeat(
    Math.max(3, ...[...config.matchAll(/`+/g)].map(([run]) => run.length + 1)),
  );
  const rows = [...models].map(
    ([name, sha256]) => `| ${cell(name)} | ${sha256 ?? "not computed"} |`,
  );
  const written = [...files].map(
    ([name, sha256]) => `| ${cell(name)} | ${sha256 ?? "not computed"} |`,
  );
  return `${[
    "# A merge",
    "",
    `Made by \`${plan.method}\`${plan.base === null ? "" : ` with the base ${cell(plan.base)}`}, in float64 and rounded once to ${plan.dtype}; seed ${seed}. Config, tokenizer and other files are those of ${cell(plan.donor)}.`,
    "",
    "| model | SHA-256 of its weights |",
    "|---|---|",
    ...rows,
    "",
    "| file | SHA-256 |",
    "|---|---|",
    ...written,
    "",
    `${fence}yaml`,
    config.trimEnd(),
    fence,
  ].join("\n")}\n`;
}

/** A name in a table or a line: without what would end either. */
function cell(name: string): string {
  return name.replace(/[|`<>[\]\r\n]/g, " ");
}
