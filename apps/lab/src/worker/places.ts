import { InputError, isInputError } from "@resolvent/tensor";
import { type Folder, urlFolder } from "@resolvent/weights";
import { findFolder } from "resolvent";
import { hubModel, isFilesName } from "../state/own-names.ts";
import { heldFiles } from "./held-files.ts";
import { filesFolder, type Place } from "./named-files.ts";

/** What is said of a model that is not stored, or not any more. */
const GONE: readonly string[] = ["weights/hub-offline", "weights/hub-removed"];

/** Models of the page by name: those that are bundled, those that it was told of, and those that are stored. */
export function placesOf(bundled: (name: string) => boolean): {
  take(place: Place): void;
  folder(name: string): Promise<Folder>;
} {
  const places = new Map<string, Folder>();
  return {
    take: ({ place, at }) => {
      if (at === null) places.delete(place);
      else places.set(place, typeof at === "string" ? urlFolder(at) : filesFolder(at));
    },
    folder: async (name) => {
      const told = places.get(name);
      if (told !== undefined) return told;
      // Whoever opens a link has not asked for a request to anybody: only what is here already.
      const hub = hubModel(name);
      if (hub !== undefined) {
        const { hubFolder } = await import("@resolvent/weights/hub");
        const notStored = (error: unknown): never => {
          if (!isInputError(error) || !GONE.includes(error.code)) throw error;
          throw new InputError({
            code: "lab/model-not-here",
            message: `${hub.repo} at ${hub.revision} is not stored in this browser.`,
            remedy: "Look it up among your own models, and fetch it.",
            details: { name },
          });
        };
        const folder = await hubFolder(hub.repo, { ...hub, offline: true }).catch(notStored);
        // Another tab may delete it at any time.
        return { ...folder, open: (...file) => folder.open(...file).catch(notStored) };
      }
      if (bundled(name)) return heldFiles(await findFolder(name));
      if (isFilesName(name)) {
        const { madeFolder } = await import("../storage/made-models.ts");
        const made = await madeFolder(name.slice("sha:".length));
        if (made !== undefined) return made;
        throw new InputError({
          code: "lab/model-not-here",
          message: `The files whose weights have the hash ${name.slice(4, 16)}… are not here.`,
          remedy: "Drop them on the page, or pick them.",
          details: { name },
        });
      }
      throw new InputError({
        code: "lab/model-not-here",
        message: `The model "${name}" is not here.`,
        remedy: "Choose one of the list, drop a model's files, or fetch one from the Hub.",
        details: { name },
      });
    },
  };
}
