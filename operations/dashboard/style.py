"""How the page looks, and what keeps it fresh: the only style sheet and the only script."""

from __future__ import annotations

EVERY_S = 5

STYLE = """
:root { --ground:#f6f6f4; --card:#fff; --ink:#1c2330; --soft:#667085; --rule:#e4e7ec; --good:#13795b; --warn:#b26a00;
  --bad:#c2293d; --warn-ground:#fdf3e1; --bad-ground:#fbe9eb; --blue:#2f6fb7; --green:#13795b; --link:#2f6fb7 }
@media (prefers-color-scheme: dark) { :root { --ground:#12161d; --card:#1a2029; --ink:#e8ecf2; --soft:#97a3b5;
  --rule:#2c3542; --good:#4cc79b; --warn:#f0b04a; --bad:#ff7484; --warn-ground:#33291a; --bad-ground:#3b2329;
  --blue:#6aa9f0; --green:#4cc79b; --link:#6aa9f0 } }
* { box-sizing:border-box } body { margin:0; background:var(--ground); color:var(--ink);
  font:15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; font-variant-numeric:tabular-nums }
main { max-width:1180px; margin:0 auto; padding:24px 20px 48px; display:grid; gap:14px }
main > div { display:grid; gap:14px; min-width:0 } main > div:empty { display:none }
h1 { font-size:22px; margin:0; line-height:1.3 } h2 { font-size:15px; margin:0 0 8px } h3 { font-size:14px; margin:0 }
p { margin:2px 0; color:var(--soft) } a { color:var(--link) } code { font:12.5px ui-monospace, "DejaVu Sans Mono",
  monospace; background:var(--ground); padding:1px 6px; border-radius:5px; overflow-wrap:anywhere }
section { background:var(--card); border:1px solid var(--rule); border-radius:12px; padding:14px 18px; min-width:0;
  overflow-x:auto; scroll-margin-top:12px }
.head { display:flex; gap:20px; align-items:center } .head > div { min-width:0 }
.ring { width:92px; flex:none } .ring text { font:650 26px system-ui, sans-serif; fill:var(--ink); text-anchor:middle }
.ring circle { fill:none; stroke:var(--rule); stroke-width:9 } .ring .part { stroke:currentColor;
  stroke-linecap:round; transform:rotate(-90deg); transform-origin:center }
.good { color:var(--good) } .warning { color:var(--warn) } .critical, .bad { color:var(--bad) } .soft, .info {
  color:var(--soft) }
.scores { display:flex; flex-wrap:wrap; gap:4px 14px; font-size:13px; margin-top:4px }
.finding { border-left:4px solid currentColor; padding:3px 0 3px 12px; margin:8px 0 } .finding b { color:var(--ink) }
.finding p { font-size:13.5px } .finding .tag { font-size:12px; font-weight:650; text-transform:uppercase;
  letter-spacing:.04em; margin-right:8px }
.hops { display:grid; grid-template-columns:repeat(6, 1fr); gap:8px } .hop { border:1px solid var(--rule);
  border-radius:10px; padding:8px 10px; text-decoration:none; color:var(--ink); min-width:0; border-top:4px solid
  var(--good) } .hop.warning { border-top-color:var(--warn); background:var(--warn-ground) } .hop.critical {
  border-top-color:var(--bad); background:var(--bad-ground) } .hop span { display:block; font-size:12.5px;
  color:var(--soft); line-height:1.35 } .hop.warning, .hop.critical { color:var(--ink) }
.pair { display:grid; grid-template-columns:repeat(2, 1fr); gap:14px } .three { display:grid;
  grid-template-columns:repeat(3, 1fr); gap:14px }
table { border-collapse:collapse; width:100% } td, th { text-align:left; padding:5px 12px 5px 0; vertical-align:top;
  border-bottom:1px solid var(--rule) } tr:last-child td { border-bottom:0 } th { color:var(--soft); font-weight:500;
  font-size:13px } td.name { width:36%; color:var(--soft); font-size:13.5px }
.row { display:inline-block; margin:0 14px 0 0; white-space:nowrap } .row i { font-style:normal; color:var(--soft);
  font-size:12.5px; margin-right:5px } .row.warning, .row.critical { padding:0 7px; border-radius:6px; font-weight:650 }
.row.warning { background:var(--warn-ground) } .row.critical { background:var(--bad-ground) }
svg.plot { width:100%; height:auto; display:block; font:11px system-ui, sans-serif } .plot .grid { stroke:var(--rule) }
.plot text { fill:var(--soft) } .plot path { fill:none; stroke-width:1.8; stroke-linejoin:round } .plot .limit {
  stroke-dasharray:5 4; stroke-width:1.2 } .plot .warning { stroke:var(--warn) } .plot .critical { stroke:var(--bad) }
td.n { white-space:nowrap }
.ink { stroke:var(--ink) } .blue { stroke:var(--blue) } .green { stroke:var(--green) } path.bad { stroke:var(--bad) }
.key { font-size:12.5px; color:var(--soft) } .key i { display:inline-block; width:14px; height:3px; border-radius:2px;
  margin:0 5px 3px 12px; vertical-align:middle } .now { font-size:20px; font-weight:650 }
.bar { height:8px; border-radius:4px; background:var(--rule); overflow:hidden; min-width:90px } .bar i { display:block;
  height:100%; background:currentColor }
.tier { margin:0 0 10px } .members { display:flex; flex-wrap:wrap; gap:6px } .member { border:1px solid var(--rule);
  border-radius:8px; padding:3px 9px; font-size:13px; white-space:nowrap } .member b { font-weight:550 }
.member::before { content:""; display:inline-block; width:8px; height:8px; border-radius:50%; background:var(--good);
  margin-right:7px } .member.down { background:var(--bad-ground); border-color:var(--bad) } .member.down::before {
  background:var(--bad) } .member.back { background:var(--warn-ground); border-color:var(--warn) }
.member.back::before { background:var(--warn) } .member span { color:var(--soft); margin-left:6px }
.dot { display:inline-block; width:9px; height:9px; border-radius:50%; margin-right:6px } .dot.blue {
  background:var(--blue) } .dot.green { background:var(--green) }
.notice { border-color:var(--bad); background:var(--bad-ground) } .notice pre { white-space:pre-wrap; margin:6px 0 0;
  font:12.5px ui-monospace, "DejaVu Sans Mono", monospace } .stale main > div:not(#notice) { opacity:.55 }
@media (max-width:820px) { .hops { grid-template-columns:repeat(2, 1fr) } .pair, .three { grid-template-columns:1fr }
  main { padding:12px 10px 32px } section { padding:12px 13px } td.name { width:auto; display:block; border:0;
  padding-bottom:0 } td.name + td { display:block } .head { gap:14px } .ring { width:74px } h1 { font-size:19px } }
"""

SCRIPT = """
const shown = {};
function show(told) {
  for (const [id, html] of Object.entries(told.parts)) {
    if (shown[id] !== html) { shown[id] = html; document.getElementById(id).innerHTML = html; }
  }
  document.title = told.title;
  document.body.classList.toggle('stale', told.stale);
}
async function refresh() {
  try {
    const answer = await fetch('data.json', {cache: 'no-store'});
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
  } catch (error) {
    show({title: document.title, stale: true, parts: {notice:
      '<section class="notice"><b>What serves this page has ended.</b> Next: <code>make dashboard</code></section>'}});
  }
  setTimeout(refresh, EVERY_MS);
}
setTimeout(refresh, EVERY_MS);
""".replace("EVERY_MS", str(EVERY_S * 1000))
