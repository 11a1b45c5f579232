import { featureIndex } from "./feature-number.ts";
import { type Fields, finiteIn } from "./fields.ts";

/** What a node of an attribution graph stands for. */
export type NodeKind = "token" | "feature" | "error" | "bias" | "logit" | "other";

/** A node of an attribution graph. */
export interface GraphNode {
  /** As in the file. Not always its own: see `duplicate-node-id` at `readGraph`. */
  readonly id: string;
  readonly kind: NodeKind;
  /** Whether it is a feature or an error of attention (`lorsa`), and not of an MLP. */
  readonly attention: boolean;
  /** The layer, counted from 0; of a logit one that is above all others; null of a token. */
  readonly layer: number | null;
  readonly position: number;
  /** The feature's index in its layer; of a token and a logit the id of the token; null where there is none. */
  readonly feature: number | null;
  /** A feature's activation; null where the file has none. */
  readonly activation: number | null;
  /** The model's probability of a logit's token; null of anything else. */
  readonly probability: number | null;
  /** What the file calls it: its `clerp`. */
  readonly label: string;
  /** The node as its file has it, with all that is not known here. */
  readonly fields: Fields;
}

const KINDS: Readonly<Record<string, NodeKind>> = {
  "cross layer transcoder": "feature", // per-layer ones as well
  "unexplored node": "feature", // its own inputs were not computed
  "mlp reconstruction error": "error",
  lorsa: "feature",
  "lorsa error": "error",
  embedding: "token",
  bias: "bias",
  logit: "logit",
};

/** A node from its fields, which have been checked: required ones are there. */
export function nodeOf(fields: Fields, schema: number): GraphNode {
  const id = String(fields.node_id);
  const type = String(fields.feature_type);
  const kind = (Object.hasOwn(KINDS, type) ? KINDS[type] : undefined) ?? "other";
  const label = String(fields.clerp);
  const layer = kind === "token" ? null : finiteIn(fields.layer);
  const position = finiteIn(fields.ctx_idx) ?? 0;
  return {
    id,
    kind,
    attention: type.startsWith("lorsa"),
    layer,
    position,
    feature: indexOf(kind, fields, { id, layer, position, schema }),
    activation: kind === "feature" ? finiteIn(fields.activation) : null,
    probability: kind === "logit" ? probabilityOf(fields.token_prob, label) : null,
    label,
    fields,
  };
}

function indexOf(
  kind: NodeKind,
  { feature }: Fields,
  at: Parameters<typeof featureIndex>[1],
): number | null {
  if (kind === "feature") return featureIndex(feature, at);
  if (kind === "logit") return finiteIn(feature) ?? tokenIn(at.id);
  return kind === "token" ? tokenIn(at.id) : null;
}

/** The token's id in `E_17_3` and `6_17_3`. */
function tokenIn(id: string): number | null {
  const token = id.split("_").at(-2);
  return token !== undefined && /^\d+$/.test(token) ? Number(token) : null;
}

/** The probability of a logit: its own field, or what its label ends with. */
function probabilityOf(field: unknown, label: string): number | null {
  const own = finiteIn(field);
  if (own !== null && own > 0) return own;
  const said = /\(p=([\d.eE+-]+)\)\s*$/.exec(label)?.[1];
  return finiteIn(said) ?? own;
}

/** A short name for people: `L2.F88@4`, `L2.error@4`, `" cat"@3`; the graph knows the texts of tokens. */
export function nodeName(node: GraphNode, tokens: readonly string[] = []): string {
  const { kind, layer, position, feature, attention, id } = node;
  const part = attention ? `L${layer}.attn` : `L${layer}`;
  switch (kind) {
    case "feature":
      return feature === null ? id : `${part}.F${feature}@${position}`;
    case "error":
      return `${part}.error@${position}`;
    case "token":
      return `${JSON.stringify(tokens[position] ?? id)}@${position}`;
    case "logit":
      return `logit ${labelled(node)}`;
    default:
      return id;
  }
}

/** The token in `Output " cat" (p=0.490)`, in its quotes; a label without any as it is. */
function labelled({ label, id }: GraphNode): string {
  const text = label
    .replace(/\s*\(p=[^)]*\)\s*$/, "")
    .replace(/^(Output|Logit)\s+(?=")|^logit\s+/, "");
  return text === "" ? id : text;
}
