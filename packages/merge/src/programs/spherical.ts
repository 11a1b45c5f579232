import type { Dtype } from "@resolvent/weights";
import type { Pass } from "../cuts.ts";
import { checkWeights } from "../methods/checks.ts";
import { rowLength, sinc } from "../methods/numbers.ts";
import { LEAST_NORM, nuslerpFactors, nuslerpShare, STRAIGHT } from "../methods/nuslerp.ts";
import { slerpFactors } from "../methods/slerp.ts";
import { type Program, programOf, rowsOf } from "../program.ts";
import { combine } from "./entrywise.ts";
import { type Gram, gramOf, productIn } from "./gram.ts";
import type { ProgramRequest } from "./request.ts";
import { differences, numberOf, type Roles, rolesOf } from "./roles.ts";

/** What is left of a sum of inner products: below it too many digits are lost, and the vectors themselves are looked at. */
const LEFT = 1e-2;

/** Angles and lengths nearer to a threshold than it, squared, may be on either side of it. */
const NEAR = 1e-12;

/** See `slerp`: one pass finds the angle. */
export async function slerpProgram({ planned, dtypes, pass }: ProgramRequest): Promise<Program> {
  const { base, others } = rolesOf(planned);
  const other = others[0]?.at ?? -1;
  const gram = await gramOf({ base: -1, others: [{ at: base }, { at: other }] }, { dtypes, pass });
  const products = { aa: gram.of(0, 0), ab: gram.of(0, 1), bb: gram.of(1, 1) };
  const [ofBase, ofOther] = slerpFactors(products, numberOf(planned.parameters, "t"));
  return inputsTimes([ofBase, ofOther], [base, other], dtypes);
}

/** A combination of inputs. */
function inputsTimes(
  factors: readonly number[],
  inputs: readonly number[],
  dtypes: readonly Dtype[],
): Program {
  const terms = inputs.map((input, i) => ({ input, factor: factors[i] as number })); // one for each
  return programOf((writer) => combine(writer, writer.out(), terms, { dtypes }));
}

/** A combination of the differences, and the base where there is one. */
function inSpan(roles: Roles, factors: readonly number[], dtypes: readonly Dtype[]): Program {
  const inputs = roles.others.map(({ at }) => at);
  if (roles.base < 0) return inputsTimes(factors, inputs, dtypes);
  return programOf((writer) => {
    const out = writer.out();
    const { op } = writer;
    for (const [i, own] of differences(writer, roles).entries())
      op(i === 0 ? "scaled" : "addScaled", out, own, factors[i] as number); // one for each
    op("add", out, writer.x(roles.base));
  });
}

/** See `nuslerp`: one pass finds the angle, or those of all columns; rows need none. */
export async function nuslerpProgram({
  planned,
  shape,
  entries,
  dtypes,
  pass,
}: ProgramRequest): Promise<Program | undefined> {
  const roles = rolesOf(planned);
  const [a, b] = roles.others.map(({ input }) => numberOf(input.parameters, "weight"));
  if (a === undefined || b === undefined) return undefined;
  const share = nuslerpShare(a, b);
  if (planned.parameters.nuslerp_flatten === true) {
    const gram = await gramOf(roles, { dtypes, pass });
    const products = { aa: gram.of(0, 0), ab: gram.of(0, 1), bb: gram.of(1, 1) };
    return inSpan(roles, nuslerpFactors(products, share), dtypes);
  }
  if (planned.parameters.nuslerp_row_wise === true && shape.length > 1)
    return await columnProgram(roles, entries / Math.max(1, shape[0] ?? 1), share, pass);
  const row = rowLength(shape);
  return programOf(
    (writer) => {
      const [out, results] = [writer.out(), writer.scratch(24)];
      const both = differences(writer, roles);
      writer.op("arcs", out, ...both, row, share, LEAST_NORM, STRAIGHT, results);
      if (roles.base >= 0) writer.op("add", out, writer.x(roles.base));
    },
    { piece: rowsOf(row) },
  );
}

/** Vectors along the first axis, one for each place on the others. */
async function columnProgram(
  roles: Roles,
  columns: number,
  share: number,
  pass: Pass,
): Promise<Program> {
  const sums = new Float64Array(3 * columns);
  const products = programOf((writer) => {
    writer.op("columnProducts", ...differences(writer, roles), columns, writer.sums(3 * columns));
  });
  await pass(products, (block) => {
    for (const [i, sum] of (block.sums[0] ?? []).entries()) sums[i] = (sums[i] as number) + sum; // as many
  });
  const factors = Array.from({ length: columns }, (_, column) => {
    const [aa = 0, ab = 0, bb = 0] = sums.subarray(3 * column, 3 * column + 3);
    return nuslerpFactors({ aa, ab, bb }, share);
  });
  return programOf((writer) => {
    const out = writer.out();
    writer.op("byColumns", out, ...differences(writer, roles), columns, writer.table(factors));
    if (roles.base >= 0) writer.op("add", out, writer.x(roles.base));
  });
}

