// Owns a tile a rule: value, what it means, its course, what is missing and what a fail does. All tiles share one time axis and one cursor.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useState } from 'preact/hooks';
import { clipped } from '../../base/plain-text.ts';
import { formatAmount } from '../../wording/amounts.ts';
import type { ChartMark } from '../charts/chart-values.ts';
import { LineChart, nearestPoint, pointText } from '../charts/line-chart.ts';
import { type TimeAxis, timeAxis } from '../charts/plot.ts';
import { PointTable } from '../charts/point-table.ts';
import type { RuleView } from '../read-model/types.generated.ts';
import { amountText, Name, Prose, seenText } from './parts.ts';
import { missingText, StateChip, worstFirst } from './rule-states.ts';
import { MOST_DRAWN } from './rule-strips.ts';
import { RULE_LOOKS } from './words.ts';

const MOST_LABEL = 300;

export interface RuleTilesProps {
  readonly rules: readonly RuleView[];
  readonly marks: readonly ChartMark[];
  readonly asOfMs: number;
  readonly isTable: boolean;
}

function formatOf({ unit }: RuleView): (value: number) => string {
  return (value) => formatAmount(value, unit);
}

/** `likely 0.46% to 1.05% · stable 0.22%`. */
function besides({ low, high, baseline, unit }: RuleView): string {
  const [from, to, stable] = [low, high, baseline?.estimate].map((value) => amountText(value, unit));
  return [from && to ? `likely ${from} to ${to}` : null, stable ? `stable ${stable}` : null]
    .filter(Boolean)
    .join(' · ');
}

function gapText({ state, series, estimate }: RuleView): string {
  if (state === 'not-applicable') return 'no baseline';
  if (series.length === 0 && estimate !== null) return 'course not kept';
  return series.some((point) => point.estimate !== null) ? 'no answer' : 'no value yet';
}

function facts(rule: RuleView): readonly (readonly [string, string])[] {
  const { onFail, worst, withoutWorst, group } = rule;
  const rest = amountText(withoutWorst, rule.unit);
  const without = rest === null ? '' : `; ${rest} without it`;
  return [
    ['Missing', missingText(rule) ?? 'nothing'],
    ['On fail', onFail],
    ...(group === null ? [] : [['Group', group] as const]),
    ['Worst', worst === null ? 'none stands out' : `${worst}${without}`],
  ];
}

interface TileProps extends Omit<RuleTilesProps, 'rules' | 'asOfMs'> {
  readonly rule: RuleView;
  readonly id: string;
  readonly axis: TimeAxis;
  readonly cursorAtMs: number | null;
  readonly onWalk: (atMs: number | null, by: 'key' | 'pointer') => void;
}

function Tile({ rule, id, axis, marks, isTable, cursorAtMs, onWalk }: TileProps): VNode {
  const look = RULE_LOOKS[rule.state];
  const isUrgent = look.tone === 'warn' || look.tone === 'bad';
  const name = clipped(
    [`${rule.rule}: ${look.word}`, seenText(rule), besides(rule)].filter(Boolean).join(', '),
    MOST_LABEL,
  );
  const as = rule.state === 'fail' ? 'fail' : 'pass';
  const chart = { id, name, points: rule.series, axis, marks, format: formatOf(rule), gapText: gapText(rule) };
  const decided = rule.decidedAtMs === null ? null : { atMs: rule.decidedAtMs, as };
  return html`<article class=${isUrgent ? `tile ${look.tone}-tile` : 'tile'}>
    <header><h3>${Name({ text: rule.rule })}${rule.dryRun && html` <span class="t3">dry run</span>`}</h3>${StateChip({ look })}</header>
    <p class="val"><b class=${isUrgent ? look.tone : ''}>${Name({ text: seenText(rule), most: 40 })}</b><span>${besides(rule)}</span></p>
    <p class="say">${Prose({ text: rule.sentence })}</p>
    <div class="ch">${isTable ? PointTable({ ...chart, isShown: true }) : html`<${LineChart} ...${{ ...chart, goodSide: rule.goodSide, decided, cursorAtMs, onWalk }} />`}</div>
    <dl>${facts(rule).map(([term, text]) => html`<dt>${term}</dt><dd>${Prose({ text })}</dd>`)}${rule.runbook !== null && html`<dt>Runbook</dt><dd>${Runbook({ at: rule.runbook })}</dd>`}</dl>
  </article>`;
}

/** `error-rate` of `https://wiki.example.com/runbooks/error-rate.md?v=2`; the whole address where it ends in no name. */
function pageOf(address: string): string {
  return /^https?:\/\/[^?#]*\/([\w.-]+?)(?:\.(?:md|html))?\/?(?:[?#].*)?$/.exec(address)?.[1] ?? address;
}

/** A link where it is an address of the web; whatever else someone wrote is text. */
export function Runbook({ at }: { readonly at: string }): VNode {
  return /^https?:\/\//.test(at)
    ? html`<a href=${at} title=${clipped(at, MOST_LABEL)} rel="noreferrer">${Name({ text: pageOf(at), most: 60 })}</a>`
    : Name({ text: at });
}

function drawnOf(rules: readonly RuleView[]): RuleView[] {
  return worstFirst(rules).slice(0, MOST_DRAWN);
}

/** The time that all tiles show. */
export function tilesAxis({ rules, marks, asOfMs }: Pick<RuleTilesProps, 'rules' | 'marks' | 'asOfMs'>): TimeAxis {
  const measured = timeAxis([...drawnOf(rules).flatMap(({ series }) => series.map(({ atMs }) => atMs)), asOfMs]);
  // The commit that opened the stage lies a little before the first value.
  const shortBefore = measured.fromMs - 0.2 * (measured.toMs - measured.fromMs);
  const opened = marks.findLast(({ atMs }) => atMs > shortBefore && atMs < measured.fromMs);
  return timeAxis([measured.fromMs, measured.toMs, opened?.atMs]);
}

export function RuleTiles({ rules, marks, asOfMs, isTable }: RuleTilesProps): VNode {
  const [looked, setLooked] = useState<{ readonly atMs: number; readonly told: RuleView | null } | null>(null);
  const drawn = drawnOf(rules);
  const axis = tilesAxis({ rules, marks, asOfMs });
  const told = looked?.told && nearestPoint(looked.told.series, looked.atMs);
  const tiles = drawn.map((rule, i) => {
    const onWalk: TileProps['onWalk'] = (atMs, by) =>
      setLooked(atMs === null ? null : { atMs, told: by === 'key' ? rule : null });
    return html`<${Tile} key=${`${rule.rule} ${rule.group}`} ...${{ rule, id: `r${i}`, axis, marks, isTable, cursorAtMs: looked?.atMs ?? null, onWalk }} />`;
  });
  return html`<div class="tiles" role="group" aria-labelledby="h-tiles">${tiles}</div>
    <p class="hid" aria-live="polite">${told && looked.told && `${looked.told.rule}, ${pointText(told, { format: formatOf(looked.told) })}`}</p>`;
}
