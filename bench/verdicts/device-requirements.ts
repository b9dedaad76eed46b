// Owns what verdicts over devices must hold to.
import type { Cell } from './cell.ts';
import { BY_DEVICE } from './delivery-stage.ts';
import { found, hold, inPercent, never, passes, type Requirement, rowsOf, withinErrorLevel } from './requirement.ts';
import type { Summaries } from './summary.ts';

const LARGE_STAGE = 50;

export function deviceRequirements(summaries: Summaries): Requirement[] {
  const delivery = (scenarios: readonly string[], devices?: number) => ({
    judge: BY_DEVICE,
    isOf: (cell: Cell): boolean =>
      cell.setup === 'delivery' && scenarios.includes(cell.scenario) && cell.devices === (devices ?? cell.devices),
  });
  const whole = delivery(['good', 'cut', 'cut, away']);
  const silence = (judge: string, scenario: RegExp, least = 0) => ({
    judge,
    isOf: (cell: Cell): boolean => cell.setup === 'reporting' && scenario.test(cell.scenario) && cell.devices >= least,
  });
  return [
    hold(
      'silence: outages of devices and of sites fail, at most 5% + 3 standard errors',
      rowsOf(summaries, silence('rule', /^outages|^sites/), withinErrorLevel),
      inPercent,
    ),
    hold(
      'silence: a candidate that silences 40% of 50 or 200 devices within half an hour is missed, at most 5%',
      rowsOf(summaries, silence('rule', /^40% silenced/, LARGE_STAGE), found),
      inPercent,
    ),
    hold(
      'silence: 40% of them silenced, slowly or at once, are neither failed nor held at minute 30, at most 5%',
      rowsOf(summaries, silence('held', /^40%/, LARGE_STAGE), found),
      inPercent,
    ),
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
