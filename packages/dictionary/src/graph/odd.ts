import { someNames, type Warning } from "@resolvent/transformer";
import { cycleIn, cycleText } from "./cycle.ts";
import { endsOf } from "./ends.ts";
import type { AttributionGraph } from "./graph.ts";
import { matrixOf } from "./matrix.ts";

/** What is odd in a graph and can be lived with, each by name, with how many there are and the first of them. */
export function warningsOf(graph: AttributionGraph): Warning[] {
  const { nodes, outside } = graph;
  const { repeated } = endsOf(nodes);
  const matrix = matrixOf(graph);
  const cycle = cycleIn(matrix);
  const say = (code: string, is: boolean, message: () => string): Warning[] =>
    is ? [{ code, message: message() }] : [];
  const unknown = outside.filter(({ why }) => why === "missing-node");
  const apart = outside.length - unknown.length;
  const odd = nodes.filter(({ kind, feature }) => kind === "feature" && feature === null);
  const attention = nodes.filter((node) => node.attention).length;
  const unlikely = nodes.filter(({ kind, probability }) => kind === "logit" && !probability);
  return [
    ...say("duplicate-node-id", repeated.size > 0, () => {
      const ids = someNames([...repeated].map(([id, times]) => `${id} (${times} nodes)`));
      return `Ids that several nodes have: ${ids}. ${links(apart)} that cannot be told apart ${are(apart)} left out of every calculation, and kept on export.`;
    }),
    ...say("missing-node", unknown.length > 0, () => {
      const ids = new Set(nodes.map(({ id }) => id));
      const missing = unknown
        .flatMap(({ fields }) => [String(fields.source), String(fields.target)])
        .filter((id) => !ids.has(id));
      return `${links(unknown.length)} to or from nodes that are not there (${someNames([...new Set(missing)])}) ${are(unknown.length)} left out of every calculation, and kept on export.`;
    }),
    ...say(
      "duplicate-link",
      matrix.repeated > 0,
      () =>
        `${links(matrix.repeated)} ${matrix.repeated === 1 ? "has" : "have"} the ends of another: their weights add up.`,
    ),
    ...say(
      "cycle",
      cycle !== undefined,
      () =>
        `The graph has a cycle, ${cycleText(nodes, cycle?.nodes ?? [])}; ${cycle?.count} nodes are on cycles or between them. It has no influence, scores or paths.`,
    ),
    ...say(
      "feature-number",
      odd.length > 0,
      () =>
        `The numbers of ${odd.length} features do not say which of their layer they are: ${someNames(odd.map(({ id }) => id))}.`,
    ),
    ...say(
      "attention-features",
      attention > 0,
      () =>
        `${attention} of ${nodes.length} nodes are features or errors of attention: replacement and completeness are defined for those of MLPs only, and are not given.`,
    ),
    ...say(
      "bias-links",
      matrix.biases > 0,
      () =>
        `${links(matrix.biases)} of biases ${are(matrix.biases)} constants of their rows, outside the matrix and its scores.`,
    ),
    ...say(
      "no-probability",
      unlikely.length > 0,
      () =>
        `Logits without a probability, which have no influence: ${someNames(unlikely.map(({ id }) => id))}.`,
    ),
  ];
}

const links = (count: number): string => (count === 1 ? "1 link" : `${count} links`);
const are = (count: number): string => (count === 1 ? "is" : "are");
