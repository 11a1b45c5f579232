import { type SvgNode, spelledOut } from "@resolvent/figures";

const SVG = "http://www.w3.org/2000/svg";

/** Elements of SVG of what a drawing is as data. Texts stay texts, whatever they are of. */
export function svgElement({ name, attributes, children }: SvgNode): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute !== "xmlns") element.setAttribute(attribute, value);
  }
  element.append(
    ...children.map((child) => (typeof child === "string" ? spelledOut(child) : svgElement(child))),
  );
  return element;
}

/** An element of HTML with a class, or none, and what is in it; texts stay texts. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children.map((child) => (typeof child === "string" ? spelledOut(child) : child)));
  return made;
}
