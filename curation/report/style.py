"""How the report looks: one style sheet, in light and dark; colours stay apart for most kinds of vision."""

STYLE = """
:root { color-scheme: light dark; --paper: #fbfbfa; --card: #fff; --ink: #1d2330; --quiet: #5d6678; --line: #e2e4e9;
  --c1: #2f6fd0; --c2: #d9772b; --c3: #159083; --c4: #8a58b8; --c5: #98a0ae; --c6: #c7433a; --c7: #b08f13; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171d; --card: #1c2029; --ink: #e8eaef; --quiet: #9aa4b5;
  --line: #333a47;
  --c1: #6ea3f5; --c2: #f0a05c; --c3: #3fc2b2; --c4: #bb91e6; --c5: #697386; --c6: #f07f76; --c7: #dcc04e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .2rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 0 0 .3rem; }
h3 { font-size: 1rem; margin: 1.6rem 0 .2rem; }
header > p, .lead, figcaption, small { color: var(--quiet); }
.lead { margin: 0 0 1rem; max-width: 48rem; color: var(--ink); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem 1.4rem;
  margin: 1.25rem 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.4rem, 1fr)); gap: .75rem; list-style: none;
  margin: 1.2rem 0; padding: 0; }
.cards li { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: .8rem 1rem; }
.cards strong { display: block; font-size: 1.6rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards span, .cards small { display: block; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .4rem .5rem; }
nav a { border: 1px solid var(--line); border-radius: 999px; color: inherit; padding: .1rem .7rem;
  text-decoration: none; font-size: .87rem; }
nav a:hover, nav a:focus { border-color: var(--c1); }
figure { margin: .6rem 0 1rem; overflow-x: auto; } svg.w720 { min-width: 30rem; }
figcaption { font-size: .9rem; margin-bottom: .2rem; }
svg { display: block; width: 100%; height: auto; max-width: 800px; font-size: 12px; } svg.w350 { max-width: 440px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; }
text { fill: var(--ink); } text.quiet { fill: var(--quiet); font-size: 11px; } text.cell { font-size: 11px; }
text.on { fill: #fff; font-size: 11px; } @media (prefers-color-scheme: dark) { text.on { fill: #10131a; } }
.grid { stroke: var(--line); } .mark { stroke: var(--quiet); stroke-dasharray: 4 4; }
.span { stroke: var(--c1); stroke-width: 3; opacity: .45; }
.s1 { fill: var(--c1); } .s2 { fill: var(--c2); } .s3 { fill: var(--c3); } .s4 { fill: var(--c4); }
.s5 { fill: var(--c5); } .s6 { fill: var(--c6); } .s7 { fill: var(--c7); }
.b1 { background: var(--c1); } .b2 { background: var(--c2); } .b3 { background: var(--c3); }
.b4 { background: var(--c4); } .b5 { background: var(--c5); } .b6 { background: var(--c6); }
.b7 { background: var(--c7); }
polyline { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); } .l3 { stroke: var(--c3); } .l4 { stroke: var(--c4); }
rect.hit { fill: var(--c1); } rect.miss { fill: var(--c6); } rect.none { fill: var(--line); fill-opacity: .35; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .2rem 0 .4rem; font-size: .85rem; }
.legend i { border-radius: 3px; display: inline-block; height: .8em; margin-right: .35em; width: .8em;
  vertical-align: -.05em; }
.tiles { display: flex; flex-wrap: wrap; gap: .6rem; list-style: none; margin: .5rem 0 1rem; padding: 0; }
.tiles li { width: 6.75rem; border: 1px solid var(--line); border-radius: 8px; padding: .3rem; }
.tiles li.marked { border-color: var(--c3); box-shadow: 0 0 0 1px var(--c3); }
.tiles img, .gone { display: block; width: 6rem; height: 6rem; object-fit: contain; margin: 0 auto .25rem;
  border-radius: 4px; }
.gone { background: var(--line); color: var(--quiet); font-size: .7rem; overflow: hidden; padding: .3rem; }
.tiles small { display: block; font-size: .75rem; line-height: 1.3; overflow-wrap: anywhere; white-space: pre-line; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .7rem .25rem 0; text-align: right; }
th { color: var(--quiet); font-weight: 600; }
td.text, th.text { text-align: left; } details { margin: .3rem 0 .8rem; }
summary { cursor: pointer; color: var(--quiet); }
code { background: var(--line); border-radius: 5px; padding: .1rem .4rem; font-size: .88em; }
.steps li { margin-bottom: .7rem; }
@media print { nav { display: none; } section { break-inside: avoid; } body { max-width: none; } }
"""
