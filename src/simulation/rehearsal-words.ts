// Owns how a rehearsal is told: the timeline, how it ended, and what others would have done; the same facts for programs.
import { assertNever } from '../base/errors.ts';
import { countOf, formatCount, listed } from '../wording/amounts.ts';
import { ARGO_FAILURE_LIMIT, type BareOutcome, FLAGGER_THRESHOLD } from './bare-threshold.ts';
import { isForClasses, leftOutInWords, leftOutOf } from './left-out.ts';
import type { Rehearsal, RehearsalOrder } from './rehearsal-order.ts';
import { clockOf, timelineText } from './timeline.ts';

function endInWords({ outcome, stage, groupsApart, minutesToRevert, awaits }: Rehearsal): string {
  switch (outcome) {
    case 'completed':
      return groupsApart.length === 0
        ? 'completed: the candidate is stable'
        : `completed without ${listed(groupsApart, 'and')}: the candidate is stable for the others`;
    case 'reverted':
      return `reverted in ${stage} ${clockOf(minutesToRevert ?? 0)} after the start`;
    case 'held':
      if (awaits.length > 0) return `waits in ${stage} for an approval by ${listed(awaits, 'or')}`;
      return stage === null ? 'held: it never started' : `held in ${stage}`;
  }
}

/**
 * An end held against the truth of the scenario. `false-alarm`: a good candidate was taken back; `miss`: a bad one was not; `untested`:
 * it got through before what the scenario is about began, or the policy is for models with classes and the scenario's has none; `open`: nothing was decided yet.
 */
type Judgement = 'right' | 'false-alarm' | 'miss' | 'untested' | 'open';

interface End extends Pick<Rehearsal, 'faultBegan'>, Partial<Pick<Rehearsal, 'groupsApart'>> {
  readonly outcome: Rehearsal['outcome'] | BareOutcome['outcome'];
}

function isUntested({ scenario, policy }: RehearsalOrder, { faultBegan }: Pick<End, 'faultBegan'>): boolean {
  const { isBad, needs = ['classes'] } = scenario;
  return !faultBegan || (isBad && !needs.includes('classes') && isForClasses(policy));
}

function judgementOf(order: RehearsalOrder, end: End): Judgement {
  const { outcome, groupsApart = [] } = end;
  const { scenario } = order;
  switch (outcome) {
    case 'reverted':
      return scenario.isBad ? 'right' : 'false-alarm';
    case 'completed':
    case 'no objection':
      // Something was taken back, if only from some.
      if (groupsApart.length > 0) return scenario.isBad ? 'right' : 'false-alarm';
      if (isUntested(order, end)) return 'untested';
      return scenario.isBad ? 'miss' : 'right';
    case 'held':
      return 'open';
    default:
      return assertNever(outcome);
  }
}

/** Was it right? */
function judgementInWords(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { scenario, hours } = order;
  const { outcome, stage, awaits, soakedMinutes, groupsApart, faultBegan, breaches } = rehearsal;
  if (breaches.length > 0) return `An independent judge of the history found: ${breaches.join('; ')}.`;
  const candidate = scenario.isBad ? 'The candidate was bad' : 'The candidate was good';
  if (outcome === 'completed' && groupsApart.length > 0)
    return scenario.isBad
      ? `${candidate}, and was kept from ${listed(groupsApart, 'and')}; the others got it.`
      : `${candidate}, and was taken back from ${listed(groupsApart, 'and')}: a false alarm.`;
  switch (outcome) {
    case 'completed':
      if (!faultBegan) return 'The fault had not begun when the rollout ended: nothing was tested.';
      if (isUntested(order, rehearsal))
        return `${candidate}, and the whole fleet got it; the rules of this policy are for models with classes, and the model of this scenario has none: nothing was tested.`;
      return scenario.isBad
        ? `${candidate}, and the whole fleet got it: a miss; no rule of this policy sees what is wrong with it.`
        : `${candidate}, and the fleet got it.`;
    case 'reverted':
      return scenario.isBad ? `${candidate}, and was kept from the rest of the fleet.` : `${candidate}: a false alarm.`;
    case 'held':
      if (soakedMinutes !== null && awaits.length === 0) {
        const over = hours === 1 ? '1 hour of the rehearsal was' : `${hours} hours of the rehearsal were`;
        return `The ${over} over in ${stage}, ${countOf(soakedMinutes, 'minute')} into its soak.`;
      }
      return scenario.isBad
        ? `${candidate}; it stays in its stage until a rule is decided, or a person does.`
        : `${candidate}; it had not got through its stages when the rehearsal ended.`;
  }
}

