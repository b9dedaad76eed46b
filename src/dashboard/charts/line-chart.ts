// Owns the one chart of values over time: the candidate with its band, the limit and what is beyond it, the baseline, commits, and gaps.
import { area, line } from 'd3-shape';
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { ChartMark, ChartPoint, LineChartProps } from './chart-values.ts';
import { along, drawable, STRETCH, timeScale, valueScale } from './plot.ts';
import { PointTable } from './point-table.ts';
import { clockText, isInstant, tickText } from './time-text.ts';

const TOP = 14;
const BOTTOM = 20;
const NARROW = 4;

type Drawn = { readonly [K in keyof Required<ChartPoint>]: number | null } & { readonly atMs: number };

function drawnOf(points: readonly ChartPoint[]): Drawn[] {
  return points
    .filter(({ atMs }) => isInstant(atMs))
    .map((one) => ({
      atMs: one.atMs,
      estimate: drawable(one.estimate),
      low: drawable(one.low),
      high: drawable(one.high),
      baseline: drawable(one.baseline),
      baselineLow: drawable(one.baselineLow),
      baselineHigh: drawable(one.baselineHigh),
      limit: drawable(one.limit),
    }));
}

/** Early bands are wide and would flatten the rest: the last one alone asks for room. */
function valuesOf(points: readonly Drawn[]): number[] {
  const lastBand = points.findLast(({ low, high }) => low !== null && high !== null);
  const all = points.flatMap(({ estimate, baseline, limit }) => [estimate, baseline, limit]);
  return [...all, lastBand?.low, lastBand?.high].filter((value) => typeof value === 'number');
}

/** Marks that stand too close to be told apart share one place. */
function groupedMarks(marks: readonly ChartMark[], place: (atMs: number) => number): { x: number; letters: string }[] {
  const groups: { x: number; letters: string }[] = [];
  for (const { atMs, letter } of marks) {
    const last = groups.at(-1);
    const x = place(atMs);
    if (last !== undefined && Math.abs(x - last.x) < NARROW * 10) last.letters += letter.slice(0, 3);
    else groups.push({ x, letters: letter.slice(0, 3) });
  }
  return groups;
}

/** From the last value before to the first after each run of points without one. */
function gapsOf(points: readonly Drawn[], x: (atMs: number) => number): { from: number; to: number }[] {
  const gaps: { from: number; to: number }[] = [];
  for (const [i, point] of points.entries()) {
    if (point.estimate !== null) continue;
    const from = x(points[i - 1]?.atMs ?? point.atMs);
    const to = x(points[i + 1]?.atMs ?? point.atMs);
    const last = gaps.at(-1);
    if (last !== undefined && from <= last.to) last.to = to;
    else gaps.push({ from, to });
  }
  return gaps;
}

/** A value with its range, as the pointer and the arrow keys tell it. */
export function pointText(point: ChartPoint, { format, clock = clockText }: Pick<LineChartProps, 'format' | 'clock'>) {
  const [estimate, low, high] = [drawable(point.estimate), drawable(point.low), drawable(point.high)];
  const range = low === null || high === null ? '' : ` (${format(low)} to ${format(high)})`;
  return `${clock(point.atMs)}: ${estimate === null ? 'no value' : format(estimate)}${range}`;
}

/** The point nearest to an instant. */
export function nearestPoint<P extends { readonly atMs: number }>(points: readonly P[], atMs: number): P | undefined {
  const near = (best: P | undefined, one: P) =>
    best === undefined || Math.abs(one.atMs - atMs) < Math.abs(best.atMs - atMs) ? one : best;
  return points.filter((one) => isInstant(one.atMs)).reduce<P | undefined>(near, undefined);
}

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 };

/** Where a key leads from the instant looked at: another instant, away from all (null), or nowhere. */
export function walked(
  points: readonly ChartPoint[],
  cursorAtMs: number | null,
  key: string,
): number | null | undefined {
  const times = points.map(({ atMs }) => atMs).filter(isInstant);
  if (key === 'Escape') return null;
  const step = STEPS[key];
  if (step === undefined || times.length === 0) return undefined;
  const at = cursorAtMs === null ? times.length : times.indexOf(nearestPoint(points, cursorAtMs)?.atMs ?? 0);
  return times[Math.max(0, Math.min(times.length - 1, at + step))];
}

interface Plot {
  readonly props: LineChartProps;
  readonly points: readonly Drawn[];
  readonly height: number;
  readonly x: (atMs: number) => number;
  readonly y: (value: number) => number;
}

