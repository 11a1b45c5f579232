import { escapeHtml } from "./escape.ts";
import type { Drawing, Shape } from "./shape.ts";
import { FIGURE, THEME } from "./style.ts";
import { FONT } from "./text.ts";

export interface SvgOptions {
  /** Of the ids in it, which have to differ in a page; default `rs`. */
  readonly id?: string;
  /** Whether it stands alone: with its colours, and its title to be seen; default no. */
  readonly alone?: boolean;
}

/** Pixels of a title. */
const TITLE = 28;

/** A drawing as SVG: text, without a DOM. Everything from a model or an input is escaped. */
export function svgOf(drawing: Drawing, { id = "rs", alone = false }: SvgOptions = {}): string {
  const { width, height, title, alt, shapes } = drawing;
  const tall = Math.ceil(height) + (alone ? TITLE : 0);
  const wide = Math.ceil(width);
  const inner = shapes.map(shapeText).join("");
  const name = escapeHtml(id);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="rs" role="img" width="${wide}" height="${tall}" viewBox="0 0 ${wide} ${tall}" aria-labelledby="${name}-title ${name}-desc">`,
    `<title id="${name}-title">${escapeHtml(title)}</title><desc id="${name}-desc">${escapeHtml(alt)}</desc>`,
    alone
      ? `<style>${THEME.replaceAll(":root", "svg")}${FIGURE}</style><rect width="100%" height="100%" style="fill:var(--rs-paper)"/><text class="strong" x="4" y="18" font-size="${FONT + 2}">${escapeHtml(title)}</text><g transform="translate(0 ${TITLE})">${inner}</g>`
      : inner,
    "</svg>",
  ].join("");
}

function shapeText(shape: Shape): string {
  const { role, level, node, pos, key, says } = shape;
  const data = [
    attribute("data-node", node),
    attribute("data-pos", pos),
    attribute("data-key", key),
  ].join("");
  const inner = says === undefined ? "" : `<title>${escapeHtml(says)}</title>`;
  const close = (name: string): string => (inner === "" ? "/>" : `>${inner}</${name}>`);
  const filled = level === undefined ? "" : ` fill-opacity="${px(level)}"`;
  const stroked = (width: number | undefined): string =>
    `${level === undefined ? "" : ` stroke-opacity="${px(level)}"`}${width === undefined ? "" : ` stroke-width="${px(width)}"`}`;
  switch (shape.kind) {
    case "rect":
      return `<rect class="${role}" x="${px(shape.x)}" y="${px(shape.y)}" width="${px(shape.width)}" height="${px(shape.height)}"${filled}${data}${close("rect")}`;
    case "circle":
      return `<circle class="${role}" cx="${px(shape.x)}" cy="${px(shape.y)}" r="${px(shape.r)}"${filled}${data}${close("circle")}`;
    case "line":
      return `<line class="${role}" x1="${px(shape.x1)}" y1="${px(shape.y1)}" x2="${px(shape.x2)}" y2="${px(shape.y2)}"${stroked(shape.width)}${data}${close("line")}`;
    case "path": {
      const { d, width, filled: area = false } = shape;
      const kind = area ? " f" : width === undefined ? "" : " o";
      return `<path class="${role}${kind}" d="${escapeHtml(d)}"${area ? filled : stroked(width)}${data}${close("path")}`;
    }
    case "text": {
      const { x, y, text, anchor = "start", upwards = false, mono = false } = shape;
      const turned = upwards ? ` transform="rotate(-90 ${px(x)} ${px(y)})"` : "";
      const from = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
      return `<text class="${role}${mono ? " m" : ""}" x="${px(x)}" y="${px(y)}"${from}${turned}${data}>${escapeHtml(text)}</text>`;
    }
  }
}

function attribute(name: string, value: string | undefined): string {
  return value === undefined ? "" : ` ${name}="${escapeHtml(value)}"`;
}

/** Pixels in few digits; never a number that SVG does not have. */
function px(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toFixed(2))) : "0";
}
