import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ListedAnalysis } from "@resolvent/analysis";
import { chooseEngine, selectEngine } from "resolvent";
import { analyses } from "../analyses.ts";
import { usageError } from "../failure.ts";
import type { HostFlags } from "../host.ts";
import { findModel } from "../prepare.ts";
import type { Terminal } from "../terminal.ts";
import { appModels } from "./app-models.ts";
import { startLabServer } from "./lab-server.ts";
import { engineWords, machineOf } from "./machine.ts";
import { modelPlaces } from "./model-places.ts";
import { showPage } from "./show-page.ts";

/** The app as it was built: it is put there when this package is. */
const APP: string = fileURLToPath(new URL("../../dist/app", import.meta.url));
/** Which of its files are in the package of bundled models. */
const APP_MODELS: string = fileURLToPath(new URL("../../dist/app-models.json", import.meta.url));

/** What the command is told. */
export interface LabFlags extends HostFlags {
  readonly folder?: readonly string[];
  readonly port?: number;
  /** `--no-open` */
  readonly open?: boolean;
}

/** Serves the lab until somebody ends it. */
export async function serveLab(
  model: string | undefined,
  flags: LabFlags,
  {
    terminal,
    signal,
    contributed = [],
  }: {
    readonly terminal: Terminal;
    readonly signal: AbortSignal;
    /** Analyses of plug-ins. */
    readonly contributed?: readonly ListedAnalysis[];
  },
): Promise<void> {
  if (!existsSync(APP)) {
    throw usageError("The lab has not been built.", "Build it: npm run build.");
  }
  const places = modelPlaces(model, flags.folder ?? []);
  // What cannot be opened is said before a page is.
  if (model !== undefined) await findModel(model, flags, terminal);
  const { engine: named, precision, threads } = flags;
  const options = {
    ...(named !== undefined && { engine: named }),
    ...(threads !== undefined && { threads }),
    precision,
  };
  const engine = await selectEngine(options);
  await engine.close();
  const machine = machineOf({
    ...{ analyses: [...analyses, ...contributed], places, terminal },
    // One for all models: what the page says of it holds for each.
    flags: { ...flags, engine: engine.name },
    engine: engineWords(engine),
    engines: async () => await chooseEngine(options, { all: true }),
  });
  const server = await startLabServer({
    ...{ app: APP, elsewhere: appModels(APP_MODELS) },
    ...{ workplace: machine.workplace, port: flags.port },
    ...(model !== undefined && { fragment: `v=1&m=${encodeURIComponent(model)}` }),
  });
  const models = places.list().length;
  terminal.show(
    `The lab: ${server.link}\n${engineWords(engine)}; ${models} models. The link is for you alone; Ctrl-C ends it.\n`,
  );
  if (flags.open !== false) showPage(server.linkOnce);
  if (!signal.aborted)
    await new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
  await server.close();
  await machine.close();
}
