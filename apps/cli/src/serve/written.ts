import {
  describeParameters,
  type ListedAnalysis,
  type NewFile,
  type NewFolder,
  type Values,
} from "@resolvent/analysis";
import { newFile } from "../files.ts";
import { newFolder } from "../new-folder.ts";

/**
 * Values of which some are names of files and folders to write, as these. Nothing is replaced that is there.
 *
 * @throws InputError `cli/usage`, `cli/unwritable`
 */
export function withPlaces({ params }: ListedAnalysis, values: Values): Values {
  const placed = describeParameters(params).flatMap((parameter): Placed[] => {
    const { name } = parameter;
    const path = values[name];
    if (typeof path !== "string") return [];
    if (parameter.kind === "newFile") return [[name, newFile(name, path, false, () => {})]];
    if (parameter.kind !== "newFolder") return [];
    const fresh = parameter.fresh === true;
    return [[name, newFolder(name, path, fresh ? "never" : false, () => {})]];
  });
  return { ...values, ...Object.fromEntries(placed) };
}

type Placed = readonly [parameter: string, place: NewFile | NewFolder];
