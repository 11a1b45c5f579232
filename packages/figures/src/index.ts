export { escapeHtml, spelledOut } from "./escape.ts";
export { layout } from "./layout.ts";
export { type LayoutOptions, layoutOfPaths } from "./layout-of-paths.ts";
export {
  type ListCell,
  type ListHead,
  type ListRow,
  type ListRows,
  listRows,
} from "./list-rows.ts";
export { type Near, nearOf } from "./near.ts";
export { type PageParts, pageOf } from "./page.ts";
export { type PaintOptions, type Pen, paint } from "./paint.ts";
export { type ReportFigure, reportPage } from "./report-page.ts";
export type { Drawing, Refers, Role, Shape } from "./shape.ts";
export { COLOURS, type ColourTheme, FIGURE, THEME } from "./style.ts";
export { type SvgOptions, svgOf } from "./svg.ts";
export { type SvgNode, type SvgNodeOptions, svgNode } from "./svg-node.ts";
export { svgText } from "./svg-text.ts";
export { counted, minuses, visible } from "./text.ts";
export { besideTable, type Digits } from "./unsure.ts";
