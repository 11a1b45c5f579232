import { InputError } from "@resolvent/tensor";
import { blobSource, type Folder, memoryFolder, urlFolder } from "@resolvent/weights";
import { hubFolder } from "@resolvent/weights/hub";
import { findFolder } from "resolvent";
import { hubModel, isFilesName } from "../state/own-names.ts";
import { madeFolder } from "../storage/made-models.ts";

/** Files by name. */
export type NamedFiles = readonly (readonly [string, Blob])[];

/** Where a model of the user's own is: the worker is told so before anybody asks for the model by its name. */
export interface Place {
  readonly place: string;
  /** Files that the user has picked, or the address of a folder of which only headers are wanted. */
  readonly at: NamedFiles | string;
}

/** Whether a message to the worker is a place. */
export function isPlace(message: unknown): message is Place {
  return typeof Object(message).place === "string";
}

/** Models of the page by name: those that are bundled, those that it was told of, and those that are stored. */
export function placesOf(bundled: (name: string) => boolean): {
  take(place: Place): void;
  folder(name: string): Promise<Folder>;
} {
  const places = new Map<string, Folder>();
  return {
    take: ({ place, at }) => {
      const folder =
        typeof at === "string"
          ? urlFolder(at)
          : memoryFolder(
              new Map(at.map(([name, blob]) => [name, blobSource(blob, name)])),
              "files",
            );
      places.set(place, folder);
    },
    folder: async (name) => {
      const told = places.get(name);
      if (told !== undefined) return told;
      // Whoever opens a link has not asked for a request to anybody: only what is here already.
      const hub = hubModel(name);
      if (hub !== undefined) return await hubFolder(hub.repo, { ...hub, offline: true });
      if (bundled(name)) return await findFolder(name);
      const made = isFilesName(name) ? await madeFolder(name.slice("sha:".length)) : undefined;
      if (made !== undefined) return made;
      throw new InputError({
        code: "lab/model-not-here",
        message: `The model "${name}" is not here.`,
        remedy: name.startsWith("sha:")
          ? "Drop its files on the page: they are told by their hash."
          : "Choose one of the list, drop a model's files, or fetch one from the Hub.",
        details: { name },
      });
    },
  };
}
