// The look of a comparison's page. Colours after Okabe and Ito, told apart by the colour-blind;
// dashes tell them apart in print without colour.
#pragma once

namespace afterglow {

/// Colours, and what charts are drawn with.
inline constexpr const char* kChartStyle = R"css(
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1d21; --soft: #5c626b; --rule: #d9dce1; --shade: #f4f5f7;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8558a; --c4: #b87900; --c5: #3d97cf; --c6: #6b4fbb; --c7: #555; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8eaed; --soft: #a4abb5; --rule: #363b43; --shade: #1f2228;
  --c0: #4fb0ee; --c1: #ff8b4d; --c2: #2fcfa2; --c3: #eb9cc6; --c4: #f2b632; --c5: #9ad6ff; --c6: #b5a0f5; --c7: #bbb; } }
.chart { width: 100%; max-width: 960px; height: auto; overflow: visible; background: var(--paper); font: 12px system-ui, sans-serif; }
.chart text { fill: var(--ink); } .chart .tick { fill: var(--soft); }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); } .leader { stroke: var(--rule); }
.line { stroke: var(--c); stroke-width: 2; fill: none; stroke-linejoin: round; } .band { fill: var(--c); opacity: .16; }
.dot { fill: var(--c); } .hollow { fill: var(--paper); stroke: var(--c); stroke-width: 2; } .ring { fill: none; stroke: var(--ink); }
.truth { stroke: var(--soft); stroke-dasharray: 3 4; }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); } .reference { --c: var(--soft); }
.line.d1 { stroke-dasharray: 7 3; } .line.d2 { stroke-dasharray: 2 3; } .line.d3 { stroke-dasharray: 9 3 2 3; }
.line.d4 { stroke-dasharray: 12 4; } .line.d5 { stroke-dasharray: 4 2; } .line.d6 { stroke-dasharray: 1 3; } .line.d7 { stroke-dasharray: 6 2 2 2 2 2; }
[data-series].off { opacity: .12; } .label[data-series] { cursor: pointer; } .pointer { stroke: var(--soft); stroke-dasharray: 2 3; }
)css";

/// All else of the page.
inline constexpr const char* kPageStyle = R"css(
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .5rem; }
p, figcaption, dl { max-width: 60rem; } figcaption, .note { color: var(--soft); font-size: .9rem; }
figure { margin: 0 0 1rem; }
.sheet { display: grid; gap: 4px; align-items: center; }
.sheet span { font-size: .85rem; line-height: 1.25; overflow-wrap: anywhere; } .sheet img { display: block; width: 100%; height: auto; }
.strips { display: grid; grid-template-columns: 9.5rem minmax(0, 1fr); gap: 4px; align-items: center; }
.strips span { font-size: .85rem; line-height: 1.25; } .strips img { display: block; width: 100%; height: 72px; image-rendering: pixelated; }
.wide { overflow-x: auto; }
details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; } caption { text-align: left; font-weight: 600; padding: .8rem 0 .2rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .45rem; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; }
th { font-weight: 600; vertical-align: bottom; } th small, td small { display: block; color: var(--soft); font-weight: 400; }
th:first-child, td:first-child { text-align: left; } td:first-child { min-width: 9rem; }
tr:has(+ .remarks) td { border-bottom: 0; padding-bottom: 0; } .remarks td { padding-top: 0; color: var(--soft); font-size: .9em; }
.references td { background: var(--shade); } tr.marked td { color: var(--soft); } td.best { font-weight: 700; color: var(--ink); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
code { font-size: .9em; }
.films { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem; } .films span { font-size: .85rem; line-height: 1.25; }
.film { position: relative; overflow: hidden; aspect-ratio: 1; } .film img { position: absolute; width: calc(var(--columns) * 100%); height: auto; max-width: none;
  left: calc(var(--column, 0) * -100%); top: calc(var(--row, 0) * -100%); }
.controls { display: flex; gap: .8rem; align-items: center; margin: .6rem 0; } .controls input { flex: 1; } .controls output { min-width: 6rem; font-variant-numeric: tabular-nums; }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --shade: #f2f2f2; }
  .player { display: none; } body { max-width: none; padding: 0; font-size: 10pt; } figure, tr, .sheet > * { break-inside: avoid; } figure:first-of-type { break-inside: auto; } h2 { break-after: avoid; } .wide { overflow: visible; } table { font-size: 7.5pt; } }
)css";

}  // namespace afterglow
