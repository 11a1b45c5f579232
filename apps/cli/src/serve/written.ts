import {
  describeParameters,
  type ListedAnalysis,
  type NewFile,
  type NewFolder,
  type Values,
} from "@resolvent/analysis";
import { newFile } from "../files.ts";
import { newFolder } from "../new-folder.ts";
import type { Terminal } from "../terminal.ts";

/**
 * Values of which some are names of files and folders to write, as these. Nothing is replaced that is there.
 *
 * @throws InputError `cli/usage`, `cli/unwritable`
 */
export function withPlaces(
  { params }: ListedAnalysis,
  values: Values,
  { note }: Pick<Terminal, "note">,
): Values {
  const placed = describeParameters(params).flatMap(({ name, kind }): Placed[] => {
    const path = values[name];
    if (typeof path !== "string") return [];
    const onSize = (): void => note(`${path} is written.`);
    if (kind === "newFile") return [[name, newFile(name, path, false, onSize)]];
    if (kind === "newFolder") return [[name, newFolder(name, path, false, onSize)]];
    return [];
  });
  return { ...values, ...Object.fromEntries(placed) };
}

type Placed = readonly [parameter: string, place: NewFile | NewFolder];
