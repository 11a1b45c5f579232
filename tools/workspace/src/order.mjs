/**
 * The order of the packages: each may use those before it, and nothing else of this repository.
 * A new package gets its place here.
 */
const order = [
  "tensor",
  "cpu",
  "webgpu",
  "gpujs",
  "weights",
  "transformer",
  "analysis",
  "figures",
  "attention",
  "patching",
  "expansion",
  "paths",
  "dictionary",
  "linearity",
  "report",
  "merge",
  "models",
  "resolvent",
  "elements",
];

/** Packages that are published as bundles: what they import is inside, so that nothing else is installed with them. */
export const bundled = ["elements"];

/** The package that puts the others together for a program: it chooses an engine, and brings what others leave to it. */
const top = "resolvent";

/** Engines are chosen by the caller: packages below the top may use them in tests only. */
const engines = ["cpu", "webgpu", "gpujs"];

/** Packages of which a program shall hold one copy: to other packages they are peers, which its author installs. */
const peers = ["tensor"];

/**
 * Why one member may not use another, or undefined where it may.
 * @param {import("./members.mjs").Member} from
 * @param {import("./members.mjs").Member} to
 * @param {boolean} inTests whether the use is in tests, or in devDependencies
 * @returns {string | undefined}
 */
export function whyNot(from, to, inTests) {
  if (to.folder === "tools/testkit" && (inTests || from.group === "tools")) return undefined;
  if (to.group === "tools" && from.group === "tools") return undefined; // a benchmark times a training step
  if (to.group === "tools")
    return "only tests and tools use the testkit, and only tools use other tools";
  if (to.group === "apps") return "nothing uses an app";
  const place = order.indexOf(to.id);
  if (place < 0) return `${to.folder} has no place in the order (tools/workspace/src/order.mjs)`;
  if (from.group !== "packages") return undefined;
  const own = order.indexOf(from.id);
  if (own < 0) return `${from.folder} has no place in the order (tools/workspace/src/order.mjs)`;
  if (place > own) return `${from.id} comes before ${to.id} in the order`;
  if (engines.includes(to.id) && from.id !== top && !inTests)
    return "engines are chosen by the caller";
  return undefined;
}

/**
 * What is wrong with the field of package.json in which one member declares another, or undefined where it is right.
 * @param {import("./members.mjs").Member} from
 * @param {import("./members.mjs").Member} to
 * @returns {string | undefined}
 */
export function wrongField(from, to) {
  if (from.group !== "packages" || from.id === top || !peers.includes(to.id)) return undefined;
  const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = from.manifest;
  const { name } = to.manifest;
  if (name in dependencies) return "a program holds one copy of it: make it a peer dependency";
  if (name in peerDependencies && !(name in devDependencies))
    return "as a peer it is not installed here: add it to devDependencies too";
  return undefined;
}
