// Owns how the figures are printed: the tables of false rollbacks and of detection, and a line for each requirement.
import { DEVICES, HEALTHY, type Setup } from './cell.ts';
import { confidenceTables } from './confidence-tables.ts';
import { deviceTables } from './device-tables.ts';
import { percent, type Section, tableOf } from './figures.ts';
import type { Requirement } from './requirement.ts';
import { SCENARIOS, type Scenario } from './scenario.ts';
import type { JudgeSummary, Summaries } from './summary.ts';

/** A minute, and what was not found; `14; 29/0.1`: median of those found, missed %, promoted %. */
function detection(judge: JudgeSummary | undefined): string {
  if (judge === undefined) return '–';
  return `${judge.medianOfFound ?? '–'}; ${percent(1 - judge.failed)}/${percent(judge.promoted)}`;
}

interface Row {
  readonly scenario: Scenario;
  readonly devices: number;
}

const ROWS: readonly Row[] = SCENARIOS.flatMap((scenario) => DEVICES.map((devices) => ({ scenario, devices })));
const EVEN_ROWS = ROWS.filter(({ scenario }) => scenario.oddRate === undefined);

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

  judge({ scenario, devices }: Row, factor: number, judge: string): JudgeSummary | undefined {
    return this.#summaries.judge({ setup: this.#setup, scenario: scenario.name, devices, factor }, judge);
  }

  trulyOver({ scenario, devices }: Row, factor: number): number | undefined {
    return this.#summaries.find({ setup: this.#setup, scenario: scenario.name, devices, factor })?.trulyOver;
  }

  /** Shares at several factors, as `0/0.3/2.0`; one alone where there is only one. */
  shares(row: Row, factors: readonly number[], read: (factor: number) => number | null | undefined): string {
    const known = row.scenario.oddRate === undefined ? factors : factors.slice(0, 1);
    return known.map((factor) => percent(read(factor))).join('/');
  }
}

function falseRollbacks(summaries: Summaries, setup: Setup, own: readonly (readonly [string, string])[]): string {
  const reader = new Reader(summaries, setup);
  const factors = setup === 'single' ? [...HEALTHY, 1] : setup === 'full' ? HEALTHY : [0.8];
  const judges = [['Argo', 'argo'], ['Flagger', 'flagger'], ['peeked', 'peeked'], ...own] as const;
  const main = own[0]?.[1] ?? '';
  const head = ['devices differ', 'D', ...judges.map(([title]) => title), 'of stages within', 'stages truly over'];
  const shown = setup === 'alike' ? ROWS.filter(({ scenario }) => scenario.name === 'cv1') : ROWS;
  const rows = shown.map((row, i) => [
    ...labels(row, i, shown),
    ...judges.map(([, judge]) => reader.shares(row, factors, (factor) => reader.judge(row, factor, judge)?.failed)),
    reader.shares(row, factors, (factor) => reader.judge(row, factor, main)?.failedOfWithin),
    reader.shares(row, factors, (factor) => reader.trulyOver(row, factor)),
  ]);
  return tableOf(head, rows);
}

function singleDetection(summaries: Summaries): string {
  const reader = new Reader(summaries, 'single');
  const head = [
    'devices differ',
    'D',
    '1.2x',
    '2x',
    '10x',
    '2x, no drop-worst',
    '2x, fleet',
    'Argo 10x',
    'Flagger 10x',
  ];
  const rows = EVEN_ROWS.map((row, i) => [
    ...labels(row, i, EVEN_ROWS),
    ...[1.2, 2, 10].map((factor) => detection(reader.judge(row, factor, 'stage'))),
    detection(reader.judge(row, 2, 'withoutDrop')),
    detection(reader.judge(row, 2, 'fleet')),
    String(reader.judge(row, 10, 'argo')?.medianOfFound ?? '–'),
    String(reader.judge(row, 10, 'flagger')?.medianOfFound ?? '–'),
  ]);
  return tableOf(head, rows);
}

function fullDetection(summaries: Summaries): string {
  const reader = new Reader(summaries, 'full');
  const blamed = (row: Row): string => {
    const cell = { setup: 'full', scenario: row.scenario.name, devices: row.devices, factor: 10 } as const;
    const others = Object.entries(summaries.find(cell)?.blamed ?? {}).filter(
      ([rule]) => !rule.startsWith('error_rate'),
    );
    return percent(others.reduce((sum, [, share]) => sum + share, 0));
  };
  const head = ['devices differ', 'D', '2x', '10x', 'wrong rule blamed at 10x', 'passed at 0.6x'];
  const rows = EVEN_ROWS.map((row, i) => [
    ...labels(row, i, EVEN_ROWS),
    ...[2, 10].map((factor) => detection(reader.judge(row, factor, 'full'))),
    blamed(row),
    percent(reader.judge(row, 0.6, 'full')?.passed),
  ]);
  return tableOf(head, rows);
}

/** All tables, with what they mean. */
export function printTables(summaries: Summaries): string {
  const runs = summaries.all[0]?.runs ?? 0;
  const sections: readonly Section[] = [
    [
      `One rule, error_rate < 0.5%: rolled back within the hour, % of ${runs} rollouts; true fleet rate 0.6/0.8/1.0 of the limit`,
      falseRollbacks(summaries, 'single', [
        ['Slipway', 'stage'],
        ['fleet scope', 'fleet'],
      ]),
    ],
    ['One rule: median minute of those found; missed %/promoted % after the hour', singleDetection(summaries)],
    [
      'Full configuration, seven rules: rolled back within the hour, %; every counted measure at 0.6/0.8 of its limit',
      falseRollbacks(summaries, 'full', [['Slipway', 'full']]),
    ],
    [
      'Full configuration, errors broken and the rest healthy: median minute of those found; missed %/promoted %',
      fullDetection(summaries),
    ],
    [
      'For information: as table 3 at 0.8, but with every measure as far apart between devices as errors',
      falseRollbacks(summaries, 'alike', [['Slipway', 'full']]),
    ],
    ...confidenceTables(summaries),
    ...deviceTables(summaries),
  ];
  return sections.map(([title, table], i) => `${i + 1}. ${title}\n\n${table}`).join('\n\n');
}

export function printRequirements(requirements: readonly Requirement[]): string {
  return requirements
    .map(({ what, isMet, rows, worst, broken }) => {
      const tail = isMet ? `worst of ${rows} rows: ${worst}` : `broken by ${broken.join(', ') || worst}`;
      return `${isMet ? 'passed' : 'FAILED'}  ${what}; ${tail}`;
    })
    .join('\n');
}
