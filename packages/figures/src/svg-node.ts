import type { Drawing, Role, Shape } from "./shape.ts";

/** An element of SVG, as data: whoever has a DOM makes it there, others write it as text. */
export interface SvgNode {
  readonly name: string;
  /** In the order in which they are written. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly (SvgNode | string)[];
}

export interface SvgNodeOptions {
  /** Of the ids in it, which have to differ in a page; default `rs`. */
  readonly id?: string;
  /** Further classes of a shape, with a space before each: what is lit. */
  readonly classes?: (shape: Shape) => string;
}

/** A drawing as elements of SVG; everything from a model or an input is in it as it came. */
export function svgNode(
  { width, height, title, alt, shapes }: Drawing,
  { id = "rs", classes = () => "" }: SvgNodeOptions = {},
): SvgNode {
  const tall = String(Math.ceil(height));
  const wide = String(Math.ceil(width));
  return {
    name: "svg",
    attributes: {
      ...{ xmlns: SVG, class: "rs", role: "img", width: wide, height: tall },
      ...{ viewBox: `0 0 ${wide} ${tall}`, "aria-labelledby": `${id}-title ${id}-desc` },
    },
    children: [
      { name: "title", attributes: { id: `${id}-title` }, children: [title] },
      { name: "desc", attributes: { id: `${id}-desc` }, children: [alt] },
      ...shapes.map((shape) => shapeNode(shape, classes(shape))),
    ],
  };
}

/** How much of its colour a digit has that another engine may have otherwise. */
export const UNSURE = 0.6;

/** The namespace of SVG. */
const SVG = "http://www.w3.org/2000/svg";

/** One shape as an element of SVG. */
function shapeNode(shape: Shape, more: string): SvgNode {
  const { role, level, node, pos, key, says } = shape;
  const data = attributes({ "data-node": node, "data-pos": pos, "data-key": key });
  const children: SvgNode[] =
    says === undefined ? [] : [{ name: "title", attributes: {}, children: [says] }];
  const filled = attributes({ "fill-opacity": level });
  const stroked = (width: number | undefined): Readonly<Record<string, string>> =>
    attributes({ "stroke-opacity": level, "stroke-width": width });
  switch (shape.kind) {
    case "rect": {
      const { x, y, width, height } = shape;
      const place = attributes({ class: `${role}${more}`, x, y, width, height });
      return { name: "rect", attributes: { ...place, ...filled, ...data }, children };
    }
    case "circle": {
      const place = attributes({ class: `${role}${more}`, cx: shape.x, cy: shape.y, r: shape.r });
      return { name: "circle", attributes: { ...place, ...filled, ...data }, children };
    }
    case "line": {
      const { x1, y1, x2, y2, width } = shape;
      const place = attributes({ class: `${role}${more}`, x1, y1, x2, y2 });
      return { name: "line", attributes: { ...place, ...stroked(width), ...data }, children };
    }
    case "path": {
      const { d, width, filled: area = false } = shape;
      const kind = area ? " f" : width === undefined ? "" : " o";
      const place = { class: `${role}${kind}${more}`, d };
      const how = area ? filled : stroked(width);
      return { name: "path", attributes: { ...place, ...how, ...data }, children };
    }
    case "text": {
      const { x, y, text, unsure, anchor = "start", upwards = false, mono = false } = shape;
      const place = attributes({
        ...{ class: `${role}${mono ? " m" : ""}${more}`, x, y },
        "text-anchor": anchor === "start" ? undefined : anchor,
        transform: upwards ? `rotate(-90 ${px(x)} ${px(y)})` : undefined,
      });
      return {
        name: "text",
        attributes: { ...place, ...data },
        children: partsOf(text, role, unsure),
      };
    }
  }
}

/** A text whose unsure digits are an element of their own. */
function partsOf(
  text: string,
  role: Role,
  unsure: readonly [from: number, to: number] | undefined,
): readonly (SvgNode | string)[] {
  if (unsure === undefined) return [text];
  const [from, to] = unsure;
  const grey = {
    name: "tspan",
    attributes: {
      ...{ class: "unsure", "font-style": "italic" },
      ...(role !== "faint" && { "fill-opacity": String(UNSURE) }), // what is grey stays as it is
    },
    children: [text.slice(from, to)],
  };
  return [text.slice(0, from), grey, text.slice(to)];
}

/** Those that there are, numbers as pixels. */
function attributes(
  given: Readonly<Record<string, string | number | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "number" ? px(value) : value]],
    ),
  );
}

/** Pixels in few digits; never a number that SVG does not have. */
function px(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toFixed(2))) : "0";
}
