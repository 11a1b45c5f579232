import { decodeNumbers, type ReadOptions } from "@resolvent/weights";
import { alignRows, type TokenTable } from "./align-rows.ts";
import { otherModels } from "./aligned-inputs.ts";
import { isAbove } from "./cuts.ts";
import { checkFinite } from "./finite.ts";
import { type MergeOptions, mergeTensor } from "./merge-tensor.ts";
import type { OpenMergeModel } from "./model.ts";
import { modelParts } from "./model-parts.ts";
import type { MergePlan, PlannedInput } from "./plan.ts";
import { rowOf } from "./plan-tokens.ts";
import { refuse } from "./refuse.ts";
import { sameTable } from "./same-table.ts";
import { trimsOf } from "./trims.ts";
import { hereWorkshop } from "./workshop.ts";

/** A tensor of the result, before it is rounded. */
export interface MergedTensor {
  readonly shape: readonly number[];
  readonly numbers: Float64Array<ArrayBuffer>;
}

/** An input, read. */
interface Read {
  readonly input: PlannedInput;
  readonly shape: readonly number[];
  readonly x: Float64Array<ArrayBuffer>;
}

/**
 * A tensor of a plan in float64, from its models' files: read, brought to the result's vocabulary where it is a table of
 * tokens, merged. Nothing is rounded.
 *
 * @throws InputError `merge/no-tensor`, `merge/not-finite`, and what the method and the files throw
 */
export async function mergePlanned(
  plan: MergePlan,
  name: string,
  models: ReadonlyMap<string, OpenMergeModel>,
  options: MergeOptions & ReadOptions = {},
): Promise<MergedTensor> {
  const planned = Object.hasOwn(plan.tensors, name) ? plan.tensors[name] : undefined;
  if (planned === undefined) {
    throw refuse("no-tensor", `The plan has no tensor ${name}.`, "Name one of `plan.tensors`.", {
      tensor: name,
    });
  }
  const read = await Promise.all(
    planned.inputs.map(async (input) => ({
      input,
      ...(await numbersOf(open(models, input.model), input.model, input.tensor ?? name, options)),
    })),
  );
  const brought = planned.aligned ? await aligned(plan, name, read, models, options) : read;
  const shape = brought[0]?.shape ?? [];
  const base = brought.find(({ input }) => input.base)?.x;
  const inputs = brought.filter(({ input }) => !input.base);
  const workshop = plan.trimming === undefined ? undefined : await hereWorkshop();
  const trims = workshop && (await trimsOf(plan, name, models, { ...options, ...workshop }));
  const numbers = mergeTensor(
    plan.method,
    {
      name,
      shape,
      parameters: planned.parameters,
      inputs: inputs.map(({ input, x }) => {
        const trim = trims?.get(input.model);
        const kept = (value: number, i: number): number =>
          trim !== undefined && isAbove(trim, value - (base?.[i] ?? 0), i) ? 1 : 0;
        const mask = trim && x.map(kept);
        return { x, parameters: input.parameters, mask };
      }),
      base,
    },
    options,
  );
  checkFinite(numbers, `${name} of the result`);
  return { shape, numbers };
}

function open(models: ReadonlyMap<string, OpenMergeModel>, name: string): OpenMergeModel {
  const model = models.get(name);
  if (model !== undefined) return model;
  throw refuse(
    "model-missing",
    `The model ${name} is not given.`,
    "Give each of `modelsOf(recipe)`.",
    { name },
  );
}

async function numbersOf(
  { checkpoint }: OpenMergeModel,
  model: string,
  tensor: string,
  options: ReadOptions,
): Promise<{ readonly shape: readonly number[]; readonly x: Float64Array<ArrayBuffer> }> {
  const raw = await checkpoint.read(tensor, options);
  const x = decodeNumbers(raw, "f64", `${model}: ${tensor}`);
  checkFinite(x, `${tensor} of ${model}`);
  return { shape: raw.shape, x };
}

/** The tables of a tensor with the rows of the result's vocabulary. */
async function aligned(
  plan: MergePlan,
  name: string,
  read: readonly Read[],
  models: ReadonlyMap<string, OpenMergeModel>,
  options: ReadOptions,
): Promise<readonly Read[]> {
  const { tokenizer } = plan;
  if (tokenizer === null) return read;
  const width = read[0]?.shape.at(-1) ?? 0;
  const tables = read.map(({ input, x }): TokenTable => {
    const parts = modelParts(input.model, open(models, input.model));
    return { model: input.model, x, row: (token) => rowOf(parts, token) };
  });
  const inputs = read.map(({ input }) => input);
  const lacking = Object.keys(tokenizer.vocab).some((token) =>
    tables.every(({ row }) => row(token) === undefined),
  );
  const named = Object.values(tokenizer.tokens).some(({ source }) => source?.kind === "row");
  const others = await Promise.all(
    (lacking || named ? otherModels(models, inputs) : []).map(async (other) => {
      const model = open(models, other);
      const parts = modelParts(other, model);
      const { x } = await numbersOf(model, other, sameTable(parts, name), options);
      return { model: other, x, row: (token: string) => rowOf(parts, token) };
    }),
  );
  const { base } = plan;
  return read.map((one, i) => ({
    input: one.input,
    shape: [tokenizer.rows, width],
    x: alignRows(tables[i] as TokenTable, tables, { tokenizer, width, base, others }), // one for each
  }));
}
