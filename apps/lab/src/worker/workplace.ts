import type { AnyAnalysis } from "@resolvent/analysis";
import type { EngineList, Workplace } from "@resolvent/analysis/remote";
import { bundledModels } from "@resolvent/models";
import { bundledVariants } from "@resolvent/models/variants";
import type { EngineName } from "resolvent";
import type { Catalogued } from "./catalogue.ts";
import { dictionaryFiles, dictionaryList } from "./dictionaries.ts";
import { homes } from "./homes.ts";
import type { KeptModels } from "./kept-models.ts";

/** What a workplace is made of. */
export interface WorkplaceParts {
  /** The analyses in a list; default the catalogue. */
  readonly analyses?: () => Promise<readonly Pick<Catalogued, "name" | "summary" | "home">[]>;
  /** What all analyses say about themselves. */
  readonly catalogue: () => Promise<readonly Catalogued[]>;
  readonly models: KeptModels;
  /** What computes, in a few words: `cpu, 1 thread`. */
  readonly engine: string;
  /** Analyses that are in no list: parts of a view of their own. */
  readonly unlisted?: (name: string) => Promise<AnyAnalysis | undefined>;
}

/** What may compute a model in this page: the report that `resolvent doctor` prints of a machine. */
async function enginesOf(
  models: KeptModels,
  name: string,
  precision: "f32" | "f64",
): Promise<EngineList> {
  const { chooseEngine } = await import("./choose.ts");
  const parameters = await models.parameters(name);
  return await chooseEngine({ parameters, precision }, { all: true });
}

/** All built-in analyses, on models by name. */
export function workplaceOf({
  catalogue,
  analyses = catalogue,
  models,
  engine,
  unlisted,
}: WorkplaceParts): Workplace {
  return {
    describe: async (names) => {
      return {
        analyses:
          names === undefined
            ? (await analyses()).map(({ name, summary }) => ({ name, summary }))
            : (await catalogue()).filter(({ name }) => names.includes(name)),
        models: [...Object.values(bundledModels), ...Object.values(bundledVariants)].map(
          ({ name, summary }) => ({ name, summary }),
        ),
        engine,
        dictionaries: dictionaryList,
      };
    },
    engines: async (model, precision) => await enginesOf(models, model, precision),
    analysis: async (name) => {
      const home = (await analyses()).find((one) => one.name === name)?.home ?? "";
      if (!Object.hasOwn(homes, home)) return await unlisted?.(name);
      return (await homes[home]?.())?.find((one) => one.name === name);
    },
    host: (model, { precision, float64, dictionaries: named, engine: asked }) => {
      const on = asked as EngineName | undefined; // one that there is not is refused when it is opened
      const dictionaries = dictionaryFiles(model, named);
      return {
        precision,
        float64,
        offers: {
          layers: true,
          linearAlgebra: true,
          float64:
            float64 || precision === "f64"
              ? true
              : { refused: "float64 is left out", remedy: "Let it be certified in float64." },
          models: true,
          folders: true,
          dictionary:
            dictionaries.length > 0
              ? dictionaries
              : {
                  refused: `there is none of ${model}`,
                  remedy: "Ask about a model that has some.",
                },
          corpus: { refused: "the lab opens none yet", remedy: "Use the command line." },
          pairs: { refused: "the lab opens none yet", remedy: "Use the command line." },
        },
        find: () => models.find(model, on),
        findOther: (name) => models.find(name),
      };
    },
  };
}
