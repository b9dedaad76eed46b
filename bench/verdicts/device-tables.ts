// Owns the tables of rules over devices.
import type { Setup } from './cell.ts';
import { BY_ATTEMPT, BY_DEVICE, DELIVERY_SCENARIOS } from './delivery-stage.ts';
import { foundAt, passedAt, percent, type Section, tableOf } from './figures.ts';
import { ERROR_RULE, HELD_BACK_SCENARIOS, SLOW_RULE } from './held-back-stage.ts';
import { REPORTING_RULE, SHOWN_MINUTE, SILENCE_SCENARIOS } from './silence-stage.ts';
import type { Summaries } from './summary.ts';

function deliveries(summaries: Summaries): string {
  const head = ['network', 'D', 'stages truly over', 'by device: failed', 'passed', 'by attempt: failed', 'passed'];
  const rows = Object.entries(DELIVERY_SCENARIOS).flatMap(([scenario, { title }]) =>
    [20, 200].map((devices, i) => {
      const cell = { setup: 'delivery', scenario, devices, factor: 1 } as const;
      const judges = [BY_DEVICE, BY_ATTEMPT].map((rule) => summaries.judge(cell, rule));
      return [
        ...[i === 0 ? title : '', String(devices), percent(summaries.find(cell)?.trulyOver)],
        ...judges.flatMap((judge) => [foundAt(judge), passedAt(judge)]),
      ];
    }),
  );
  return tableOf(head, rows);
}

/** Rows of a setup: a scenario's title, then so many devices, then what its judges say. */
function rowsOf(
  summaries: Summaries,
  setup: Setup,
  scenarios: Readonly<Record<string, { readonly title: string }>>,
  judges: readonly string[],
): string[][] {
  return Object.entries(scenarios).flatMap(([scenario, { title }]) =>
    summaries.all
      .filter(({ cell }) => cell.setup === setup && cell.scenario === scenario)
      .map(({ cell, judges: of }, i) => [
        ...[i === 0 ? title : '', String(cell.devices)],
        ...judges.map((judge) => (judge === 'held' ? percent(of[judge]?.failed) : foundAt(of[judge]))),
      ]),
  );
}

function silences(summaries: Summaries): string {
  const head = ['what falls silent', 'D', 'share below 90%', 'rule fails', `failed or held at minute ${SHOWN_MINUTE}`];
  return tableOf(head, rowsOf(summaries, 'reporting', SILENCE_SCENARIOS, ['bare', 'rule', 'held']));
}

function heldBack(summaries: Summaries): string {
  const head = ['last stage of 400 devices', 'held back', SLOW_RULE, ERROR_RULE];
  return tableOf(head, rowsOf(summaries, 'held-back', HELD_BACK_SCENARIOS, [SLOW_RULE, ERROR_RULE]));
}

export function deviceTables(summaries: Summaries): Section[] {
  return [
    [`${REPORTING_RULE}: failed within the hour, % @ median minute`, silences(summaries)],
    ['A last stage with devices held back: failed within the hour, % @ median minute', heldBack(summaries)],
    [`${BY_DEVICE}, beside ${BY_ATTEMPT}: % @ median minute`, deliveries(summaries)],
  ];
}
