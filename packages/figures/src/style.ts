/**
 * Colours by their meaning, for light and dark: towards the answer orange, against it blue; series in colours that
 * people of all colour visions tell apart (Okabe & Ito 2008), darker on white, lighter on black.
 */
export const COLOURS = {
  light: {
    paper: "#ffffff",
    panel: "#f6f8fa",
    ink: "#1a1a1a",
    faint: "#5b6168",
    grid: "#dfe3e8",
    axis: "#8a9099",
    towards: "#c2410c",
    against: "#1d4ed8",
    size: "#0f766e",
    twin: "#7c8591",
    warn: "#fff4d6",
    "series-0": "#0072b2",
    "series-1": "#c04a00",
    "series-2": "#00765a",
    "series-3": "#a34c7f",
  },
  dark: {
    paper: "#14161a",
    panel: "#1b1f26",
    ink: "#e8e8e6",
    faint: "#a3a8b0",
    grid: "#2d323a",
    axis: "#6c7480",
    towards: "#fb923c",
    against: "#7aa2ff",
    size: "#14a895",
    twin: "#8b95a3",
    warn: "#3a3010",
    "series-0": "#56b4e9",
    "series-1": "#e69f00",
    "series-2": "#2cc295",
    "series-3": "#e79bc8",
  },
} as const;

const variables = (colours: Readonly<Record<string, string>>): string =>
  Object.entries(colours)
    .map(([name, colour]) => `--rs-${name}:${colour}`)
    .join(";");

/** The variables `--rs-*`, light and dark as the reader likes it, and the colours of the system where these are forced. */
export const THEME: string = `:root{color-scheme:light dark;${variables(COLOURS.light)}}
@media (prefers-color-scheme:dark){:root{${variables(COLOURS.dark)}}}
@media (forced-colors:active){:root{--rs-paper:Canvas;--rs-panel:Canvas;--rs-ink:CanvasText;--rs-faint:CanvasText;--rs-grid:GrayText;--rs-axis:CanvasText;--rs-towards:CanvasText;--rs-against:LinkText;--rs-size:CanvasText;--rs-twin:GrayText;--rs-warn:Canvas;${[0, 1, 2, 3].map((n) => `--rs-series-${n}:CanvasText`).join(";")}}.rs line.grid{stroke-opacity:0.4}.rs text{paint-order:stroke;stroke:Canvas;stroke-width:3px;stroke-linejoin:round}}`;

/** How shapes look by their roles. */
export const FIGURE: string = `.rs{font:12px/1 system-ui,sans-serif;font-variant-numeric:tabular-nums}
.rs .m{font-family:ui-monospace,Menlo,Consolas,monospace}
.rs text{fill:var(--rs-ink)}.rs text.faint{fill:var(--rs-faint)}.rs text.strong{font-weight:600}
.rs rect,.rs circle{stroke:none}.rs rect.empty{fill:var(--rs-panel);stroke:var(--rs-grid)}
.rs .line,.rs path,.rs line{fill:none}
.rs .towards{fill:var(--rs-towards)}.rs .against{fill:var(--rs-against)}.rs .size{fill:var(--rs-size)}.rs .twin{fill:var(--rs-twin)}
.rs line.grid{stroke:var(--rs-grid)}.rs line.axis{stroke:var(--rs-axis)}.rs line.ink{stroke:var(--rs-ink)}
.rs circle.line{fill:var(--rs-ink)}.rs path.line{stroke:var(--rs-ink)}
.rs path.towards,.rs line.towards{fill:none;stroke:var(--rs-towards)}.rs path.against,.rs line.against{fill:none;stroke:var(--rs-against);stroke-dasharray:6 3}
.rs path.f{stroke:none}${["towards", "against", "size"].map((role) => `.rs path.f.${role}{fill:var(--rs-${role});stroke:none}`).join("")}
${[0, 1, 2, 3].map((n) => `.rs .series-${n}{fill:var(--rs-series-${n});stroke:var(--rs-series-${n})}.rs path.series-${n}.o{fill:none}`).join("")}`;

/** A set of colours. */
export type ColourTheme = keyof typeof COLOURS;

/** How shapes look in the colours of one theme, written out: many programs that open SVG know no variables. */
export function figureIn(theme: ColourTheme): string {
  const colours: Readonly<Record<string, string>> = COLOURS[theme];
  return FIGURE.replace(/var\(--rs-([\w-]+)\)/g, (_, name: string) => colours[name] ?? "none");
}
