/** How a page looks, on any width; it scrolls sideways only inside figures and tables. */
export const PAGE = `
*{box-sizing:border-box}
body{margin:0;background:var(--rs-paper);color:var(--rs-ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:61rem;margin:0 auto;padding:1.75rem 1rem 4rem}
.kicker{margin:0;color:var(--rs-faint);font-size:.9rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.2;margin:.1rem 0 .9rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;line-height:1.3;margin:2.5rem 0 .5rem;overflow-wrap:anywhere}
p{max-width:46rem;overflow-wrap:anywhere}
.lead{font-size:1.15rem;font-weight:600;margin:.75rem 0}
.prompt{font:14px/1.9 ui-monospace,Menlo,Consolas,monospace;margin:0 0 .75rem;max-width:none}
.prompt small{font:.85rem system-ui,sans-serif;color:var(--rs-faint);display:inline-block;min-width:3.6rem}
.token{background:var(--rs-panel);border:1px solid var(--rs-grid);border-radius:4px;padding:1px 3px;margin-right:2px;white-space:pre-wrap}
aside{background:var(--rs-warn);border-left:4px solid var(--rs-towards);padding:.5rem 1rem;border-radius:4px;margin:1rem 0}
aside h2{margin:0;font-size:1rem}aside ul{margin:.25rem 0;padding-left:1.2rem}li{overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;column-gap:2rem}
figure{margin:1.75rem 0;flex:0 0 100%;min-width:0}@media (min-width:60rem){figure.small{flex:0 0 calc(50% - 1rem)}}figure h2{margin:0 0 .15rem}figcaption p{margin:0 0 .75rem;color:var(--rs-faint);font-size:.95rem}
.scroll{overflow-x:auto;max-width:100%}.scroll svg{display:block}
.narrow{display:none}
@media (max-width:60rem){.wide{display:none}.narrow{display:block}}
details{border-top:1px solid var(--rs-grid);padding:.5rem 0}
summary{cursor:pointer;font-weight:600;padding:.35rem 0;overflow-wrap:anywhere}@media (max-width:60rem){summary{padding:.65rem 0}}summary small{font-weight:400;color:var(--rs-faint)}
.note{color:var(--rs-faint);font-size:.9rem;margin:.4rem 0}
table{border-collapse:collapse;font-size:13px;line-height:1.35;font-variant-numeric:tabular-nums}
th,td{padding:.28rem .6rem;text-align:right;vertical-align:top;white-space:nowrap;font-weight:400}
thead th{border-bottom:1px solid var(--rs-ink);font-weight:600}
tbody tr:nth-child(even){background:var(--rs-panel)}tfoot th,tfoot td{border-top:1px solid var(--rs-grid);font-weight:600}
th:first-child,td:first-child,.words,.token-cell{text-align:left}td.words,th.words{white-space:normal;min-width:6rem;max-width:34rem}
.token-cell{font-family:ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap}
.verdict{font-weight:600}
dl{display:grid;grid-template-columns:minmax(5rem,max-content) 1fr;gap:.2rem 1rem;font-size:.9rem}
dt{color:var(--rs-faint)}dd{margin:0;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--rs-panel);border:1px solid var(--rs-grid);border-radius:6px;padding:.75rem;font:13px/1.5 ui-monospace,Menlo,Consolas,monospace}
.option{white-space:nowrap}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
:focus-visible{outline:2px solid var(--rs-against);outline-offset:2px}
`;
