// Owns what verdicts over confidences must hold to.
import type { Cell, Setup } from './cell.ts';
import { DRIFT_RULE, LOSS_RULE, WIDE_LOSS_RULE } from './confidence-cells.ts';
import {
  found,
  foundBy,
  hold,
  inMinutes,
  inPercent,
  never,
  passes,
  type Requirement,
  rowsOf,
  withinErrorLevel,
} from './requirement.ts';
import type { Summaries } from './summary.ts';

const MOST_MINUTES_BY_RULE = 20;
const MOST_MINUTES_ON_COURSE = 13;
/** What levels off below its limit is no straight line: shown, and the price of rollback on course. */
const LEVELS_OFF = /^levels/;

const isUnsure = (scenario: string): boolean => scenario.startsWith('unsure') || scenario === 'mixture';

export function confidenceRequirements(summaries: Summaries): Requirement[] {
  const at =
    (setup: Setup, more: Partial<Cell> = {}) =>
    (cell: Cell): boolean =>
      Object.entries({ setup, ...more }).every(([key, value]) => cell[key as keyof Cell] === value);
  // What comes together over several reports looks surer than it is: the sums tell reports apart, and no more.
  const judged = (setup: Setup) => (cell: Cell) =>
    cell.setup === setup && (cell.scenario !== 'bursts' || cell.factor !== 1);
  const plain = { scenario: 'independent', devices: 10 } as const;
  const ofRows = (judge: string, isOf: (cell: Cell) => boolean, read: Parameters<typeof rowsOf>[2]) =>
    rowsOf(summaries, { judge, isOf }, read);
  const kiosks = (isOf: (scenario: string) => boolean) => (cell: Cell) => cell.setup === 'kiosk' && isOf(cell.scenario);
  const story = kiosks((scenario) => scenario === 'falls');
  const within = kiosks((scenario) => !scenario.startsWith('falls'));
  const directions = (isOf: (scenario: string) => boolean) => (cell: Cell) =>
    cell.setup === 'direction' && isOf(cell.scenario);
  return [
    hold(
      'drift and loss: stages truly within their limit fail, at most 5% + 3 standard errors; bursts at the very limit are shown and not judged',
      [
        ...ofRows(DRIFT_RULE, judged('drift'), withinErrorLevel),
        ...ofRows(LOSS_RULE, judged('loss'), withinErrorLevel),
      ],
      inPercent,
    ),
    hold(
      'drift and loss: 2x missed within the hour, ten devices, independent answers, at most 5%, also where it begins at minute 30',
      [
        ...ofRows(DRIFT_RULE, at('drift', { ...plain, factor: 2 }), found),
        ...ofRows(DRIFT_RULE, at('late', { ...plain, factor: 2 }), found),
        ...ofRows(LOSS_RULE, at('loss', { ...plain, factor: 2 }), found),
      ],
      inPercent,
    ),
    hold(
      'drift: devices that differ and did not move, with their own past known, are not passed within the hour, at most 5%',
      ofRows(DRIFT_RULE, at('drift', { factor: 0 }), passes),
      inPercent,
    ),
    hold(
      'loss: a surer model never fails',
      [WIDE_LOSS_RULE, LOSS_RULE].flatMap((rule) =>
        ofRows(
          rule,
          directions((one) => one.startsWith('surer')),
          never,
        ),
      ),
      inPercent,
    ),
    hold(
      'loss of 10%: a model that is less sure, of all answers or of a fifth of them, is missed, at most 5%',
      ofRows(WIDE_LOSS_RULE, directions(isUnsure), found),
      inPercent,
    ),
    hold(
      `kiosks: found by minute ${MOST_MINUTES_BY_RULE} in the median by the rule, alone or as one of six`,
      ['rule', 'six, rule'].flatMap((judge) => ofRows(`${judge} ${DRIFT_RULE}`, story, foundBy(MOST_MINUTES_BY_RULE))),
      inMinutes,
    ),
    hold(
      `kiosks: held, and with rollback on course reverted, by minute ${MOST_MINUTES_ON_COURSE} in the median`,
      ['held', 'course'].flatMap((judge) => ofRows(`${judge} ${DRIFT_RULE}`, story, foundBy(MOST_MINUTES_ON_COURSE))),
      inMinutes,
    ),
    hold(
      'kiosks within the limit: failed by the rule, at most 5% + 3 standard errors',
      ofRows(`rule ${DRIFT_RULE}`, within, withinErrorLevel),
      inPercent,
    ),
    hold(
      'kiosks within the limit, unless they level off: reverted on course, at most 5% + 3 standard errors',
      ofRows(
        `course ${DRIFT_RULE}`,
        kiosks((one) => !one.startsWith('falls') && !LEVELS_OFF.test(one)),
        withinErrorLevel,
      ),
      inPercent,
    ),
  ];
}
