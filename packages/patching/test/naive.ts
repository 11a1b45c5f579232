import { inOrder, reference, type Tensor, tensor } from "@resolvent/tensor";
import { blockNames, type Model, run } from "@resolvent/transformer";

// Patching as it is defined, one intervention and one forward pass at a time, over sites alone.

type Tiny = Model<Tensor>;
type Given = Record<string, Tensor>;

export interface NaiveTarget {
  readonly a: number;
  readonly b: number;
}

/** What is written, by source name: `embed`, blocks, heads, neurons; the stream at a point. */
export type Writes = ReadonlyMap<string, Tensor>;

/** `logit(a) − logit(b)` at the last position of a run with sites replaced. */
export function naiveTarget(
  model: Tiny,
  tokens: readonly number[],
  { a, b }: NaiveTarget,
  replace: Given = {},
): number {
  const { logits, trace } = run(reference, model, tokens, { replace, sites: ["final.*"] });
  const { vocab } = model.architecture;
  const uncapped = trace.get("final.uncapped") ?? logits;
  const last = inOrder(uncapped, ["pos", "vocab"]).data.slice(-vocab);
  return (last[a] ?? Number.NaN) - (last[b] ?? Number.NaN);
}

/** Everything that a run writes. */
export function naiveWrites(model: Tiny, tokens: readonly number[], neurons = false): Writes {
  const sites = ["embed", "*.write", "*.head", "*.read"];
  const { trace } = run(reference, model, tokens, { sites });
  const found = new Map<string, Tensor>();
  for (const [site, value] of trace) {
    if (site === "embed" || site.endsWith(".read")) found.set(site, value);
    else if (site.endsWith(".write")) found.set(site.slice(0, -".write".length), value);
    else {
      const layer = site.slice(0, -".attn.head".length);
      for (let head = 0; head < model.architecture.heads; head++) {
        found.set(`${layer}.H${head}`, headOf(value, head));
      }
    }
  }
  for (let layer = 0; neurons && layer < model.architecture.layers; layer++) {
    for (let neuron = 0; neuron < model.architecture.d_mlp; neuron++) {
      found.set(`L${layer}.N${neuron}`, neuronWrite(model, tokens, `L${layer}.mlp`, neuron));
    }
  }
  return found;
}

/** What an MLP writes with one neuron active, its norm behind them as it is, less what it writes with none. */
function neuronWrite(
  model: Tiny,
  tokens: readonly number[],
  block: string,
  neuron: number,
  within: Given = {},
): Tensor {
  const post = inOrder(valueAt(model, tokens, `${block}.post`, within), ["pos", "d_mlp"]);
  const { trace } = run(reference, model, tokens, {
    sites: ["*.post_norm", "*.write_norm"],
    replace: within,
  });
  const norm = Object.fromEntries([...trace].filter(([site]) => site.startsWith(block)));
  const { d_mlp } = model.architecture;
  const writeOf = (active: (index: number) => boolean): Tensor =>
    computedAt(model, tokens, `${block}.write`, {
      ...norm,
      [`${block}.post`]: tensor(
        post.shape,
        Float64Array.from(post.data, (x, i) => (active(i % d_mlp) ? x : 0)),
      ),
    });
  return reference.sub(
    writeOf((index) => index === neuron),
    writeOf(() => false),
  );
}

