import type { Dtype } from "@resolvent/weights";
import { METHODS } from "./method.ts";
import type { MergeModel } from "./model.ts";
import { type ModelParts, missing, modelParts, type StoredTensor } from "./model-parts.ts";
import type { MergePlan, PlannedInput, PlannedTensor, Trimming } from "./plan.ts";
import { checkParameters, checkWholeTrims } from "./plan-checks.ts";
import { type LayerOrigin, planConfig } from "./plan-config.ts";
import { resolveParameters } from "./plan-parameters.ts";
import { checkResult, type Made } from "./plan-result.ts";
import { planTokenizer, vocabularyOf } from "./plan-tokens.ts";
import { modelsOf } from "./read-config.ts";
import type { Recipe, RecipeSlice, Source } from "./recipe.ts";
import { refuse } from "./refuse.ts";
import { changedConfig } from "./result-config.ts";

/** Most layers of a result; the largest models have some 130. */
const MAX_LAYERS = 10_000;

/** What is planned besides what a configuration says. */
export interface PlanOptions {
  /** Default `tensor`. */
  readonly trimming?: Trimming;
}

/** A slice whose stretches of layers are known. */
interface Stretch extends RecipeSlice {
  readonly ranges: readonly (readonly [start: number, end: number])[];
  readonly length: number;
}

/** A place of the result: its tensor's name without prefix, in the result and in each source of its slice. */
interface Place {
  readonly name: string;
  readonly slice: Stretch;
  readonly places: readonly string[];
  readonly position: number;
}

interface Setting {
  readonly recipe: Recipe;
  readonly parts: ReadonlyMap<string, ModelParts>;
  readonly donor: ModelParts;
  readonly prefix: string;
  readonly trimming: Trimming;
  /** Of a vocabulary that is built. */
  readonly rows: number | undefined;
}

/**
 * The plan of a merge: for each tensor of the result its inputs and their parameters. Everything that can be refused
 * without the numbers is refused here.
 *
 * `models`: what `openMergeModel` gives, by the names of `modelsOf(recipe)`.
 *
 * @throws InputError `merge/model-missing`, `merge/architecture`, `merge/layer-range`, `merge/slice-lengths`,
 * `merge/no-layers`, `merge/parameter-missing`, `merge/parameter`, `merge/shape`, `merge/vocabulary`,
 * `merge/tensor-missing`, `merge/unexpected-tensor`, `merge/stored-dtype`, `merge/zero-weight`, `merge/trim-empty`,
 * `merge/della-epsilon`, `merge/layer-settings`, `merge/tokenizer-source`, `merge/tokenizer-missing`,
 * `merge/tokenizer-tables`, `merge/token-missing`, `merge/trimming`
 */
export function planMerge(
  recipe: Recipe,
  models: ReadonlyMap<string, MergeModel>,
  { trimming = "tensor" }: PlanOptions = {},
): MergePlan {
  const parts = new Map<string, ModelParts>();
  for (const { name } of modelsOf(recipe)) {
    const model = models.get(name);
    if (model === undefined) {
      throw refuse(
        "model-missing",
        `The model ${name} is not given.`,
        "Give each of `modelsOf(recipe)`.",
        { name },
      );
    }
    parts.set(name, modelParts(name, model));
  }
  checkArchitectures(parts);
  const donor = get(parts, recipe.base ?? recipe.slices[0]?.sources[0]?.model ?? "");
  const prefix = donor.prefix || donor.layout.prefixes.findLast((one) => one !== "") || "";
  const slices = recipe.slices.map((slice, i) => stretchOf(slice, `slice ${i}`, parts));
  const { places, origins } = placesOf({ parts, donor }, slices);
  const tokenizer =
    recipe.tokenizer === undefined ? null : planTokenizer(recipe.tokenizer, { parts, donor });
  const setting: Setting = { recipe, parts, donor, prefix, trimming, rows: tokenizer?.rows };
  const planned = places.map((place) => planTensor(setting, place));
  if (trimming === "model") checkWholeTrims(recipe.method, planned);
  const usual = recipe.dtype ?? planned[0]?.dtype ?? "F32";
  const leftOut = [...parts.values()].flatMap(({ name, leftOut: tensors }) =>
    tensors.map((tensor) => ({ model: name, tensor })),
  );
  const head = places.some(({ name }) => name === donor.layout.tie?.unembedding);
  const config = planConfig(donor, origins, parts, { rows: tokenizer?.rows, head });
  checkResult(donor, changedConfig(donor.model.config, config), planned);
  return {
    method: recipe.method,
    base: recipe.base ?? null,
    donor: donor.name,
    layers: origins.length,
    config,
    tokenizer,
    chat_template: recipe.chatTemplate ?? null,
    ...(trimming === "model" && { trimming }),
    ignored: recipe.ignored,
    ...(leftOut.length > 0 && { leftOut }),
    dtype: usual,
    tensors: Object.fromEntries(
      planned.map(({ name, tensor, dtype }) => [
        name,
        dtype === usual ? tensor : { ...tensor, dtype },
      ]),
    ),
  };
}

