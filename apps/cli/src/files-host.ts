import type { FilesHost } from "@resolvent/analysis";
import { selectEngine } from "resolvent";
import type { HostFlags } from "./host.ts";
import { placeOfModel } from "./model-place.ts";
import { modelFolder } from "./open.ts";
import type { Terminal } from "./terminal.ts";

/** Where analyses that open models themselves find them, whatever this machine can open, and the engine that they borrow. */
export function filesHostOf(
  { threads, offline }: Pick<HostFlags, "threads" | "offline">,
  terminal: Terminal,
): Pick<FilesHost, "folder" | "engine" | "threads"> {
  return {
    folder: async (name) => {
      const { path, revision } = placeOfModel(name);
      const place = {
        ...(revision !== undefined && { revision }),
        ...(offline !== undefined && { offline }),
      };
      return await modelFolder(path, place, terminal);
    },
    threads,
    engine: async (use) => {
      const engine = await selectEngine({
        engine: "cpu",
        ...(threads !== undefined && { threads }),
      });
      try {
        return await use(engine);
      } finally {
        await engine.close();
      }
    },
  };
}