/** The sites to replace so that `receiver` alone sees `delta` more than it did, in a run with others replaced. */
export function seenBy(
  model: Tiny,
  tokens: readonly number[],
  receiver: string,
  delta: Tensor,
  within: Given = {},
): Given {
  if (receiver === "final") {
    const site = `${blockNames(model.architecture).at(-1)}.after`;
    return { [site]: moved(model, tokens, site, delta, within) };
  }
  const [, of, neuron] = /^(L\d+)\.N(\d+)$/.exec(receiver) ?? [];
  if (of !== undefined) {
    const block = `${of}.mlp`;
    const read = `${block}.read`;
    const changed = { ...within, [read]: moved(model, tokens, read, delta, within) };
    const more = reference.sub(
      neuronWrite(model, tokens, block, Number(neuron), changed),
      neuronWrite(model, tokens, block, Number(neuron), within),
    );
    return { [`${block}.write`]: moved(model, tokens, `${block}.write`, more, within) };
  }
  const [, layer, head, input] = /^(L\d+)\.H(\d+)\.(\w+)$/.exec(receiver) ?? [];
  if (layer === undefined || head === undefined) {
    return { [`${receiver}.read`]: moved(model, tokens, `${receiver}.read`, delta, within) };
  }
  const block = `${layer}.attn`;
  const read = `${block}.read`;
  // The input of all heads is changed, then only this head's write is kept.
  const changed = valueAt(model, tokens, `${block}.${input}`, {
    ...within,
    [read]: moved(model, tokens, read, delta, within),
  });
  const site = `${block}.head`;
  const ours = valueAt(model, tokens, site, { ...within, [`${block}.${input}`]: changed });
  return { [site]: withHead(valueAt(model, tokens, site, within), ours, Number(head)) };
}

/** How far a receiver changes what it writes when it sees `delta` more: at head level the head alone. */
export function passedOn(
  model: Tiny,
  tokens: readonly number[],
  receiver: string,
  delta: Tensor,
): Tensor {
  const block = receiver.replace(/\.H\d+\.\w+$/, ".attn").replace(/\.N\d+$/, ".mlp");
  const site = `${block}.write`;
  const changed = valueAt(model, tokens, site, seenBy(model, tokens, receiver, delta));
  return reference.sub(changed, valueAt(model, tokens, site));
}

/** The sites to replace so that a source writes `delta` more. */
export function writtenBy(
  model: Tiny,
  tokens: readonly number[],
  source: string,
  delta: Tensor,
): Given {
  // What one head or neuron writes more, its block writes more; the stream at a point is what the block before left.
  const block = source.replace(/\.H\d+$/, ".attn").replace(/\.N\d+$/, ".mlp");
  const names = blockNames(model.architecture);
  const earlier = names[names.indexOf(source.slice(0, -".read".length)) - 1];
  const ofStream = earlier === undefined ? "embed" : `${earlier}.after`;
  const site = source.endsWith(".read") ? ofStream : source === "embed" ? source : `${block}.write`;
  return { [site]: moved(model, tokens, site, delta) };
}

/** Values of plain runs, which many interventions start from. */
const plain = new WeakMap<Tiny, Map<string, Tensor>>();

/** One value of a run. */
export function valueAt(
  model: Tiny,
  tokens: readonly number[],
  site: string,
  replace: Given = {},
): Tensor {
  if (Object.keys(replace).length > 0) return computedAt(model, tokens, site, replace);
  const known = plain.get(model) ?? new Map<string, Tensor>();
  plain.set(model, known);
  const name = `${site} of ${tokens}`;
  const value = known.get(name) ?? computedAt(model, tokens, site, replace);
  known.set(name, value);
  return value;
}

function computedAt(model: Tiny, tokens: readonly number[], site: string, replace: Given): Tensor {
  const value = run(reference, model, tokens, { sites: [site], replace }).trace.get(site);
  if (value === undefined) throw new Error(`The run has no site ${site}.`);
  return value;
}

function moved(
  model: Tiny,
  tokens: readonly number[],
  site: string,
  delta: Tensor,
  within: Given = {},
): Tensor {
  return reference.add(valueAt(model, tokens, site, within), delta);
}

function headOf(heads: Tensor, head: number): Tensor {
  return reference.sum(reference.slice(heads, "head", head, head + 1), ["head"]);
}

function withHead(base: Tensor, other: Tensor, head: number): Tensor {
  const axes = ["pos", "head", "d_model"];
  const [x, y] = [inOrder(base, axes), inOrder(other, axes)];
  const { head: heads = 1, d_model = 1 } = x.shape;
  return tensor(
    x.shape,
    Float64Array.from(x.data, (value, i) =>
      Math.floor(i / d_model) % heads === head ? (y.data[i] ?? Number.NaN) : value,
    ),
  );
}
