/** How the page looks: light and dark, wide and narrow, on a screen and on paper. */

/** Labels stand in so many columns at most. */
const MOST_WORDS = 16;

/** The first cells of a row are words: named once a table, for a cell's own class would be most of the page. */
function wordColumns(): string {
  const rules = Array.from({ length: MOST_WORDS }, (_, index) => {
    const columns = `:nth-child(-n+${index + 1})`;
    return `.words-${index + 1} td${columns}, .words-${index + 1} th${columns} { text-align: left; }`;
  });
  return rules.join("\n");
}

export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --raised: #f5f7f9; --text: #1b1f24; --quiet: #56606b; --line: #d5dae0;
  --accent: #005a9c; --better: #00634a; --worse: #a33f00; --note: #fff6dd; --note-line: #b58900;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #14181d; --raised: #1d2329; --text: #e6e9ec; --quiet: #a5afb9; --line: #3a434d;
    --accent: #7cc4ff; --better: #4fd3ad; --worse: #ffab5e; --note: #2c2612; --note-line: #d8a800;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { font: 16px/1.5 system-ui, sans-serif; background: var(--background); color: var(--text); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 78rem; padding: 1rem clamp(0.75rem, 3vw, 2rem) 3rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 0 0 0.25rem; }
p { margin: 0.25rem 0 0.5rem; max-width: 75ch; }
.quiet { color: var(--quiet); font-size: 0.9rem; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.25rem; padding: 0; margin: 0; }
nav a { display: inline-block; padding: 0.35rem 0; }
.answers { padding: 0; margin: 0; list-style: none; }
.answers li { border-left: 4px solid var(--accent); background: var(--raised); padding: 0.6rem 0.9rem; margin: 0 0 0.6rem; }
.answers strong { display: block; }
.answers ul { margin: 0.25rem 0 0; padding-left: 1.2rem; }
.answers li li { border: 0; background: none; padding: 0; margin: 0; }
.note, .answers li.note { border-left: 4px solid var(--note-line); background: var(--note); padding: 0.5rem 0.9rem; margin: 0.5rem 0; }
.unlike { display: block; font-size: 0.9rem; }
figure { margin: 0 0 2rem; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; }
figcaption { color: var(--quiet); font-size: 0.9rem; max-width: 75ch; }
.plot { min-height: 4rem; overflow: hidden; margin: 0.5rem 0; }
figure img { display: block; width: 100%; max-width: 840px; height: auto; background: #ffffff; }
.legend { border: 0; padding: 0; margin: 0.25rem 0; display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; }
.legend label { display: inline-flex; align-items: center; gap: 0.4rem; padding: 0.25rem 0; font-size: 0.9rem; cursor: pointer; }
.legend canvas { width: 30px; height: 16px; }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.reader { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; font-size: 0.9rem; }
.reader label { display: flex; flex: 1 1 100%; gap: 0.75rem; align-items: center; }
.reader input { flex: 1 1 10rem; max-width: 22rem; accent-color: var(--accent); }
.reader output { flex: 1 1 100%; min-height: 1.5em; font-variant-numeric: tabular-nums; }
.baseline { position: sticky; top: 0; z-index: 2; background: var(--background); padding: 0.5rem 0; }
select, button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 4px; padding: 0.3rem 0.5rem; max-width: 100%; }
summary { cursor: pointer; padding: 0.25rem 0; font-size: 0.9rem; }
.scroll { overflow-x: auto; margin: 0.5rem 0; border: 1px solid var(--line); border-radius: 4px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.figures { content-visibility: auto; contain-intrinsic-size: auto 600px; }
th, td { padding: 0.3rem 0.6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: baseline; }
thead th { background: var(--raised); vertical-align: bottom; font-weight: 600; white-space: normal; min-width: 4.5rem; }
th[scope="row"], .word { text-align: left; font-weight: 400; }
${wordColumns()}
tbody th[scope="row"] { position: sticky; left: 0; background: var(--background); }
thead th button { background: none; border: 0; padding: 0; font-weight: 600; cursor: pointer; text-align: inherit; }
th[aria-sort="ascending"] button::after { content: " \\2191"; }
th[aria-sort="descending"] button::after { content: " \\2193"; }
td.better { color: var(--better); font-weight: 600; }
td.worse { color: var(--worse); font-weight: 600; }
.facts td, .facts th { white-space: normal; min-width: 6rem; max-width: 22rem; text-align: left; vertical-align: top; }
dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: 0.2rem 1rem; font-size: 0.9rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
@media (scripting: none) { .plot { display: none; } }
@media (max-width: 40rem) {
  figure { padding: 0.6rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 0.4rem; }
  tbody th[scope="row"] { position: static; }
}
@media print {
  :root { --background: #fff; --raised: #fff; --text: #000; --quiet: #333; --line: #bbb; --accent: #003a66; --better: #00543f; --worse: #8a3500; --note: #fff; --note-line: #666; }
  @page { size: A4 landscape; margin: 12mm; }
  html { font-size: 10pt; }
  body { max-width: none; padding: 0; }
  nav, .reader, .baseline, .plot-table, .legend input { display: none !important; }
  figure, li, tr, thead { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; border: 0; }
  .figures { content-visibility: visible; }
  table { font-size: 6.5pt; } th, td { padding: 1pt 3pt; white-space: normal; }
  tbody th[scope="row"] { position: static; }
}
`;
