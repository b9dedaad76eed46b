// Owns what verdicts over devices must hold to.
import type { Cell } from './cell.ts';
import { BY_DEVICE } from './delivery-stage.ts';
import { ERROR_RULE, SLOW_RULE } from './held-back-stage.ts';
import {
  boundOf,
  found,
  hold,
  inPercent,
  never,
  passes,
  type Requirement,
  rowsOf,
  withinErrorLevel,
} from './requirement.ts';
import type { Summaries } from './summary.ts';

const LARGE_STAGE = 50;
const HELD_BACK = 10;
const MOST_FALSE_ROLLBACKS = 0.02;

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
  const heldBack = (judge: string, scenarios: readonly string[]) => ({
    judge,
    isOf: (cell: Cell): boolean =>
      cell.setup === 'held-back' && scenarios.includes(cell.scenario) && cell.devices === HELD_BACK,
  });
  const both = (scenarios: readonly string[], read: Parameters<typeof rowsOf>[2]) =>
    [SLOW_RULE, ERROR_RULE].flatMap((rule) => rowsOf(summaries, heldBack(rule, scenarios), read));
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
    hold('10 held back: a good version never fails', both(['good', 'half'], never), inPercent),
    hold(
      '10 held back: at 0.8 of the limits where sites slow down, failed at most 2% + 3 standard errors',
      both(['near'], ({ failed }, { runs }) => ({ value: failed, bound: boundOf(MOST_FALSE_ROLLBACKS, runs) })),
      inPercent,
    ),
    hold(
      '10 held back: twice as slow is missed, at most 5%',
      rowsOf(summaries, heldBack(SLOW_RULE, ['bad', 'new', 'late']), found),
      inPercent,
    ),
    hold(
      '10 held back: four times as many errors are missed, at most 10%',
      rowsOf(summaries, heldBack(ERROR_RULE, ['bad']), ({ failed }) => ({ value: 1 - failed, bound: 0.1 })),
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
