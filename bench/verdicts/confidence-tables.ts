// Owns the tables of rules over confidences.
import { type Cell, DEVICES, HEALTHY, type Setup } from './cell.ts';
import { DIRECTIONS, DRIFT_RULE, LOSS_RULE, WIDE_LOSS_RULE } from './confidence-cells.ts';
import { CONFIDENCE_SCENARIOS, type ConfidenceScenario } from './confidence-traffic.ts';
import { foundAt, passedAt, percent, type Section, tableOf } from './figures.ts';
import { KIOSK_SCENARIOS } from './kiosk-stage.ts';
import type { CellSummary, JudgeSummary, Summaries } from './summary.ts';

interface Row {
  readonly scenario: ConfidenceScenario;
  readonly devices: number;
}

const ROWS: readonly Row[] = CONFIDENCE_SCENARIOS.flatMap((scenario) =>
  DEVICES.map((devices) => ({ scenario, devices })),
);

function labels({ scenario, devices }: Row, i: number, rows: readonly Row[]): string[] {
  return [rows[i - 1]?.scenario === scenario ? '' : scenario.title, String(devices)];
}

class Reader {
  readonly #summaries: Summaries;
  readonly #setup: Setup;

  constructor(summaries: Summaries, setup: Setup) {
    this.#summaries = summaries;
    this.#setup = setup;
  }

  cell({ scenario, devices }: Row, factor: number): CellSummary | undefined {
    return this.#summaries.find({ setup: this.#setup, scenario: scenario.name, devices, factor });
  }

  judge(row: Row, factor: number, judge: string): JudgeSummary | undefined {
    return this.cell(row, factor)?.judges[judge];
  }
}

function nearLimit(read: (factor: number) => number | null | undefined): string {
  return [...HEALTHY, 1].map((factor) => percent(read(factor))).join('/');
}

/** Shares that fail near the limit, and what is found beyond it. */
function nearTheLimit(summaries: Summaries, setup: Setup, rule: string): string {
  const reader = new Reader(summaries, setup);
  const head = ['devices and answers', 'D', 'failed', 'of stages within', 'stages truly over', '2x', '4x'];
  const rows = ROWS.map((row, i) => [
    ...labels(row, i, ROWS),
    nearLimit((factor) => reader.judge(row, factor, rule)?.failed),
    nearLimit((factor) => reader.judge(row, factor, rule)?.failedOfWithin),
    nearLimit((factor) => reader.cell(row, factor)?.trulyOver),
    ...[2, 4].map((factor) => foundAt(reader.judge(row, factor, rule))),
  ]);
  return tableOf(head, rows);
}

function lateFaults(summaries: Summaries): string {
  const reader = new Reader(summaries, 'late');
  const shown = ROWS.filter((row) => reader.cell(row, 2) !== undefined);
  const rows = shown.map((row, i) => [
    ...labels(row, i, shown),
    ...[2, 4].map((factor) => foundAt(reader.judge(row, factor, DRIFT_RULE))),
  ]);
  return tableOf(['answers', 'D', '2x', '4x'], rows);
}

function ownPast(summaries: Summaries): string {
  const reader = new Reader(summaries, 'drift');
  const shown = ROWS.filter((row) => reader.cell(row, 0) !== undefined);
  const rows = shown.map((row, i) => [
    ...labels(row, i, shown),
    ...[0, 0.6].flatMap((factor) => [DRIFT_RULE, 'besides'].map((judge) => passedAt(reader.judge(row, factor, judge)))),
    ...[DRIFT_RULE, 'besides'].map((judge) => percent(reader.judge(row, 0, judge)?.failed)),
  ]);
  const head = [
    'devices differ',
    'D',
    'no drift',
    'stable only',
    '0.6x',
    'stable only',
    'failed, no drift',
    'stable only',
  ];
  return tableOf(head, rows);
}

function directions(summaries: Summaries): string {
  const rules = [DRIFT_RULE, WIDE_LOSS_RULE, LOSS_RULE];
  const tell = (judge: JudgeSummary | undefined): string => {
    if (judge === undefined) return '–';
    if (judge.failed > 0) return `fails ${foundAt(judge)}`;
    return judge.passed > 0 ? `passes ${passedAt(judge)}` : 'open';
  };
  const rows = Object.entries(DIRECTIONS).map(([scenario, { title }]) => {
    const judges = summaries.find({ setup: 'direction', scenario, devices: 10, factor: 1 })?.judges ?? {};
    return [title, ...rules.map((rule) => tell(judges[rule]))];
  });
  return tableOf(['answers, 10 devices', ...rules], rows);
}

function kioskCell(scenario: string): Cell {
  return { setup: 'kiosk', scenario, devices: 10, factor: 1 };
}

/** `100@19 (20)`: in brackets the minute by which nine in ten of those found were. */
function withNinth(judge: JudgeSummary | undefined): string {
  const found = foundAt(judge);
  return judge?.ninthOfFound == null ? found : `${found} (${judge.ninthOfFound})`;
}

function kiosks(summaries: Summaries): string {
  const judges = ['rule', 'held', 'course', 'six, rule', 'six, course'];
  const head = [
    '10 kiosks',
    'by the rule',
    'held on course',
    'rollback on course',
    'six rules',
    'six, rollback on course',
  ];
  const rows = Object.entries(KIOSK_SCENARIOS).map(([scenario, { title }]) => [
    title,
    ...judges.map((judge) => withNinth(summaries.judge(kioskCell(scenario), `${judge} ${DRIFT_RULE}`))),
  ]);
  return tableOf(head, rows);
}

function kioskRules(summaries: Summaries): string {
  const rules = [DRIFT_RULE, 'confidence_drift < 0.1 KL', WIDE_LOSS_RULE, LOSS_RULE];
  const rows = rules.map((rule) => [
    rule,
    ...['rule', 'course'].map((judge) => withNinth(summaries.judge(kioskCell('falls'), `${judge} ${rule}`))),
  ]);
  return tableOf(['half a point a minute', 'by the rule', 'rollback on course'], rows);
}

/** The tables, numbered from the sixth on. */
export function confidenceTables(summaries: Summaries): Section[] {
  return [
    [
      `${DRIFT_RULE}: failed within the hour, %; true drift 0.6/0.8/1.0 of the limit; found at 2x and 4x, % @ median minute`,
      nearTheLimit(summaries, 'drift', DRIFT_RULE),
    ],
    [`${DRIFT_RULE}: a fault that begins at minute 30, found % @ median minute`, lateFaults(summaries)],
    [
      `${DRIFT_RULE}: passed % @ median minute where devices differ, with and without their own past`,
      ownPast(summaries),
    ],
    [`Kiosks under ${DRIFT_RULE}: failed % @ median minute (90%)`, `${kiosks(summaries)}\n\n${kioskRules(summaries)}`],
    ['Which way a model changed: verdict, % @ median minute', directions(summaries)],
    [`${LOSS_RULE}: as the sixth table`, nearTheLimit(summaries, 'loss', LOSS_RULE)],
  ];
}
