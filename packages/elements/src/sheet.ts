import { COLOURS, FIGURE, THEME } from "@resolvent/figures";

const colours = (of: Readonly<Record<string, string>>): string =>
  Object.entries(of)
    .map(([name, colour]) => `--rs-${name}:${colour}`)
    .join(";");

/** Pixels around what an element shows. */
export const PADDING = 8;

/**
 * How an element looks. It is written from left to right, whatever the page around it: places in a figure are where its
 * texts begin. Nothing moves. Paper is light, whatever the theme, and has no tables that are folded.
 */
export const SHEET: string = `${THEME.replaceAll(":root", ":host")}
@media screen and (forced-colors:none){:host([theme=light]){color-scheme:light;${colours(COLOURS.light)}}:host([theme=dark]){color-scheme:dark;${colours(COLOURS.dark)}}}
${FIGURE}
:host{display:block;box-sizing:border-box;min-width:0;padding:${PADDING}px;background:var(--rs-paper);color:var(--rs-ink);font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif;text-align:start;direction:ltr}
:host([hidden]){display:none}
*{box-sizing:border-box}
figure{margin:0 0 1rem}
h3{font-size:1rem;line-height:1.3;margin:0 0 .15rem;overflow-wrap:anywhere}
p,li{overflow-wrap:anywhere;margin:0 0 .5rem;max-width:46rem}
.note,small{color:var(--rs-faint);font-size:.9em}
.fault,aside{background:var(--rs-warn);border:1px solid var(--rs-grid);border-inline-start:4px solid var(--rs-towards);padding:.5rem .75rem;border-radius:4px;margin:0 0 .75rem;max-width:46rem}
aside ul{margin:0;padding-inline-start:1.2rem}aside li:last-child{margin:0}
.scroll{overflow-x:auto;max-width:100%}
svg{display:block}
[data-mark]{cursor:pointer}
.some [data-mark]:not(.lit):not(text){opacity:.3}
text.lit{font-weight:600}
rect.lit,circle.lit{stroke:var(--rs-ink);stroke-width:1.5}
details{border-top:1px solid var(--rs-grid);padding:.25rem 0}
summary{cursor:pointer;font-weight:600;padding:.6rem 0;min-height:44px}
summary small{font-weight:400}
table{border-collapse:collapse;font-size:13px;line-height:1.35;font-variant-numeric:tabular-nums;margin:0 0 .5rem}
th,td{padding:.28rem .6rem;text-align:end;vertical-align:top;white-space:nowrap;font-weight:400}
thead th{border-bottom:1px solid var(--rs-ink);font-weight:600}
tfoot th,tfoot td{border-top:1px solid var(--rs-grid);font-weight:600}
.words,.token{text-align:start}td.words,th.words{white-space:normal;min-width:6rem;max-width:34rem}
.token{font-family:ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap}
tr.lit{background:var(--rs-panel);outline:1px solid var(--rs-ink)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
:focus-visible{outline:2px solid var(--rs-against);outline-offset:2px}
@media print{:host{color-scheme:light;${colours(COLOURS.light)}}figure,aside,tr{break-inside:avoid}.scroll{overflow:visible}svg{max-width:100%;height:auto}details:not([open]){display:none}.some [data-mark]:not(.lit):not(text){opacity:1}}
`;
