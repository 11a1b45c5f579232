import { escapeHtml } from "./escape.ts";
import type { SvgNode } from "./svg-node.ts";

/** An element of SVG as text. Everything from a model or an input is escaped. */
export function svgText({ name, children, ...node }: SvgNode): string {
  const head = `<${name}${attributesText(node)}`;
  return children.length === 0 && name !== "text"
    ? `${head}/>`
    : `${head}>${children.map(textOf).join("")}</${name}>`;
}

const textOf = (node: SvgNode | string): string =>
  typeof node === "string" ? escapeHtml(node) : svgText(node);

/** The attributes of an element, each with a space before it. */
export function attributesText({ attributes }: Pick<SvgNode, "attributes">): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`)
    .join("");
}
