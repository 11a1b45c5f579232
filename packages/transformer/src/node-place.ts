import { InputError } from "@resolvent/tensor";
import { didYouMean, nearestNames } from "@resolvent/weights";
import type { Architecture } from "./model.ts";
import { type Node, nodesNamed, nodesOf } from "./node.ts";
import type { Site } from "./sites.ts";

/** Where what nodes write can be replaced in a run: the value of a site, or entries of it along an axis. */
export interface NodePlace {
  readonly site: Site;
  /** Undefined for the whole value. */
  readonly axis: string | undefined;
  readonly indices: readonly number[];
}

/**
 * The places of nodes by name, one for each site.
 *
 * @throws InputError `transformer/no-node`, with the nearest name; `transformer/no-head`
 */
export function nodePlaces(architecture: Architecture, names: readonly string[]): NodePlace[] {
  const places = new Map<Site, NodePlace>();
  for (const name of names) {
    const nodes = nodesNamed(architecture, name);
    if (nodes.length === 0) throw noNode(architecture, name);
    for (const node of nodes) {
      const { site, axis, indices } = placeOf(node);
      const before = places.get(site)?.indices ?? [];
      places.set(site, { site, axis, indices: [...before, ...indices] });
    }
  }
  return [...places.values()];
}

/** The sites at which nodes are replaced: `L0.attn.head` of `L0.H3`, `L0.mlp.post` of `L0.N12`, `L0.mlp.write` of `L0.mlp`. */
export function ablatedSites(architecture: Architecture, names: readonly string[]): Site[] {
  return nodePlaces(architecture, names).map(({ site }) => site);
}

function placeOf({ name, block, part }: Node): NodePlace {
  if (part === undefined) {
    return { site: block === undefined ? name : `${block}.write`, axis: undefined, indices: [] };
  }
  const { site } = part.of;
  if (site !== undefined) {
    return { site: `${block}.${site.name}`, axis: site.axis, indices: [part.index] };
  }
  throw new InputError({
    code: "transformer/no-place",
    message: `What ${name} writes is no value of a run, so it cannot be replaced there.`,
    remedy: "Parts say by `site` where their values are.",
    details: { node: name },
  });
}

/** Says that a model has no node of a name, and which may have been meant. */
function noNode(architecture: Architecture, name: string): InputError {
  const layers = Array.from({ length: architecture.layers }, (_, layer) => `L${layer}`);
  const levels = (["block", "head"] as const).flatMap((level) => nodesOf(architecture, level));
  const names = [...levels.flat().map((node) => node.name), ...layers];
  const near = nearestNames(name, new Set(names)).slice(0, 1);
  return new InputError({
    code: "transformer/no-node",
    message: `The model has no node "${name}".`,
    remedy: `${didYouMean(near)}Nodes are blocks L0.attn and L0.mlp, layers L0, heads L0.H3, and neurons L0.N12.`,
    details: { got: name, ...(near.length > 0 && { nearest: near[0] }) },
  });
}
