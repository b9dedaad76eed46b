// Owns the rehearsal as one page: self-contained HTML with plots in SVG, no script and nothing fetched.
import { formatAmount } from '../wording/amounts.ts';
import { leftOutInWords } from './left-out.ts';
import type { Rehearsal, RehearsalOrder } from './rehearsal-order.ts';
import { resultText } from './rehearsal-words.ts';
import type { RulePoint, SeriesPoint } from './rule-series.ts';
import { clockOf, timelineText } from './timeline.ts';

const WIDTH = 900;
const HEIGHT = 200;
const LEFT = 80;
const RIGHT = 12;
const TOP = 14;
const BOTTOM = 26;
/** More points than pixels show nothing more. */
const MOST_POINTS = 800;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

interface Frame {
  readonly x: (minute: number) => number;
  readonly y: (value: number) => number;
  readonly highest: number;
}

function frameOf(points: readonly SeriesPoint[], highest: number): Frame {
  const last = Math.max(1, points.at(-1)?.minute ?? 1);
  const top = highest > 0 ? highest : 1;
  return {
    x: (minute) => LEFT + ((WIDTH - LEFT - RIGHT) * Math.max(0, minute)) / last,
    y: (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Math.min(1, Math.max(0, value / top)),
    highest: top,
  };
}

function pair(x: number, y: number): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

/** Bands of the stages, the time axis, and the highest value. */
function backdrop(points: readonly SeriesPoint[], frame: Frame, highestText: string): string {
  const starts = points.filter((point, i) => i === 0 || points[i - 1]?.stage !== point.stage);
  const bands = starts.map((point, i) => {
    const from = frame.x(point.minute);
    const to = frame.x(starts[i + 1]?.minute ?? points.at(-1)?.minute ?? point.minute);
    const box = `<rect x="${from.toFixed(1)}" y="${TOP}" width="${Math.max(0, to - from).toFixed(1)}" height="${HEIGHT - TOP - BOTTOM}" class="band${i % 2}"/>`;
    return `${box}<text x="${(from + 4).toFixed(1)}" y="${TOP + 12}" class="name">${escaped(point.stage)}</text>`;
  });
  const last = points.at(-1)?.minute ?? 0;
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const minute = Math.round(last * part);
    return `<text x="${frame.x(minute).toFixed(1)}" y="${HEIGHT - 8}" class="tick">${clockOf(minute)}</text>`;
  });
  const axis = `<text x="${LEFT - 6}" y="${TOP + 8}" class="value">${escaped(highestText)}</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM}" class="value">0</text>`;
  return [...bands, ...times, axis].join('');
}

function svg(label: string, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escaped(label)}">${content}</svg>`;
}

interface PlacedPoint extends RulePoint {
  readonly minute: number;
}

function thinned<T>(points: readonly T[]): readonly T[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return every <= 1 ? points : points.filter((_, i) => i % every === 0 || i === points.length - 1);
}

/** A rule's observed value with its bounds, and its limit. */
function rulePlot(rule: string, points: readonly SeriesPoint[]): string {
  const placed: PlacedPoint[] = points.flatMap(({ minute, rules }) =>
    rules.filter((one) => one.rule === rule).map((one) => ({ ...one, minute })),
  );
  const drawn = thinned(placed.filter((point) => point.estimate !== null));
  const heading = `<h2>${escaped(rule)}</h2>`;
  if (drawn.length === 0) return `${heading}<p>Nothing was measured.</p>`;
  const limits = placed.map((point) => point.limit ?? 0);
  // Early bounds are wide: they would flatten everything else.
  const highest = 1.4 * Math.max(...limits, ...drawn.map((point) => point.estimate ?? 0));
  const frame = frameOf(points, highest);
  const bounded = drawn.filter((point) => point.lower !== null && point.upper !== null);
  const upper = bounded.map((point) => pair(frame.x(point.minute), frame.y(point.upper ?? 0)));
  const lower = bounded.map((point) => pair(frame.x(point.minute), frame.y(point.lower ?? 0))).reverse();
  const interval = bounded.length === 0 ? '' : `<polygon points="${[...upper, ...lower].join(' ')}" class="interval"/>`;
  const estimate = drawn.map((point) => pair(frame.x(point.minute), frame.y(point.estimate ?? 0))).join(' ');
  const limited = thinned(placed.filter((point) => point.limit !== null));
  const limit = limited.map((point) => pair(frame.x(point.minute), frame.y(point.limit ?? 0))).join(' ');
  const failed = placed
    .filter((point) => point.verdict === 'fail')
    .map(
      (point) =>
        `<circle cx="${frame.x(point.minute).toFixed(1)}" cy="${frame.y(point.estimate ?? 0).toFixed(1)}" r="5" class="fail"/>`,
    );
  const unit = drawn[0]?.unit ?? 'count';
  const content = [
    backdrop(points, frame, formatAmount(frame.highest, unit)),
    interval,
    `<polyline points="${limit}" class="limit"/>`,
    `<polyline points="${estimate}" class="estimate"/>`,
    ...failed,
  ].join('');
  return `${heading}${svg(`${rule} over time`, content)}`;
}

function exposurePlot(points: readonly SeriesPoint[], devices: number): string {
  const frame = frameOf(points, devices);
  const line = thinned(points).map((point) => pair(frame.x(point.minute), frame.y(point.devicesExposed)));
  const content = `${backdrop(points, frame, String(devices))}<polyline points="${line.join(' ')}" class="estimate"/>`;
  return `<h2>Devices that ran the candidate</h2>${svg('devices exposed over time', content)}`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fff; --band: #f2f5f8; --other: #e8edf2; --line: #1f6feb; --shade: #1f6feb33; --limit: #b4321f; }
@media (prefers-color-scheme: dark) { :root { --ink: #dbe4ee; --paper: #12171d; --band: #1a212a; --other: #202a35; --line: #6cb0ff; --shade: #6cb0ff40; --limit: #ff8d7a; } }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.4rem; } h2 { font-size: 1rem; margin: 1.6rem 0 0.3rem; font-family: ui-monospace, monospace; }
pre { overflow-x: auto; padding: 1rem; background: var(--band); font-size: 0.8rem; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.band0 { fill: var(--band); } .band1 { fill: var(--other); } .tick { text-anchor: middle; } .value { text-anchor: end; }
.estimate { fill: none; stroke: var(--line); stroke-width: 2; } .interval { fill: var(--shade); }
.limit { fill: none; stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 6 4; } .fail { fill: var(--limit); }
`;

/** The page: how it ended, the plots, the timeline. */
export function rehearsalPage(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { scenario, policy, devices, seed } = order;
  const title = `Rehearsal of ${policy.metadata.name}: ${scenario.name}`;
  const leftOut = leftOutInWords(policy, order.scenario.answers).map((sentence) => `<p>${escaped(sentence)}</p>\n`);
  const rules = [...new Set(rehearsal.series.flatMap((point) => point.rules.map((one) => one.rule)))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p>${escaped(scenario.summary)} ${devices} devices, seed ${escaped(String(seed))}.</p>
${leftOut.join('')}<pre>${escaped(resultText(order, rehearsal))}</pre>
<p>Solid: the measured value. Shaded: its confidence bounds, which hold no matter how often results are checked. Dashed: the limit. Dot: the rule failed.</p>
${rules.map((rule) => rulePlot(rule, rehearsal.series)).join('\n')}
${exposurePlot(rehearsal.series, devices)}
<h2>Timeline</h2>
<pre>${escaped(timelineText(rehearsal.timeline))}</pre>
</body>
</html>
`;
}
