import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { usageError } from "../failure.ts";
import { modelPlaces } from "../machine/model-places.ts";
import {
  ended,
  type MachineFlags,
  type MachineSetting,
  startMachine,
} from "../machine/start-machine.ts";
import { appModels } from "./app-models.ts";
import { startLabServer } from "./lab-server.ts";
import { showPage } from "./show-page.ts";

/** The app as it was built: it is put there when this package is. */
const APP: string = fileURLToPath(new URL("../../dist/app", import.meta.url));
/** Which of its files are in the package of bundled models. */
const APP_MODELS: string = fileURLToPath(new URL("../../dist/app-models.json", import.meta.url));

/** What the command is told. */
export interface LabFlags extends MachineFlags {
  /** `--no-open` */
  readonly open?: boolean;
}

/** Serves the lab until somebody ends it. */
export async function serveLab(
  model: string | undefined,
  flags: LabFlags,
  { terminal, signal, contributed }: MachineSetting,
): Promise<void> {
  if (!existsSync(APP)) {
    throw usageError("The lab has not been built.", "Build it: npm run build.");
  }
  const places = modelPlaces(model, flags.folder ?? []);
  const machine = await startMachine(model, flags, {
    ...{ called: "the lab", places, terminal },
    ...(contributed !== undefined && { contributed }),
  });
  const server = await startLabServer({
    ...{ app: APP, elsewhere: appModels(APP_MODELS) },
    ...{ workplace: machine.workplace, port: flags.port },
    ...(model !== undefined && { fragment: `v=1&m=${encodeURIComponent(model)}` }),
  });
  const models = places.list().length;
  terminal.show(
    `The lab: ${server.link}\n${machine.engine}; ${models} models. The link is for you alone; Ctrl-C ends it.\n`,
  );
  if (flags.open !== false) showPage(server.linkOnce);
  await ended(signal);
  await server.close();
  await machine.close();
}
