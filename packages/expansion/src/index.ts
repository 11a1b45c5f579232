export { type Anatomy, anatomyOf, frozenAt } from "./anatomy.ts";
export {
  balanceError,
  type DegreeExpansion,
  type DegreeTerm,
  type ExpandOptions,
  expandByDegree,
  expansionCost,
} from "./expand.ts";
export { checkGates, GATES, type Gate, gateAt } from "./gates.ts";
export {
  type DegreeMeasures,
  type Measures,
  measureTerms,
  type Prediction,
} from "./measure.ts";
export { type Reference, referenceWrites } from "./reference.ts";
export { type Sweep, sweep } from "./sweep.ts";
export { type DegreeTerms, degreeTerms, type TermsOptions } from "./terms.ts";
export { truncatedTree } from "./tree.ts";