function get(parts: ReadonlyMap<string, ModelParts>, name: string): ModelParts {
  return parts.get(name) as ModelParts; // every model of the recipe is there
}

function checkArchitectures(parts: ReadonlyMap<string, ModelParts>): void {
  const types = [...new Set([...parts.values()].map(({ type }) => type))].sort();
  if (types.length === 1) return;
  const named = [...parts.values()].map(({ name, type }) => `${name} ${type}`);
  throw refuse(
    "architecture",
    `The models are of ${types.length} architectures: ${named.join(", ")}.`,
    "Merge models of one architecture.",
    { types },
  );
}

function stretchOf(
  slice: RecipeSlice,
  where: string,
  parts: ReadonlyMap<string, ModelParts>,
): Stretch {
  const ranges = slice.sources.map(({ model, layers }): readonly [number, number] => {
    const all = get(parts, model).layers;
    const [start, end] = layers ?? [0, all];
    if (start >= 0 && start <= end && end <= all) return [start, end];
    throw refuse(
      "layer-range",
      `${where}: the layers [${start}, ${end}] of ${model}, which has ${all}.`,
      "Give 0 ≤ start ≤ end ≤ layers; end is not part of the stretch.",
      { model, start, end, layers: all },
    );
  });
  const lengths = ranges.map(([start, end]) => end - start);
  const length = lengths[0] ?? 0;
  if (lengths.every((one) => one === length)) return { ...slice, ranges, length };
  throw refuse(
    "slice-lengths",
    `${where}: the sources have ${lengths.join(", ")} layers.`,
    "All sources of a slice have equally many.",
    { lengths },
  );
}

function placesOf(
  { parts, donor }: Pick<Setting, "parts" | "donor">,
  slices: readonly Stretch[],
): { places: readonly Place[]; origins: readonly LayerOrigin[] } {
  const layers = slices.reduce((sum, { length }) => sum + length, 0);
  const [first, last] = [slices[0], slices.at(-1)];
  if (layers === 0 || layers > MAX_LAYERS || first === undefined || last === undefined) {
    throw refuse(
      "no-layers",
      `The result would have ${layers} layers.`,
      `Take 1 to ${MAX_LAYERS}.`,
      { layers, limit: MAX_LAYERS },
    );
  }
  const places: Place[] = [];
  const origins: LayerOrigin[] = [];
  const outside = (slice: Stretch, names: readonly string[]): void => {
    for (const name of new Set(names)) {
      places.push({ name, slice, places: slice.sources.map(() => name), position: 0 });
    }
  };
  const models = (slice: Stretch): readonly ModelParts[] =>
    slice.sources.map(({ model }) => get(parts, model));
  outside(
    first,
    models(first).flatMap(({ layout }) => layout.embed.map(({ name }) => name)),
  );
  for (const slice of slices) {
    for (let j = 0; j < slice.length; j++) {
      const at = slice.ranges.map(([start]) => start + j);
      const position = slice.length === 1 ? 1 : j / (slice.length - 1);
      const out = donor.layout.layerPrefix(origins.length);
      for (const end of layerTensors(models(slice), at)) {
        const own = slice.sources.map((_, i) => donor.layout.layerPrefix(at[i] ?? 0) + end);
        places.push({ name: out + end, slice, places: own, position });
      }
      origins.push(originOf(slice, at, donor.name));
    }
  }
  outside(last, endsOf(models(last), donor));
  return { places, origins };
}

/** The tensors of a layer, by the ends of their names, that any of the models has. */
function layerTensors(models: readonly ModelParts[], at: readonly number[]): ReadonlySet<string> {
  return new Set(
    models.flatMap(({ layout }, i) => {
      const start = layout.layerPrefix(at[i] ?? 0);
      return layout.layer(at[i] ?? 0).tensors.map(({ name }) => name.slice(start.length));
    }),
  );
}

/** The final norm; and the unembedding, where any of the models has one, or the donor, whose config then asks for it. */
function endsOf(models: readonly ModelParts[], donor: ModelParts): readonly string[] {
  const heads = [...models, donor].flatMap(({ layout, stored }) =>
    layout.tie !== undefined && stored(layout.tie.unembedding) !== undefined
      ? [layout.tie.unembedding]
      : [],
  );
  const names = models.flatMap(({ layout }) => layout.final.map(({ name }) => name));
  return [...names.filter((name) => !heads.includes(name)), ...heads];
}