/** The parts that stretch: bands, lines, and where the limit's far side is. */
function shapes({ props: { id, goodSide }, points, height, x, y }: Plot) {
  const course = (field: 'estimate' | 'baseline') =>
    line<Drawn>()
      .digits(1)
      .defined((point) => point[field] !== null)
      .x(({ atMs }) => x(atMs))
      .y((point) => y(point[field] ?? 0))(points) ?? '';
  const band = (low: 'low' | 'baselineLow', high: 'high' | 'baselineHigh') =>
    area<Drawn>()
      .digits(1)
      .defined((point) => point[low] !== null && point[high] !== null)
      .x(({ atMs }) => x(atMs))
      .y0((point) => y(point[low] ?? 0))
      .y1((point) => y(point[high] ?? 0))(points) ?? '';
  const limited = points.flatMap(({ atMs, limit }) => (limit === null ? [] : [{ at: x(atMs), limit: y(limit) }]));
  const [first, last] = [limited[0], limited.at(-1)];
  const limits =
    first === undefined || last === undefined ? [] : [{ ...first, at: 0 }, ...limited, { ...last, at: STRETCH }];
  const limit =
    line<(typeof limits)[number]>()
      .x(({ at }) => at)
      .y((one) => one.limit)(limits) ?? '';
  const beyond =
    area<(typeof limits)[number]>()
      .x(({ at }) => at)
      .y0((one) => one.limit)
      .y1(goodSide === 'above' ? height : 0)(goodSide === null ? [] : limits) ?? '';
  const candidate = band('low', 'high');
  return {
    beyond,
    drawn: html`<svg x="0" y=${TOP} width="100%" height=${height} viewBox=${`0 0 ${STRETCH} ${height}`} preserveAspectRatio="none">
      <clipPath id=${`${id}-over`}><path d=${beyond}/></clipPath>
      <path class="b" d=${band('baselineLow', 'baselineHigh')}/><path class="bl" d=${course('baseline')}/>
      <path class="band" d=${candidate}/>${beyond !== '' && html`<path class="over" d=${candidate} clip-path=${`url(#${id}-over)`}/>`}
      <path class="e" d=${course('estimate')}/><path class="lim" d=${limit}/>
    </svg>`,
  };
}

