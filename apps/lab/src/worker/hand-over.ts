import { type Failure, failureOf } from "@resolvent/analysis/remote";
import type { Folder } from "@resolvent/weights";
import { filesOf, type NamedFiles } from "./named-files.ts";

/** What comes at the port of somebody who has asked for the files of a model. */
export type HandedOver = { readonly files: NamedFiles } | { readonly failure: Failure };

/** Hands the files of a model to whoever has sent its name with a port. */
export async function hearHandOver(
  model: unknown,
  port: MessagePort,
  folder: (name: string) => Promise<Folder>,
): Promise<void> {
  const tell = (told: HandedOver): void => port.postMessage(told);
  try {
    tell({ files: await filesOf(await folder(String(model))) });
  } catch (error) {
    tell({ failure: failureOf(error) });
  }
}
