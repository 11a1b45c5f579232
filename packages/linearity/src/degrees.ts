import { ratio } from "@resolvent/analysis";
import { degreeTerms, GATES } from "@resolvent/expansion";
import { axesOf, type Engine, type Ops, type Shaped } from "@resolvent/tensor";
import { type Model, tokenIds } from "@resolvent/transformer";
import { type Estimate, type Estimator, type Sums, type Tallying, tallyBatch } from "./tally.ts";

/** What truncated tree and path expansion say of one degree, relative to `‖T‖`. */
export interface DegreeDistance {
  readonly degree: number;
  /** `‖D_k‖` of the tree, nothing frozen. */
  readonly tree: Estimate;
  /** `‖D_k‖` of the path expansion, all gates frozen. */
  readonly paths: Estimate;
  /** `‖D_k(tree) − D_k(paths)‖` */
  readonly distance: Estimate;
  /** `‖T^(k)(tree) − T^(k)(paths)‖`, of the sums up to this degree: 0 at the last, where both are `T`. */
  readonly partialDistance: Estimate;
}

/** The squared norms that distances by degree need: `degree, batch`, and `batch` for `T`. */
export function degreeSquares<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  maxDegree: number,
): Readonly<Record<"tree" | "paths" | "distance" | "partialDistance" | "residual", T>> {
  return ops.scope(() => {
    const ids = tokenIds(rows);
    const tree = degreeTerms(ops, model, ids, { freeze: [], maxDegree });
    const paths = degreeTerms(ops, model, ids, { freeze: GATES, maxDegree });
    return {
      tree: squares(ops, tree.terms),
      paths: squares(ops, paths.terms),
      distance: squares(ops, ops.sub(tree.terms, paths.terms)),
      partialDistance: squares(ops, ops.sub(tree.partials, paths.partials)),
      residual: squares(ops, tree.residual),
    };
  });
}

/** Adds what the distances of some sequences need. */
export async function degreeBatch<T extends Shaped>(
  engine: Engine<T>,
  model: Model<T>,
  rows: readonly (readonly number[])[],
  maxDegree: number,
  into: Tallying,
): Promise<void> {
  await tallyBatch(engine, () => degreeSquares(engine, model, rows, maxDegree), "degree ", into);
}

/** The distances of all degrees: roots of sums over all tokens. */
export function degreeDistances(estimate: Estimator, degrees: number): DegreeDistance[] {
  return Array.from({ length: degrees }, (_, degree) => {
    const of = (name: string): Estimate =>
      estimate((sums: Sums) =>
        ratio(
          Math.sqrt(sums(`degree ${name}`)[degree] ?? 0),
          Math.sqrt(sums("degree residual")[0] ?? 0),
        ),
      );
    return {
      degree,
      tree: of("tree"),
      paths: of("paths"),
      distance: of("distance"),
      partialDistance: of("partialDistance"),
    };
  });
}

function squares<T extends Shaped>(ops: Ops<T>, a: T): T {
  const over = axesOf(a.shape).filter((axis) => axis === "pos" || axis === "d_model");
  return ops.sum(ops.mul(a, a), over);
}
