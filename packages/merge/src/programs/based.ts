import type { Address } from "../../worker/run.js";
import { cutsOf } from "../cuts.ts";
import { stockRatio } from "../methods/model-stock.ts";
import { rowLength } from "../methods/numbers.ts";
import { LEAST } from "../methods/sce.ts";
import { type Program, programOf, rowsOf, type Writer } from "../program.ts";
import { combine } from "./entrywise.ts";
import { gramOf } from "./gram.ts";
import type { ProgramRequest } from "./request.ts";
import { differences, numberOf, rolesOf } from "./roles.ts";
import { totals } from "./totals.ts";

/** See `modelStock`; undefined where rows point exactly apart, which the method itself refuses. */
export async function modelStockProgram({
  planned,
  shape,
  dtypes,
  pass,
}: ProgramRequest): Promise<Program | undefined> {
  const roles = rolesOf(planned);
  const { base, others } = roles;
  const terms = others.map(({ at }) => ({ input: at, factor: 1 }));
  const sum = (writer: Writer, by = 1): Address => {
    const out = writer.out();
    combine(writer, out, terms, { dtypes, start: 0, by });
    return out;
  };
  if (planned.parameters.filter_wise === true && shape.length > 1) {
    const row = rowLength(shape);
    return programOf(
      (writer) => {
        const { op, register, table, scratch, x } = writer;
        const [mean, ratios] = [sum(writer), register()];
        const all = table(differences(writer, roles).map((own) => [own, 0]));
        op("shares", ratios, all, others.length, row, scratch(8));
        op("mixed", mean, x(base), ratios, others.length);
      },
      { piece: rowsOf(row) },
    );
  }
  const gram = await gramOf(roles, { dtypes, pass });
  const norms = others.map((_, i) => Math.sqrt(gram.of(i, i)));
  const ratio = stockRatio(norms, gram.of);
  return programOf((writer) => {
    const { op, stored } = writer;
    const mean = sum(writer, others.length);
    op("scaled", mean, mean, ratio);
    op("addStored", mean, ...stored(base), 1 - ratio);
  });
}

/** See `sce`: passes find the positions of largest variance, and then the weights. */
export async function sceProgram({ planned, entries, pass }: ProgramRequest): Promise<Program> {
  const roles = rolesOf(planned);
  const { base, others } = roles;
  const share = numberOf(planned.parameters, "select_topk");
  const count = others.length;
  const varied = (
    writer: Writer,
    into?: Address,
  ): { all: readonly Address[]; variance: Address } => {
    const all = differences(writer, roles);
    const variance = writer.register();
    const vectors = writer.table(all.map((own) => [own, 0]));
    writer.op("variance", variance, vectors, count, into ?? writer.scratch(8));
    return { all, variance };
  };
  let select = (writer: Writer): readonly Address[] => differences(writer, roles);
  if (share < 1) {
    const [varying = 0] = await totals(
      pass,
      programOf((writer) => {
        varied(writer, writer.numbers(1));
      }),
    );
    const wanted = [{ vector: 0, count: Math.floor(share * varying) }];
    const [cut] = await cutsOf(
      ...([
        wanted,
        entries,
        programOf,
        (writer: Writer) => [varied(writer).variance],
        pass,
      ] as const),
    );
    select = (writer) => {
      const { all, variance } = varied(writer);
      if (cut !== undefined)
        for (const own of all) writer.op("where", own, variance, cut.size, cut.to);
      return all;
    };
  }
  const sums = await totals(
    pass,
    programOf((writer) => {
      for (const own of select(writer)) writer.op("product", own, own, writer.numbers(1));
    }),
  );
  const squares = Array.from(sums, (sum) => sum / entries);
  const total = squares.reduce((a, b) => a + b, 0);
  const weights = squares.map((square) => (total < LEAST ? 1 / count : square / total));
  return programOf((writer) => {
    const all = select(writer);
    const terms = writer.table(all.map((own, i) => [own, weights[i] as number])); // one for each
    writer.op("elect", writer.out(), writer.x(base), terms, count, 1, 1, 1, LEAST);
  });
}

/** See `arceeFusion`: passes find the quantiles of the importance. */
export async function arceeProgram({
  planned,
  shape,
  entries,
  pass,
}: ProgramRequest): Promise<Program> {
  const { base, others } = rolesOf(planned);
  const other = others[0]?.at ?? -1;
  const row = rowLength(shape);
  const piece = rowsOf(row);
  const program = (write: (writer: Writer) => void): Program => programOf(write, { piece });
  const importance = ({ x, op, register, scratch }: Writer): Address => {
    const out = register();
    op("importance", out, x(base), x(other), row, scratch(16 * row));
    return out;
  };
  // The entry at a place from below is the smallest of so many largest.
  const places = [0.25, 0.5, 0.75].map((q) => Math.floor(q * (entries - 1)));
  const cuts = await cutsOf(
    places.map((place) => ({ vector: 0, count: entries - place })),
    ...([entries, program, (writer: Writer) => [importance(writer)], pass] as const),
  );
  const [low = 0, middle = 0, high = 0] = cuts.map(({ size }) => size);
  return program((writer) => {
    const own = importance(writer);
    const threshold = middle + 1.5 * (high - low);
    writer.op("fused", writer.out(), writer.x(base), writer.x(other), own, threshold);
  });
}
