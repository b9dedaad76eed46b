// Owns the rehearsal as one page: its values as plots of the screen, in self-contained HTML without a script.
import { timeAxis } from '../dashboard/charts/plot.ts';
import { type Plot, plotsPage } from '../dashboard/plots-page.ts';
import { formatAmount, formatCount } from '../wording/amounts.ts';
import { leftOutInWords } from './left-out.ts';
import type { Rehearsal, RehearsalOrder } from './rehearsal-order.ts';
import { resultText } from './rehearsal-words.ts';
import type { SeriesPoint } from './rule-series.ts';
import { clockOf, timelineText } from './timeline.ts';

const MINUTE_MS = 60_000;
/** More are neither seen in a line nor read in its table. */
const MOST_POINTS = 240;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

function opensStage(series: readonly SeriesPoint[], i: number): boolean {
  return series[i - 1]?.stage !== series[i]?.stage;
}

/** Keeps the last one, and the first of each stage. */
function thinned(series: readonly SeriesPoint[]): readonly SeriesPoint[] {
  const every = Math.ceil(series.length / MOST_POINTS);
  return series.filter((_, i) => i % every === 0 || i === series.length - 1 || opensStage(series, i));
}

/** A rule's observed value with its bounds, and its limit. */
function rulePlot(rule: string, series: readonly SeriesPoint[]): Plot {
  const seen = series.flatMap(({ minute, rules }) =>
    rules.filter((one) => one.rule === rule).map((one) => ({ ...one, atMs: minute * MINUTE_MS })),
  );
  const unit = seen[0]?.unit ?? 'count';
  const failed = seen.find(({ verdict }) => verdict === 'fail');
  return {
    ...{ title: rule, name: `${rule} over time`, format: (value) => formatAmount(value, unit) },
    goodSide: / >=? /.test(rule) ? 'above' : 'below',
    decided: failed === undefined ? null : { atMs: failed.atMs, as: 'fail' },
    points: seen.map(({ atMs, estimate, lower, upper, limit }) => {
      return { atMs, estimate, low: lower, high: upper, limit, baseline: null };
    }),
  };
}

function exposurePlot(series: readonly SeriesPoint[]): Plot {
  const points = series.map(({ minute, devicesExposed }) => {
    return { atMs: minute * MINUTE_MS, estimate: devicesExposed, low: null, high: null, limit: null, baseline: null };
  });
  const title = 'Devices that ran the candidate';
  return { title, name: 'devices exposed over time', goodSide: null, format: formatCount, points };
}

/** The page: how it ended, the plots, the timeline. */
export function rehearsalPage(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { scenario, policy, devices, seed } = order;
  const series = thinned(rehearsal.series);
  const rules = [...new Set(series.flatMap((point) => point.rules.map((one) => one.rule)))];
  const stages = series.filter((_, i) => opensStage(series, i)).slice(0, LETTERS.length);
  return plotsPage({
    title: `Rehearsal of ${policy.metadata.name}: ${scenario.name}`,
    intro: [
      `${scenario.summary} ${formatCount(devices)} devices, seed ${seed}.`,
      ...leftOutInWords(policy, scenario.answers),
    ],
    result: resultText(order, rehearsal),
    axis: timeAxis(series.map(({ minute }) => minute * MINUTE_MS)),
    clock: (atMs) => clockOf(Math.round(atMs / MINUTE_MS)),
    marks: stages.map(({ minute, stage }, i) => ({ atMs: minute * MINUTE_MS, letter: LETTERS[i] ?? '', text: stage })),
    plots: [...rules.map((rule) => rulePlot(rule, series)), exposurePlot(series)],
    timeline: timelineText(rehearsal.timeline),
  });
}
