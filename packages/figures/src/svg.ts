import { escapeHtml } from "./escape.ts";
import type { Drawing } from "./shape.ts";
import { COLOURS, type ColourTheme, FIGURE, figureIn, THEME } from "./style.ts";
import { type SvgNode, svgNode } from "./svg-node.ts";
import { FONT } from "./text.ts";

export interface SvgOptions {
  /** Of the ids in it, which have to differ in a page; default `rs`. */
  readonly id?: string;
  /** Whether it stands alone: with its colours, and its title to be seen; default no. */
  readonly alone?: boolean;
  /**
   * The colours of one that stands alone: light or dark, written out for programs that know no variables, or as the
   * reader likes it; default the latter.
   */
  readonly theme?: ColourTheme | "auto";
}

/** Pixels of a title. */
const TITLE = 28;

/** A drawing as SVG: text, without a DOM. Everything from a model or an input is escaped. */
export function svgOf(
  drawing: Drawing,
  { id = "rs", alone = false, theme = "auto" }: SvgOptions = {},
): string {
  const height = Math.ceil(drawing.height) + (alone ? TITLE : 0);
  const svg = svgNode({ ...drawing, height }, { id });
  if (!alone) return textOf(svg);
  const [title = "", desc = "", ...shapes] = svg.children;
  const [style, paper] =
    theme === "auto"
      ? [`${THEME.replaceAll(":root", "svg")}${FIGURE}`, `style="fill:var(--rs-paper)"`]
      : [figureIn(theme), `fill="${COLOURS[theme].paper}"`];
  return [
    `<${svg.name}${attributesText(svg)}>${textOf(title)}${textOf(desc)}`,
    `<style>${style}</style><rect width="100%" height="100%" ${paper}/>`,
    `<text class="strong" x="4" y="18" font-size="${FONT + 2}">${escapeHtml(drawing.title)}</text>`,
    `<g transform="translate(0 ${TITLE})">${shapes.map(textOf).join("")}</g></svg>`,
  ].join("");
}

function textOf(node: SvgNode | string): string {
  if (typeof node === "string") return escapeHtml(node);
  const { name, children } = node;
  const head = `<${name}${attributesText(node)}`;
  return children.length === 0 && name !== "text"
    ? `${head}/>`
    : `${head}>${children.map(textOf).join("")}</${name}>`;
}

function attributesText({ attributes }: SvgNode): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeHtml(value)}"`)
    .join("");
}
