import { existsSync } from "node:fs";
import { percent, short } from "@resolvent/analysis";
import { inOrder, type Tensor } from "@resolvent/tensor";
import {
  chooses,
  generate,
  nextTokenLoss,
  plainSites,
  runCost,
  type StoredValue,
  storedRun,
  tokenIds,
  traceBytes,
} from "@resolvent/transformer";
import { decodeNumbers } from "@resolvent/weights";
import { writeSafetensorsFile } from "@resolvent/weights/node";
import { Command, Option } from "commander";
import { usageError } from "../failure.ts";
import { keepWeights, noteKeeping, openModel, weightsHash } from "../open.ts";
import {
  type Format,
  formatOf,
  numberWhere,
  options,
  type SharedOptions,
  wholeNumber,
  withEngineOptions,
  withModelOptions,
} from "../options.ts";
import { prepare } from "../prepare.ts";
import { bytes, csvLine, table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

interface RunFlags extends SharedOptions {
  readonly top: number;
  readonly generate: number;
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed: number;
  readonly sites: readonly string[];
  readonly save?: string;
  readonly saveAs: keyof typeof TRACE_DTYPES;
  readonly overwrite?: boolean;
}

/** How traces can be kept. */
const TRACE_DTYPES = { f32: "F32", f16: "F16" } as const;

interface Candidate {
  readonly id: number;
  readonly text: string;
  readonly logit: number;
  readonly probability: number;
}

/** One forward pass, and what follows it. */
interface RunResult {
  readonly schemaVersion: 1;
  readonly kind: "run";
  readonly model: {
    readonly name: string;
    readonly sha256: string | null;
    readonly architecture: string;
  };
  readonly input: { readonly tokens: readonly { readonly id: number; readonly text: string }[] };
  readonly engine: string;
  readonly precision: string;
  /** Mean next-token loss, nats; null for a single token. */
  readonly loss: number | null;
  /** The likeliest next tokens. */
  readonly next: readonly Candidate[];
  readonly generated: { readonly tokens: readonly number[]; readonly text: string } | null;
  readonly sites: readonly {
    readonly site: string;
    readonly shape: Tensor["shape"];
    readonly norm: number;
  }[];
}

export function runCommand(terminal: Terminal): Command {
  const command = new Command("run")
    .summary("a forward pass: likeliest next tokens, loss, continuation, sites")
    .description(
      "Runs MODEL on a text and shows what it expects next, its loss, and, if asked, a continuation.",
    )
    .addOption(options.prompt())
    .addOption(options.tokens())
    .addOption(
      new Option("--top <n>", "how many next tokens").argParser(wholeNumber(1)).default(10),
    )
    .addOption(
      new Option("--generate <n>", "continue by so many tokens")
        .argParser(wholeNumber(0))
        .default(0),
    )
    .addOption(
      new Option("--temperature <t>", "0 takes the likeliest token each time")
        .argParser(numberWhere((t) => t >= 0, "a number from 0"))
        .default(0),
    )
    .addOption(new Option("--top-k <k>", "sample among the k likeliest").argParser(wholeNumber(1)))
    .addOption(
      new Option("--top-p <p>", "sample among those that reach this probability").argParser(
        numberWhere((p) => p > 0 && p <= 1, "a number above 0 and at most 1"),
      ),
    )
    .addOption(new Option("--seed <n>", "of the sampling").argParser(wholeNumber(0)).default(0))
    .addOption(
      new Option(
        "--sites <names...>",
        "also shapes and norms of sites: '*.pattern' 'L0.*'",
      ).default([], "none"),
    )
    .addOption(new Option("--save <file>", "write the values of the sites as safetensors"))
    .addOption(
      new Option("--save-as <dtype>", "f16 takes half the room")
        .choices(["f32", "f16"])
        .default("f32"),
    )
    .addOption(new Option("--overwrite", "replace a file that is there"))
    .addOption(options.format())
    .addOption(options.json())
    .action(async (name: string, flags: RunFlags) => await runModel(name, flags, terminal));
  return withEngineOptions(withModelOptions(command));
}

async function runModel(name: string, flags: RunFlags, terminal: Terminal): Promise<void> {
  const format = formatOf(flags);
  const { folder, outline, ids, text, tokenizer } = await prepare(name, flags, terminal);
  const keep = { sites: flags.sites, dtype: TRACE_DTYPES[flags.saveAs] };
  const kept = traceBytes(outline, ids, keep);
  const nowhere = flags.sites.find((choice) => ![...kept.keys()].some(chooses([choice])));
  if (nowhere !== undefined) {
    throw usageError(
      `${outline.name} has no site "${nowhere}".`,
      "--sites '*' shows all of them; * stands for any characters.",
    );
  }
  if (flags.save !== undefined && flags.sites.length === 0) {
    throw usageError("--save has nothing to save.", "Choose sites: --sites '*.pattern'.");
  }
  if (flags.save !== undefined && !flags.overwrite && existsSync(flags.save)) {
    throw usageError(`${flags.save} is there already.`, "Add --overwrite to replace it.");
  }
  const traced = [...kept.values()].reduce((a, b) => a + b, 0);
  const { peakBytes } = runCost(outline, ids, plainSites(), flags.precision);
  const plan = keepWeights(
    outline,
    flags,
    peakBytes + traced,
    "Shorten the input, keep fewer --sites, or raise --max-memory.",
  );
  if (flags.save !== undefined) {
    terminal.note(
      `${flags.save} will take ${bytes(traced)}: ${kept.size} sites in ${flags.saveAs}.`,
    );
  }
  noteKeeping(outline, plan, flags, terminal);
  const { engine, model } = await openModel(folder, outline.name, { ...flags, ...plan }, terminal);
  try {
    const { logits, trace } = storedRun(engine, model, ids, keep);
    if (flags.save !== undefined) {
      await saveTrace(flags.save, trace, { model: model.name, tokens: ids }, flags.overwrite);
    }
    const loss =
      ids.length < 2 ? null : engine.read(nextTokenLoss(engine, logits, tokenIds(ids))).data[0];
    const rows = inOrder(engine.read(logits), ["pos", "vocab"]).data;
    const generated: number[] = [];
    const { temperature, topK, topP, seed } = flags;
    const sampling = {
      temperature,
      seed,
      maxTokens: flags.generate,
      ...(topK !== undefined && { topK }),
      ...(topP !== undefined && { topP }),
    };
    if (flags.generate > 0) {
      for await (const id of generate(engine, model, ids, sampling)) {
        generated.push(id);
        terminal.progress(`${generated.length} of ${flags.generate} tokens`);
      }
      terminal.progress("");
    }
    // Decoders may treat the start of a text in their own way, so only what is added to the prompt's text counts.
    const before = tokenizer?.decode(ids) ?? "";
    const after = tokenizer?.decode([...ids, ...generated]) ?? "";
    const added = after.startsWith(before)
      ? after.slice(before.length)
      : generated.map(text).join("");
    const result: RunResult = {
      schemaVersion: 1,
      kind: "run",
      model: {
        name: model.name,
        sha256: await weightsHash(folder, terminal),
        architecture: model.architecture.family,
      },
      input: { tokens: ids.map((id) => ({ id, text: text(id) })) },
      engine: engine.name,
      precision: engine.precision,
      loss: loss ?? null,
      next: likeliest(Array.from(rows.slice(-model.architecture.vocab)), flags.top, text),
      generated: flags.generate > 0 ? { tokens: generated, text: added } : null,
      sites: [...trace].map(([site, value]) => ({
        site,
        shape: value.shape,
        norm: normOf(value),
      })),
    };
    write(result, format, terminal);
  } finally {
    await engine.close();
  }
}

function normOf({ dtype, shape, bytes: stored }: StoredValue): number {
  const numbers = decodeNumbers({ dtype, shape: Object.values(shape), bytes: stored }, "f32");
  return Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0));
}

