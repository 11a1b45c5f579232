import { type Ops, type Shaped, sizeAlong } from "@resolvent/tensor";
import { type Block, type Model, onlyHead } from "@resolvent/transformer";
import { type DictionarySite, siteIn } from "../site.ts";

/**
 * Directions that a dictionary writes, as they come to the stream: of what heads mix through `W_O`, of what an MLP makes
 * through γ of the norm behind it, without its σ; others as they are.
 *
 * @param directions `…, d_model`, whose width is that of the site
 */
export function alongStream<T extends Shaped>(
  ops: Ops<T>,
  model: Model<T>,
  output: DictionarySite | undefined,
  directions: T,
): T {
  if (output === undefined) return directions;
  const { site, head } = siteIn(model, output);
  const [, name] = /^(L\d+\.(?:attn\.mixed|mlp\.out))$/.exec(site) ?? [];
  if (name === undefined) return directions;
  for (const stage of model.stages) {
    const block = stage.find((one) => name.startsWith(`${one.name}.`));
    if (block !== undefined) return scaled(ops, block, mixed(ops, block, head, directions));
  }
  return directions;
}

function mixed<T extends Shaped>(
  ops: Ops<T>,
  block: Block<T>,
  head: number | undefined,
  directions: T,
): T {
  if (block.kind !== "attn") return directions;
  const { W_O } = head === undefined ? block : onlyHead(ops, block, head);
  const own = ["kv_head", "group", "d_head"] as const;
  const sizes = Object.fromEntries(
    own.map((axis) => [axis, sizeAlong(W_O.shape, axis, block.name)]),
  );
  return ops.matmul(ops.split(directions, "d_model", sizes), W_O, own, ["d_model"]);
}

function scaled<T extends Shaped>(ops: Ops<T>, { writeNorm }: Block<T>, x: T): T {
  if (writeNorm === undefined) return x;
  const centred = writeNorm.kind === "layer" ? ops.center(x, "d_model") : x;
  return writeNorm.scale === undefined ? centred : ops.mul(centred, writeNorm.scale);
}
