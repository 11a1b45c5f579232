import { createCpu } from "@resolvent/cpu";
import { type Encoder, encode } from "@resolvent/dictionary";
import { degreeTerms } from "@resolvent/expansion";
import { createGpujs } from "@resolvent/gpujs";
import { type Engine, type Shaped, sizeOf } from "@resolvent/tensor";
import {
  assembleModel,
  plainSites,
  residualStream,
  tokenIds,
  unembed,
} from "@resolvent/transformer";
import { createWebgpu } from "@resolvent/webgpu";
import type { Contender, Work } from "./contender.ts";
import { operand, tokens, weight } from "./numbers.ts";
import type { EncodeTask, EngineTask, ModelTask, ProductTask } from "./task.ts";

/** The cpu engine; `blas` as its option. */
export const cpu =
  (blas: string): Contender =>
  async (task, { threads }) => {
    const engine = await createCpu({ threads, blas });
    const on = engine.blas === undefined ? "own kernels" : engine.blas.library;
    const { turn } = ready(engine, task);
    return { is: `cpu, ${engine.threads} threads, ${on}`, turn, close: () => engine.close() };
  };

export const webgpu: Contender = async (task) => {
  const engine = await createWebgpu();
  const { vendor, architecture, description } = engine.adapter;
  const { turn } = ready(engine, task);
  return {
    is: `webgpu on ${[vendor, architecture, description].filter(Boolean).join(" ")}`,
    turn,
    close: () => engine.close(),
  };
};

export const gpujs: Contender = async (task) => {
  const engine = await createGpujs();
  const { turn } = ready(engine, task);
  return { is: `gpujs, ${engine.mode}`, turn, close: () => engine.close() };
};

function ready<T extends Shaped>(engine: Engine<T>, task: EngineTask): Pick<Work, "turn"> {
  switch (task.kind) {
    case "product":
      return product(engine, task);
    case "encode":
      return encoding(engine, task);
    default:
      return ofModel(engine, task);
  }
}

/** Numbers of a result that is made in a scope: freed when they are read. */
async function read<T extends Shaped>(
  engine: Engine<T>,
  make: () => T,
): Promise<ArrayLike<number>> {
  const made = engine.scope(make);
  const { data } = await engine.read(made);
  engine.free(made);
  return data;
}

function product<T extends Shaped>(engine: Engine<T>, task: ProductTask): Pick<Work, "turn"> {
  const { batch, rows, terms, columns } = task;
  const left = operand("a", batch * rows * terms);
  const right = engine.constant({ batch, terms, columns }, operand("b", batch * terms * columns));
  return {
    turn: () =>
      read(engine, () =>
        engine.sum(engine.matmul(engine.constant({ batch, rows, terms }, left), right, ["terms"]), [
          "rows",
        ]),
      ),
  };
}

function ofModel<T extends Shaped>(engine: Engine<T>, task: ModelTask): Pick<Work, "turn"> {
  const model = assembleModel(engine, { ...task.config }, (name, shape) =>
    engine.constant(shape, weight(name, sizeOf(shape))),
  );
  const ids = tokenIds(tokens(task));
  if (task.kind === "spectrum")
    return { turn: () => read(engine, () => degreeTerms(engine, model, ids).terms) };
  return {
    turn: () =>
      read(engine, () =>
        unembed(engine, model, residualStream(engine, model, ids, plainSites()), plainSites()),
      ),
  };
}

function encoding<T extends Shaped>(engine: Engine<T>, task: EncodeTask): Pick<Work, "turn"> {
  const { rows, d, features, k } = task;
  const encoder: Encoder<T> = {
    ...{ features, d_in: d },
    W_enc: engine.constant({ d_in: d, feature: features }, operand("W_enc", d * features)),
    b_enc: engine.constant({ feature: features }, operand("b_enc", features)),
    activation: { kind: "topk", k, rectified: false },
    normalization: { kind: "none" },
  };
  const vectors = operand("x", rows * d);
  return {
    turn: async () => {
      const x = engine.constant({ row: rows, d_in: d }, vectors);
      const { values } = await encode(engine, encoder, x);
      engine.free(x);
      return values;
    },
  };
}