/** Whose layer an output layer is in the first place: the donor's, where it is one of the sources. */
function originOf({ sources }: Stretch, at: readonly number[], donor: string): LayerOrigin {
  const own = sources.findIndex(({ model }) => model === donor);
  const i = Math.max(0, own);
  return { model: sources[i]?.model ?? donor, layer: at[i] ?? 0 };
}

function planTensor(
  { recipe, parts, donor, prefix, trimming, rows }: Setting,
  place: Place,
): Made & { tensor: PlannedTensor; dtype: Dtype; entries: number } {
  const { slice, position } = place;
  const spec = METHODS[recipe.method];
  const tie = donor.layout.tie;
  const aligned =
    rows !== undefined && (place.name === tie?.embedding || place.name === tie?.unembedding);
  const fullName = (name: string): string => (name === tie?.unembedding ? name : prefix + name);
  const name = fullName(place.name);
  const stored = slice.sources.map((source, i) =>
    storedIn(get(parts, source.model), place.places[i] ?? "", slice, parts),
  );
  const inputs = slice.sources.map((source, i): PlannedInput => {
    const tensor = stored[i]?.name ?? name;
    const isBase = spec.base !== "input" && source.model === slice.base;
    const asked = {
      tensor: fullName(place.places[i] ?? ""),
      position,
      levels: [source.parameters, ...slice.levels],
      model: source.model,
      ignored: recipe.ignored,
    };
    const parameters = isBase ? {} : resolveParameters(spec, "input", asked);
    return {
      model: source.model,
      ...(tensor !== name && { tensor }),
      ...(Object.keys(parameters).length > 0 && { parameters }),
      ...(isBase && { base: true }),
    };
  });
  checkShapes(name, slice.sources, stored, {
    aligned,
    rows: place.name === tie?.embedding || place.name === tie?.unembedding,
  });
  const tensor: PlannedTensor = {
    parameters: resolveParameters(spec, "output", {
      ...{ tensor: name, position, levels: slice.levels },
      ignored: recipe.ignored,
    }),
    inputs,
    ...(position !== 0 && { position }),
    ...(aligned && { aligned: true }),
  };
  if (aligned) for (const { model } of slice.sources) vocabularyOf(get(parts, model));
  const [source, own = []] = [slice.sources[0]?.model ?? "", stored[0]?.shape];
  const shape = aligned ? [rows, ...own.slice(1)] : own;
  const entries = shape.reduce((a, b) => a * b, 1);
  checkParameters(recipe.method, name, tensor, { entries, trimming });
  const dtype = recipe.dtype ?? dtypeOf(place, stored, slice, donor);
  return { place: place.name, name, model: source, shape, tensor, dtype, entries };
}

/** The tensor of a place in a model; for an unembedding that it does not have, its embedding. */
function storedIn(
  own: ModelParts,
  place: string,
  { sources }: Stretch,
  parts: ReadonlyMap<string, ModelParts>,
): StoredTensor {
  const { tie } = own.layout;
  const found =
    own.stored(place) ??
    (tie !== undefined && place === tie.unembedding ? own.stored(tie.embedding) : undefined);
  if (found !== undefined) return found;
  const other = sources.find(({ model }) => get(parts, model).stored(place) !== undefined);
  throw missing(own.name, own.prefix + place, other?.model);
}

/** What a tensor is stored as where nothing is said: as in the donor, at the same place if it is no input. */
function dtypeOf(
  place: Place,
  stored: readonly StoredTensor[],
  { sources }: Stretch,
  donor: ModelParts,
): Dtype {
  const own = sources.findIndex(({ model }) => model === donor.name);
  return (stored[own] ?? donor.stored(place.name) ?? stored[0])?.dtype ?? "F32";
}

function checkShapes(
  name: string,
  sources: readonly Source[],
  stored: readonly StoredTensor[],
  { aligned, rows }: { readonly aligned: boolean; readonly rows: boolean },
): void {
  const shapes = stored.map(({ shape }) => shape);
  const width = (shape: readonly number[]): string => shape.slice(1).join();
  const same = (part: (shape: readonly number[]) => string): boolean =>
    shapes.every((shape) => part(shape) === part(shapes[0] ?? []));
  if (aligned ? same(width) : same(String)) return;
  const listed = shapes.map((shape, i) => `[${shape.join(", ")}] in ${sources[i]?.model}`);
  const vocabulary = rows && same(width);
  throw refuse(
    vocabulary ? "vocabulary" : "shape",
    `${name}: ${listed.join(", ")}.`,
    vocabulary
      ? "Say which vocabulary the result has: `tokenizer_source: union`, or `base`."
      : "Merge models of one shape.",
    { tensor: name, shapes },
  );
}
