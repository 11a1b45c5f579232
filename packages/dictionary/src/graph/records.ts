import { cantorPair } from "./feature-number.ts";
import type { Fields } from "./fields.ts";

/** What all nodes have in files of circuit-tracer. */
const common = { token_prob: 0, is_target_logit: false, run_idx: 0, reverse_ctx_idx: 0 };

/** A feature of an MLP's transcoder as circuit-tracer writes it (schema 1). */
export function featureFields(
  layer: number,
  feature: number,
  position: number,
  { activation, label = "" }: { readonly activation: number; readonly label?: string },
): Fields {
  return {
    node_id: `${layer}_${feature}_${position}`,
    feature: cantorPair(layer, feature),
    layer: String(layer),
    ctx_idx: position,
    feature_type: "cross layer transcoder",
    ...common,
    jsNodeId: `${layer}_${feature}-0`,
    clerp: label,
    influence: null,
    activation,
  };
}

/**
 * What a layer's transcoder does not say of its MLP at a position. circuit-tracer's id for it until 2026 is also that of
 * a feature of layer 0: where that feature is a node as well (`taken`), the error has the later form, which nothing
 * else has.
 */
export function errorFields(
  layer: number,
  position: number,
  { taken = new Set() }: { readonly taken?: ReadonlySet<string> } = {},
): Fields {
  const id = `0_${layer}_${position}`;
  const apart = taken.has(id);
  return {
    node_id: apart ? `${layer}_-1_${position}` : id,
    feature: -1,
    layer: String(layer),
    ctx_idx: position,
    feature_type: "mlp reconstruction error",
    ...common,
    jsNodeId: apart ? `${layer}_-1-${position}` : `${layer}_${position}-0`,
    clerp: "",
    influence: null,
    activation: null,
  };
}

/** A token of the prompt; its text stands in the metadata. */
export function tokenFields(id: number, position: number): Fields {
  return {
    node_id: `E_${id}_${position}`,
    feature: position,
    layer: "E",
    ctx_idx: position,
    feature_type: "embedding",
    ...common,
    jsNodeId: `E_${id}-${position}`,
    clerp: "",
    influence: null,
    activation: null,
  };
}

/** A token that may come next. */
export interface LogitFields {
  readonly text: string;
  readonly probability: number;
  readonly layers: number;
  /** The last position. */
  readonly position: number;
  /** Whether it is the likeliest. */
  readonly isTarget: boolean;
}

/**
 * A logit as it is, or the difference of two, as the one thing that a graph explains. Like circuit-tracer's targets of
 * one's own it has a number that no token has; which tokens it is of stands in `target_tokens`.
 *
 * @param of `text`: in words, `logit " Mary" − " John"`
 */
export function targetFields(
  id: number,
  { target: { a, b }, text, ...of }: Omit<LogitFields, "isTarget"> & { readonly target: LogitPair },
): Fields {
  return {
    ...logitFields(id, { ...of, text, isTarget: true }),
    clerp: text,
    target_tokens: b === null ? [a] : [a, b],
  };
}

/** A token, and the one that it is compared with. */
interface LogitPair {
  readonly a: number;
  readonly b: number | null;
}

/** A logit, one layer above all others. */
export function logitFields(id: number, of: LogitFields): Fields {
  const layer = of.layers + 1;
  return {
    node_id: `${layer}_${id}_${of.position}`,
    feature: id,
    layer: String(layer),
    ctx_idx: of.position,
    feature_type: "logit",
    ...common,
    token_prob: of.probability,
    is_target_logit: of.isTarget,
    jsNodeId: `L_${id}-${of.position}`,
    clerp: `Output "${of.text}" (p=${of.probability.toFixed(3)})`,
    influence: null,
    activation: null,
  };
}