/** The far side of the limit, hatched. The hatching itself does not stretch, and stands once in a page (`#hatch`, `#gaps`). */
function hatched(id: string, beyond: string, height: number) {
  if (beyond === '') return null;
  return html`<clipPath id=${`${id}-far`} clipPathUnits="objectBoundingBox"><path d=${beyond} transform=${`scale(${1 / STRETCH} ${1 / height})`} /></clipPath>
    <rect x="0" y=${TOP} width="100%" height=${height} fill="url(#hatch)" clip-path=${`url(#${id}-far)`} />`;
}

/** A dot that keeps its shape at any width, with a tick where the rule was decided for the candidate. */
function dot(kind: 'pt' | 'okpt' | 'badpt', x: number, y: number) {
  return html`<svg x=${along(x)} y=${TOP + y} width="1" height="1" overflow="visible"><circle class=${kind} r=${kind === 'pt' ? 4.5 : 5.5}/>
    ${kind === 'okpt' && html`<path class="tick" d="m-2.2 .2 1.6 1.6 2.9-3.2"/>`}</svg>`;
}

function tip({ props, x, height }: Plot, point: ChartPoint) {
  const text = pointText(point, props);
  const width = text.length * 6 + 14;
  const left = x(point.atMs) > STRETCH / 2 ? -width - 8 : 8;
  return html`<svg x=${along(x(point.atMs))} y=${TOP} width="1" height="1" overflow="visible"><path class="now" d=${`M0 0V${height}`}/>
    <rect class="tip" x=${left} y="4" width=${width} height="20" rx="3"/><text class="tiptx" x=${left + 7} y="18">${text}</text></svg>`;
}

function ends({ props, points, x, y, height }: Plot) {
  const last = points.findLast(({ estimate }) => estimate !== null);
  const judged = props.decided && nearestPoint(points, props.decided.atMs);
  const limit = points.findLast((point) => point.limit !== null)?.limit ?? null;
  const at = limit === null ? 0 : y(limit);
  return html`${last && dot('pt', x(last.atMs), y(last.estimate ?? 0))}
    ${props.decided && judged && dot(props.decided.as === 'pass' ? 'okpt' : 'badpt', x(judged.atMs), judged.estimate === null ? height : y(judged.estimate))}
    ${limit !== null && html`<text class="halo tx" x="8" y=${TOP + (at < 14 ? at + 13 : at - 4)}>limit ${props.format(limit)}</text>`}`;
}

function gaps({ props, points, x, height }: Plot) {
  const nothing = points.every(({ estimate }) => estimate === null);
  const all = nothing ? [{ from: 0, to: STRETCH }] : gapsOf(points, x);
  return all.map(
    ({
      from,
      to,
    }) => html`<rect x=${along(from)} y=${TOP} width=${along(Math.max(0, to - from))} height=${height} fill="url(#gaps)"/>
    ${to - from > 180 && html`<text class="tb halo" x=${along((from + to) / 2)} y=${TOP + height / 2} text-anchor="middle">${props.gapText}</text>`}`,
  );
}

/** Where a limit lies along the edge, all is beyond it, and hatching would say no more. */
function isAtEdge({ points, y, height }: Plot): boolean {
  return points.every(({ limit }) => limit === null || y(limit) >= height - 1);
}

/** Lines of times, and of values where there is room for them. */
function grid({ props, points, x, y, height }: Plot, times: readonly number[], values: readonly number[]) {
  const { axis, clock, format } = props;
  const write = clock ?? tickText(axis.toMs - axis.fromMs);
  const limits = points.flatMap(({ limit }) => (limit === null ? [] : [y(limit)]));
  const told = height < 130 ? [] : values.filter((value) => limits.every((limit) => Math.abs(limit - y(value)) > 14));
  return html`${times.map((at) => html`<line class="g" x1=${along(x(at))} x2=${along(x(at))} y1=${TOP} y2=${TOP + height} /><text x=${along(x(at))} y=${TOP + height + 15} text-anchor="middle">${write(at)}</text>`)}
    ${told.map((value) => html`<line class="g" x1="0" x2="100%" y1=${TOP + y(value)} y2=${TOP + y(value)} /><text class="halo" x="2" y=${TOP + y(value) - 3}>${format(value)}</text>`)}`;
}

function commits({ props: { marks = [] }, x, height }: Plot, holds: (atMs: number) => boolean) {
  const shown = marks.filter(({ atMs }) => holds(atMs));
  return groupedMarks(shown, x).map(
    (mark) =>
      html`<line class="mk" x1=${along(mark.x)} x2=${along(mark.x)} y1=${TOP} y2=${TOP + height} /><text class="tx" x=${along(mark.x)} y="10" text-anchor="middle">${mark.letters}</text>`,
  );
}

export function LineChart(props: LineChartProps): VNode {
  const { id, name, axis, height: outer = 116, cursorAtMs = null, onWalk, goodSide } = props;
  const height = outer - TOP - BOTTOM;
  const time = timeScale(axis, 4);
  const points = drawnOf(props.points).filter(({ atMs }) => time.holds(atMs));
  const { y, ticks } = valueScale(valuesOf(points), height, goodSide !== 'above');
  const plot: Plot = { props, points, height, x: time.x, y };
  const { beyond, drawn } = shapes(plot);
  const looked = cursorAtMs === null ? undefined : nearestPoint(points, cursorAtMs);
  const onKeyDown = (event: KeyboardEvent) => {
    const to = walked(props.points, cursorAtMs, event.key);
    if (to === undefined) return;
    event.preventDefault();
    onWalk?.(to, 'key');
  };
  const onPointerMove = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    const atMs = time.at((STRETCH * (event.clientX - left)) / (width || 1));
    onWalk?.(nearestPoint(points, atMs)?.atMs ?? null, 'pointer');
  };
  const onPointerLeave = () => onWalk?.(null, 'pointer');
  const live = onWalk === undefined ? {} : { tabIndex: 0, onKeyDown, onPointerMove, onPointerLeave };
  return html`<svg class="c" width="100%" height=${outer} role="img" aria-label=${name} ...${live}>
    ${!isAtEdge(plot) && hatched(id, beyond, height)}${grid(plot, time.ticks, ticks)}${gaps(plot)}
    <line class="ax" x1="0" x2="100%" y1=${TOP + height} y2=${TOP + height} />${drawn}${commits(plot, time.holds)}
    ${ends(plot)}${looked && tip(plot, looked)}
  </svg>${PointTable(props)}`;
}