/** Writes a trace as safetensors: a tensor for each site, and the names of their axes as metadata. */
async function saveTrace(
  path: string,
  trace: ReadonlyMap<string, StoredValue>,
  about: { readonly model: string; readonly tokens: readonly number[] },
  overwrite: boolean | undefined,
): Promise<void> {
  const entries = [...trace];
  const axes = Object.fromEntries(entries.map(([site, { shape }]) => [site, Object.keys(shape)]));
  await writeSafetensorsFile(
    path,
    entries.map(([name, { shape, dtype, bytes: stored }]) => ({
      name,
      dtype,
      shape: Object.values(shape),
      bytes: stored,
    })),
    {
      metadata: { axes: JSON.stringify(axes), model: about.model, tokens: about.tokens.join(",") },
      ...(overwrite !== undefined && { overwrite }),
    },
  );
}

function likeliest(
  logits: readonly number[],
  count: number,
  text: (id: number) => string,
): Candidate[] {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return logits
    .map((logit, id) => ({ id, logit }))
    .sort((a, b) => b.logit - a.logit || a.id - b.id)
    .slice(0, count)
    .map(({ id, logit }) => ({
      id,
      text: text(id),
      logit,
      probability: Math.exp(logit - largest) / total,
    }));
}

function write(result: RunResult, format: Format, terminal: Terminal): void {
  const { next, sites, loss, generated } = result;
  if (format === "json") terminal.out(`${JSON.stringify(result, undefined, 2)}\n`);
  else if (format === "ndjson") {
    const { next: _, ...rest } = result;
    terminal.out(`${JSON.stringify(rest)}\n`);
    for (const one of next) terminal.out(`${JSON.stringify({ kind: "next-token", ...one })}\n`);
  } else if (format === "csv") {
    terminal.out(csvLine(["id", "text", "logit", "probability"]));
    for (const one of next) terminal.out(csvLine([one.id, one.text, one.logit, one.probability]));
  } else {
    const { style } = terminal;
    const columns = [
      { head: "next token" },
      { head: "id", right: true },
      { head: "logit", right: true },
      { head: "probability", right: true },
    ];
    const rows = next.map(({ id, text, logit, probability }) => [
      JSON.stringify(text),
      String(id),
      logit.toFixed(3),
      percent(probability),
    ]);
    terminal.show(table(columns, rows));
    if (loss !== null)
      terminal.show(
        `\nmean loss ${loss.toFixed(4)} nats over ${result.input.tokens.length - 1} predictions\n`,
      );
    if (generated)
      terminal.show(
        `\n${style.faint(result.input.tokens.map((token) => token.text).join(""))}${generated.text}\n`,
      );
    if (sites.length > 0) {
      const siteRows = sites.map(({ site, shape, norm }) => [
        site,
        Object.entries(shape)
          .map(([axis, n]) => `${axis} ${n}`)
          .join(" × "),
        short(norm),
      ]);
      terminal.show(
        `\n${table([{ head: "site" }, { head: "shape" }, { head: "norm", right: true }], siteRows)}`,
      );
    }
  }
}
