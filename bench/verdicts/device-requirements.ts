// Owns what verdicts over devices must hold to.
import type { Cell } from './cell.ts';
import { BY_DEVICE } from './delivery-stage.ts';
import { found, hold, inPercent, never, passes, type Requirement, rowsOf } from './requirement.ts';
import type { Summaries } from './summary.ts';

export function deviceRequirements(summaries: Summaries): Requirement[] {
  const delivery = (scenarios: readonly string[], devices?: number) => ({
    judge: BY_DEVICE,
    isOf: (cell: Cell): boolean =>
      cell.setup === 'delivery' && scenarios.includes(cell.scenario) && cell.devices === (devices ?? cell.devices),
  });
  const whole = delivery(['good', 'cut', 'cut, away']);
  return [
    hold('delivery: networks that deliver late never fail', rowsOf(summaries, whole, never), inPercent),
    hold('delivery: they do not pass, at most 5%', rowsOf(summaries, whole, passes), inPercent),
    hold(
      'delivery: 10% of 200 devices without the file are missed, at most 5%',
      rowsOf(summaries, delivery(['10% lost'], 200), found),
      inPercent,
    ),
    hold(
      'delivery: stages with fewer than 5% of their devices without the file never fail',
      rowsOf(summaries, delivery(['2% lost', '10% lost']), ({ failedOfWithin }) =>
        failedOfWithin === null ? null : { value: failedOfWithin, bound: 0 },
      ),
      inPercent,
    ),
  ];
}