function bareInWords(order: RehearsalOrder, bare: BareOutcome, { bareThreshold, faultBegan }: Rehearsal): string {
  const when = `at ${clockOf(bare.minutesToRevert ?? 0)} in ${bare.stage} (${bare.rule})`;
  const breaches = `(${countOf(bare.breaches, 'interval')} over a limit)`;
  switch (judgementOf(order, { ...bare, faultBegan })) {
    case 'false-alarm':
      return `would have reverted a good model ${when}: a false alarm`;
    case 'miss':
      return `would not have noticed in ${clockOf(bareThreshold.watchedMinutes)} ${breaches}: a miss`;
    default:
      return bare.outcome === 'reverted' ? `would have reverted ${when}` : `would not have reverted ${breaches}`;
  }
}

/** Told at the end of the timeline. */
export function resultText(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { devicesExposed, bareThreshold } = rehearsal;
  const { argo, flagger } = bareThreshold;
  const had = `${formatCount(devicesExposed)} of ${countOf(order.devices, 'device')} ran the candidate`;
  return [
    `Outcome: ${endInWords(rehearsal)}; ${had}.`,
    judgementInWords(order, rehearsal),
    '',
    'Bare thresholds, checked once a minute on the same data:',
    `  Argo Rollouts, failureLimit ${ARGO_FAILURE_LIMIT}  ${bareInWords(order, argo, rehearsal)}`,
    `  Flagger, threshold ${FLAGGER_THRESHOLD}           ${bareInWords(order, flagger, rehearsal)}`,
  ].join('\n');
}

/** The whole rehearsal as people read it. */
export function rehearsalText(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { scenario, devices, seed, policy } = order;
  return [
    `Policy ${policy.metadata.name}, scenario ${scenario.name}, ${countOf(devices, 'device')}, seed ${seed}`,
    scenario.summary,
    ...leftOutInWords(policy, scenario.answers),
    '',
    timelineText(rehearsal.timeline),
    '',
    resultText(order, rehearsal),
  ].join('\n');
}

const JUDGEMENTS: Readonly<Record<Judgement, string>> = {
  right: 'right',
  'false-alarm': 'FALSE ALARM',
  miss: 'MISS',
  untested: 'not tested',
  open: 'open',
};

export interface Rehearsed {
  readonly order: RehearsalOrder;
  /** Or why there was none. */
  readonly rehearsal: Rehearsal | string;
}

export const SUMMARY_HEADER = ['SCENARIO', 'CANDIDATE', 'OUTCOME', 'DEVICES', 'JUDGEMENT'] as const;

/** One row of the table of many rehearsals, in the order of its header. */
export function summaryRow({ order, rehearsal }: Rehearsed): readonly string[] {
  const { scenario, devices } = order;
  const candidate = scenario.isBad ? 'bad' : 'good';
  if (typeof rehearsal === 'string') return [scenario.name, candidate, 'not rehearsed', '-', '-'];
  const exposed = `${formatCount(rehearsal.devicesExposed)} of ${formatCount(devices)}`;
  return [scenario.name, candidate, endInWords(rehearsal), exposed, JUDGEMENTS[judgementOf(order, rehearsal)]];
}

/** The same for programs, without the timeline. */
export function summaryJson({ order, rehearsal }: Rehearsed): Record<string, unknown> {
  if (typeof rehearsal === 'string')
    return { scenario: order.scenario.name, candidateIsBad: order.scenario.isBad, outcome: null, because: rehearsal };
  const { timeline: _, ...rest } = rehearsalJson(order, rehearsal);
  return rest;
}

/** The same for programs; minutes count from the start of the rollout. */
export function rehearsalJson(order: RehearsalOrder, rehearsal: Rehearsal): Record<string, unknown> {
  const { outcome, stage, awaits, groupsApart, devicesExposed, minutesToRevert, minutesToRestore, seed, breaches } =
    rehearsal;
  const { faultBegan } = rehearsal;
  const { argo, flagger, watchedMinutes } = rehearsal.bareThreshold;
  const timeline = rehearsal.timeline.map((entry) => ({ ...entry, minute: Math.round(entry.minute * 100) / 100 }));
  const { scenario, devices, policy } = order;
  const judged = (bare: BareOutcome) => ({ ...bare, judgement: judgementOf(order, { ...bare, faultBegan }) });
  return {
    ...{ outcome, stage, awaits, groupsApart, faultBegan, judgement: judgementOf(order, rehearsal) },
    ...{ devicesExposed, minutesToRevert, minutesToRestore, seed },
    ...{ policy: policy.metadata.name, scenario: scenario.name, candidateIsBad: scenario.isBad, devices },
    notRehearsed: leftOutOf(policy, scenario.answers),
    ...{ timeline, bareThreshold: { argo: judged(argo), flagger: judged(flagger), watchedMinutes }, breaches },
  };
}
