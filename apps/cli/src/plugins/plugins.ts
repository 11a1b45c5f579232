import type { ListedAnalysis } from "@resolvent/analysis";
import { isInputError } from "@resolvent/tensor";
import { describeFailure, usageError } from "../failure.ts";
import type { Terminal } from "../terminal.ts";
import { type Config, configAbove } from "./config.ts";
import { contributedBy } from "./contributed.ts";
import { pluginFailed } from "./guarded.ts";
import { type FoundPlugin, findPlugin, messageOf } from "./place.ts";
import { trust, trustedPlaces, trustFile } from "./trust.ts";

/** Where plug-ins are looked for. */
export interface PluginPlaces {
  /** Paths and names of packages are seen from here; `resolvent.config.json` is looked for from here upwards. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What of a command line is about plug-ins, and the rest. */
export interface PluginWords {
  readonly plugins: readonly string[];
  /** Load what the configuration lists without asking. */
  readonly trusted: boolean;
  readonly rest: readonly string[];
}

/**
 * Takes `--plugin NAME|PATH`, which may be repeated, and `--trust` out of a command line, up to `--`.
 * @throws InputError `cli/usage` for `--plugin` without a value
 */
export function pluginWords(argv: readonly string[]): PluginWords {
  const plugins: string[] = [];
  const rest: string[] = [];
  let trusted = false;
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (i < end && word === "--trust") trusted = true;
    else if (i < end && (word === "--plugin" || word.startsWith("--plugin="))) {
      const value = word === "--plugin" ? argv[++i] : word.slice("--plugin=".length);
      if (value === undefined || value === "" || value.startsWith("--")) {
        throw usageError("--plugin is without a value.", "Name a package, a folder or a file.");
      }
      plugins.push(value);
    } else rest.push(word);
  }
  return { plugins, trusted, rest };
}

/** The commands that plug-ins are added to. */
interface Commands {
  /** The names of those that there are already. */
  readonly taken: readonly string[];
  readonly add: (analysis: ListedAnalysis) => void;
}

/**
 * Adds the analyses of plug-ins: of those that the command line names, and of those of the configuration that may be
 * loaded. What a plug-in does wrong is said, and costs nothing else.
 */
export async function addPlugins(
  { plugins, trusted }: PluginWords,
  { folder, env }: PluginPlaces,
  terminal: Terminal,
  { taken, add }: Commands,
): Promise<void> {
  const say = (fault: unknown): void => terminal.note(describeFailure(fault));
  const attempt = <V>(work: () => V): V | undefined => {
    try {
      return work();
    } catch (error) {
      say(error);
      return undefined;
    }
  };
  const file = trustFile(env);
  const known = await trustedPlaces(file);
  const allowed: FoundPlugin[] = [];
  for (const name of plugins) {
    const plugin = attempt(() => findPlugin(name, folder));
    if (plugin === undefined) continue;
    // Who names it wants it; what it is, is said the first time.
    if (!known.has(plugin.place)) {
      terminal.note(introduction(plugin));
      await trust(file, plugin.place);
    }
    allowed.push(plugin);
  }
  const config = attempt(() => configAbove(folder));
  for (const plugin of listed(config, attempt)) {
    if (trusted || known.has(plugin.place) || allowed.some(({ place }) => place === plugin.place)) {
      allowed.push(plugin);
      continue;
    }
    terminal.note(introduction(plugin, config?.path));
    const answer = await terminal.ask("Load it, now and in future? [y/N] ");
    if (/^\s*y(?:es)?\s*$/i.test(answer ?? "")) {
      await trust(file, plugin.place);
      allowed.push(plugin);
    } else {
      terminal.note(
        `${plugin.name} is not loaded.${answer === undefined ? " --trust loads it without asking." : ""}`,
      );
    }
  }
  const names = new Set(taken);
  const places = new Set<string>();
  for (const plugin of allowed) {
    if (places.has(plugin.place)) continue;
    places.add(plugin.place);
    terminal.progress(`loading ${plugin.name}`);
    for (const one of await contributedBy(plugin)) {
      if ("fault" in one) say(one.fault);
      else if (names.has(one.analysis.name)) {
        say(pluginFailed(plugin.name, `there is a command ${one.analysis.name} already`));
      } else {
        names.add(one.analysis.name);
        try {
          add(one.analysis);
        } catch (error) {
          // Where it is refused is no news to its author.
          say(pluginFailed(plugin.name, messageOf(error), isInputError(error) ? undefined : error));
        }
      }
    }
    terminal.progress("");
  }
}

function listed(
  config: Config | undefined,
  attempt: <V>(work: () => V) => V | undefined,
): FoundPlugin[] {
  if (config === undefined) return [];
  const from = config.path.replace(/[^/\\]*$/, "");
  return config.plugins.flatMap((name) => attempt(() => findPlugin(name, from)) ?? []);
}

/** What a plug-in is, and what it asks for. */
function introduction(plugin: FoundPlugin, config?: string): string {
  const { name, version, description, place, asks } = plugin;
  const whose = config === undefined ? "" : `, which ${config} lists`;
  const title = `Plug-in ${name}${version === undefined ? "" : ` ${version}`}${whose}`;
  return [
    `${title}:`,
    ...(description === undefined ? [] : [`  ${description}`]),
    `  It is ${place}.`,
    `  It asks for ${asks.length > 0 ? asks.join("; ") : "nothing beside the model"}; as a program it can do what you can: read your files, use the network.`,
  ].join("\n");
}
