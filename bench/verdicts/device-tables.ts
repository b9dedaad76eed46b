// Owns the tables of rules over devices.
import { BY_ATTEMPT, BY_DEVICE, DELIVERY_SCENARIOS } from './delivery-stage.ts';
import { foundAt, passedAt, percent, type Section, tableOf } from './figures.ts';
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

export function deviceTables(summaries: Summaries): Section[] {
  return [[`${BY_DEVICE}, beside ${BY_ATTEMPT}: % @ median minute`, deliveries(summaries)]];
}