/** See `multislerp`; undefined where directions cancel so far that inner products do not tell. */
export async function multislerpProgram({
  planned,
  dtypes,
  pass,
}: ProgramRequest): Promise<Program | undefined> {
  const roles = rolesOf(planned);
  const { parameters } = planned;
  const given = roles.others.map(({ input }) => numberOf(input.parameters, "weight"));
  const normalized = parameters.normalize_weights === true;
  if (normalized) checkWeights("multislerp", given);
  const total = normalized ? given.reduce((all, weight) => all + weight, 0) : 1;
  const gram = await gramOf(roles, { dtypes, pass });
  const factors = multislerpFactors(
    gram,
    given.map((weight) => weight / total),
    numberOf(parameters, "eps"),
  );
  return factors && inSpan(roles, factors, dtypes);
}

function multislerpFactors(
  gram: Gram,
  weights: readonly number[],
  eps: number,
): readonly number[] | undefined {
  const sizes = weights.map((_, i) => Math.sqrt(gram.of(i, i)));
  const units = sizes.map((size) => 1 / (size + eps));
  const mean = weights.map((weight, i) => weight * (units[i] as number)); // one for each, here and below
  const { value, size } = productIn(gram, mean, mean);
  const length = Math.sqrt(value);
  if (!(value > LEFT * size)) return undefined;
  const m = mean.map((factor) => factor / length);
  const one = (i: number): readonly number[] => weights.map((_, k) => (k === i ? 1 : 0));
  let g = weights.map(() => 0);
  for (const [i, weight] of weights.entries()) {
    const along = (units[i] as number) * productIn(gram, one(i), m).value;
    g = g.map(
      (own, k) => own + weight * ((k === i ? (units[i] as number) : 0) - along * (m[k] as number)),
    );
  }
  const angle = Math.sqrt(Math.max(0, productIn(gram, g, g).value)) + eps;
  const whole = weights.reduce((all, weight, i) => all + weight * (sizes[i] as number), 0);
  const [ofM, ofG] = [Math.cos(angle) * whole, sinc(angle) * whole];
  return m.map((own, k) => ofM * own + ofG * (g[k] as number));
}

/** See `karcher`; undefined where directions are so near each other, or so far apart, that inner products do not tell. */
export async function karcherProgram({
  planned,
  dtypes,
  pass,
}: ProgramRequest): Promise<Program | undefined> {
  const roles = rolesOf(planned);
  if (roles.base >= 0) return undefined;
  const gram = await gramOf(roles, { dtypes, pass });
  const { parameters } = planned;
  const factors = karcherFactors(
    gram,
    numberOf(parameters, "max_iter"),
    numberOf(parameters, "tol"),
  );
  return factors && inSpan(roles, factors, dtypes);
}

function karcherFactors(gram: Gram, maxIter: number, tol: number): readonly number[] | undefined {
  const all = Array.from({ length: gram.count }, (_, i) => i);
  const norms = all.map((i) => Math.sqrt(gram.of(i, i)));
  const size = norms.reduce((a, b) => a + b, 0) / all.length;
  const units = norms.map((own) => (own > tol ? 1 / own : 0));
  const count = units.filter((unit) => unit > 0).length;
  if (count === 0) return all.map(() => 0);
  const share = 1 / count;
  const start = units.map((unit) => unit * share);
  const length = productIn(gram, start, start);
  if (!(length.value > LEFT * length.size)) return undefined;
  let u = start.map((factor) => factor / Math.sqrt(length.value));
  for (let step = 0; step < maxIter; step++) {
    let T = all.map(() => 0);
    for (const [i, unit] of units.entries()) {
      if (unit === 0) continue;
      const one = all.map((k) => (k === i ? unit : 0));
      const cosine = Math.min(1, Math.max(-1, productIn(gram, one, u).value));
      if (cosine < -1 + LEFT) return undefined;
      const angle = Math.acos(cosine);
      if (Math.abs(angle ** 2 - tol ** 2) < NEAR) return undefined;
      if (angle < tol) continue;
      const factor = share * (angle / Math.sin(angle));
      T = T.map((own, k) => own + factor * ((one[k] as number) - cosine * (u[k] as number))); // one for each
    }
    const square = productIn(gram, T, T).value;
    if (Math.abs(square - tol ** 2) < NEAR) return undefined;
    const turn = Math.sqrt(Math.max(0, square));
    if (turn < tol) break;
    const [ofU, ofT] = [Math.cos(turn), Math.sin(turn) / turn];
    u = u.map((own, k) => ofU * own + ofT * (T[k] as number));
  }
  return u.map((own) => size * own);
}
