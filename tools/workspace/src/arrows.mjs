// Fails on imports against the order of the packages, on undeclared dependencies or in the wrong field, and on import
// cycles.
import { existsSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { sourcesOf } from "./imports.mjs";
import { membersOf, readManifest, repository } from "./members.mjs";
import { bundled, whyNot, wrongField } from "./order.mjs";

/**
 * Everything wrong with the arrows between packages and files below `root`, one line each.
 * @param {string} root
 * @returns {string[]}
 */
export function wrongArrows(root) {
  const members = membersOf(root);
  const byName = new Map(members.map((member) => [member.manifest.name, member]));
  const rootDeclares = Object.keys(readManifest(root).devDependencies ?? {});
  /** @type {string[]} */
  const problems = [];
  /** @type {Map<string, string[]>} */
  const files = new Map();

  for (const from of members) {
    const used = usedBy(from.manifest);
    const declared = [...used, ...Object.keys(from.manifest.devDependencies ?? {})];
    for (const name of new Set(declared)) {
      const to = byName.get(name);
      const reason = to && (whyNot(from, to, !used.includes(name)) ?? wrongField(from, to));
      if (reason) problems.push(`${from.folder}/package.json depends on ${name}: ${reason}`);
    }
    for (const source of sourcesOf(root, from.folder)) {
      const edges = [];
      if (source.error) problems.push(`${source.path} cannot be parsed: ${source.error}`);
      for (const specifier of source.imports) {
        if (specifier.startsWith(".")) {
          const path = posix.join(posix.dirname(source.path), specifier);
          if (!path.startsWith(`${from.folder}/`)) {
            problems.push(`${source.path} reaches out of its package: ${specifier}`);
          } else if (isFile(join(root, path))) edges.push(path);
          continue;
        }
        // What a build makes, as the app's of its catalogue, is in no package.
        if (isBuiltin(specifier) || specifier.startsWith("virtual:")) continue;
        const name = specifier
          .split("/")
          .slice(0, specifier.startsWith("@") ? 2 : 1)
          .join("/");
        const to = byName.get(name);
        if (to === from) {
          if (!source.isTest) problems.push(`${source.path} imports its own package by name`);
          continue;
        }
        const dev = source.isTest || from.group === "tools" || bundled.includes(from.id);
        const reason = to && whyNot(from, to, source.isTest);
        if (reason) problems.push(`${source.path} imports ${name}: ${reason}`);
        const known = dev ? [...declared, ...rootDeclares] : used;
        if (!known.includes(name)) {
          problems.push(
            `${source.path} imports ${name}, which ${from.folder}/package.json does not declare`,
          );
        }
      }
      files.set(source.path, edges);
    }
  }
  return [...problems, ...cycles(files).map((cycle) => `import cycle: ${cycle.join(" -> ")}`)];
}

/**
 * The packages that a package needs where it is installed.
 * @param {import("./members.mjs").Manifest} manifest
 */
function usedBy({ dependencies, peerDependencies, optionalDependencies }) {
  return Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies });
}

/** @param {string} path */
function isFile(path) {
  return existsSync(path) && statSync(path).isFile();
}

/**
 * Cycles of a graph, each as the nodes along it with the first one again at the end; none exactly when
 * the graph has none. Depth first: an edge back to a node that is still open closes a cycle.
 * @param {ReadonlyMap<string, readonly string[]>} graph
 * @returns {string[][]}
 */
export function cycles(graph) {
  /** @type {Set<string>} */
  const done = new Set();
  /** @type {string[]} */
  const open = [];
  /** @type {string[][]} */
  const found = [];
  /** @param {string} node */
  const visit = (node) => {
    if (done.has(node)) return;
    const start = open.indexOf(node);
    if (start >= 0) {
      found.push([...open.slice(start), node]);
      return;
    }
    open.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    open.pop();
    done.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return found;
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const problems = wrongArrows(repository);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
