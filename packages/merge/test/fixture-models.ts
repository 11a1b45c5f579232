import { readFileSync } from "node:fs";
import type { Fixtures } from "@resolvent/testkit";
import { folderOf } from "@resolvent/weights/node";
import {
  type MergePlan,
  modelsOf,
  type OpenMergeModel,
  openMergeModel,
  planMerge,
  type Recipe,
  readMergeConfig,
} from "../src/index.ts";

/** What is opened once for all tests of a file. */
const opened = new Map<string, Promise<OpenMergeModel>>();

/** The models that a recipe names, from the fixtures. */
export async function modelsFor(
  recipe: Recipe,
  fixtures: Fixtures,
): Promise<Map<string, OpenMergeModel>> {
  const models = new Map<string, OpenMergeModel>();
  for (const { name, path } of modelsOf(recipe)) {
    const folder = folderOf(`${fixtures.path("fixtures/merging")}/${path}`);
    const model = opened.get(path) ?? openMergeModel(folder);
    opened.set(path, model);
    models.set(name, await model);
  }
  return models;
}

/** The text of a configuration. */
function configText(fixtures: Fixtures, name: string): string {
  return readFileSync(fixtures.path(`fixtures/merging/${name}`), "utf8");
}

/** The plan of a configuration of the fixtures, with its models. */
export async function planned(
  fixtures: Fixtures,
  name: string,
): Promise<{ plan: MergePlan; models: Map<string, OpenMergeModel> }> {
  const recipe = readMergeConfig(configText(fixtures, name));
  const models = await modelsFor(recipe, fixtures);
  return { plan: planMerge(recipe, models), models };
}
