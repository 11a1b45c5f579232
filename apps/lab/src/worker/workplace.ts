import type { Workplace } from "@resolvent/analysis/remote";
import { bundledModels } from "@resolvent/models";
import type { Catalogued } from "./catalogue.ts";
import { homes } from "./homes.ts";
import type { KeptModels } from "./kept-models.ts";

/** What a workplace is made of. */
export interface WorkplaceParts {
  /** What all analyses say about themselves. */
  readonly catalogue: () => Promise<readonly Catalogued[]>;
  readonly models: KeptModels;
  /** What computes, in a few words: `wasm, 1 thread`. */
  readonly engine: string;
}

/** All built-in analyses, on models by name. */
export function workplaceOf({ catalogue, models, engine }: WorkplaceParts): Workplace {
  return {
    describe: async (names) => {
      const all = await catalogue();
      return {
        analyses:
          names === undefined
            ? all.map(({ name, summary }) => ({ name, summary }))
            : all.filter(({ name }) => names.includes(name)),
        models: Object.values(bundledModels).map(({ name, summary }) => ({ name, summary })),
        engine,
      };
    },
    analysis: async (name) => {
      const home = (await catalogue()).find((one) => one.name === name)?.home ?? "";
      if (!Object.hasOwn(homes, home)) return undefined;
      return (await homes[home]?.())?.find((one) => one.name === name);
    },
    host: (model, { precision, float64 }) => ({
      precision,
      float64,
      offers: {
        layers: true,
        linearAlgebra: true,
        float64:
          float64 || precision === "f64"
            ? true
            : { refused: "float64 is left out", remedy: "Let it be certified in float64." },
        dictionary: { refused: "the lab opens none yet", remedy: "Use the command line." },
        secondModel: { refused: "the lab opens one at a time", remedy: "Use the command line." },
        corpus: { refused: "the lab opens none yet", remedy: "Use the command line." },
        pairs: { refused: "the lab opens none yet", remedy: "Use the command line." },
      },
      find: () => models.find(model),
    }),
  };
}
