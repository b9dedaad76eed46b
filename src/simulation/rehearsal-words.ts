// Owns how a rehearsal is told: the timeline, how it ended, and what others would have done; the same facts for programs.
import { countOf, formatCount, listed } from '../rollout/amounts.ts';
import { stagesOf } from '../rollout/stages-of-policy.ts';
import { ARGO_FAILURE_LIMIT, type BareOutcome, FLAGGER_THRESHOLD } from './bare-threshold.ts';
import type { Rehearsal, RehearsalOrder } from './rehearsal.ts';
import { clockOf, timelineText } from './timeline.ts';

function endInWords({ outcome, stage, minutesToRevert }: Rehearsal): string {
  switch (outcome) {
    case 'completed':
      return 'completed: the candidate is stable';
    case 'reverted':
      return `reverted in ${stage} ${clockOf(minutesToRevert ?? 0)} after the start`;
    case 'held':
      return stage === null ? 'held: it never started' : `held in ${stage}`;
  }
}

/** Was it right? */
function judgementOf({ scenario }: RehearsalOrder, { outcome, breaches }: Rehearsal): string {
  if (breaches.length > 0) return `An independent judge of the history found: ${breaches.join('; ')}.`;
  const candidate = scenario.isBad ? 'The candidate was bad' : 'The candidate was good';
  switch (outcome) {
    case 'completed':
      return scenario.isBad
        ? `${candidate}, and the whole fleet got it: no rule of this policy sees what is wrong with it.`
        : `${candidate}, and the fleet got it.`;
    case 'reverted':
      return scenario.isBad ? `${candidate}, and was kept from the rest of the fleet.` : `${candidate}: a false alarm.`;
    case 'held':
      return scenario.isBad
        ? `${candidate}; it stays in its stage until a rule is decided, or a person does.`
        : `${candidate}; it had not got through its stages when the rehearsal ended.`;
  }
}

function bareInWords({ outcome, minutesToRevert, stage, rule, breaches }: BareOutcome): string {
  if (outcome === 'reverted') return `would have reverted at ${clockOf(minutesToRevert ?? 0)} in ${stage} (${rule})`;
  return `would not have objected (${countOf(breaches, 'interval')} over a limit)`;
}

/** Told at the end of the timeline. */
export function resultText(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { devicesExposed, bareThreshold } = rehearsal;
  const had = `${formatCount(devicesExposed)} of ${countOf(order.devices, 'device')} ran the candidate`;
  return [
    `Outcome: ${endInWords(rehearsal)}; ${had}.`,
    judgementOf(order, rehearsal),
    '',
    'One number against one threshold a minute, on the same numbers:',
    `  Argo Rollouts, failureLimit ${ARGO_FAILURE_LIMIT}  ${bareInWords(bareThreshold.argo)}`,
    `  Flagger, threshold ${FLAGGER_THRESHOLD}           ${bareInWords(bareThreshold.flagger)}`,
  ].join('\n');
}

/** Outside signals have no virtual counterpart. */
function outsideSignals({ policy }: RehearsalOrder): readonly string[] {
  return [...new Set(stagesOf(policy).flatMap((stage) => stage.signals.map((one) => one.name)))];
}

/** The whole rehearsal as people read it. */
export function rehearsalText(order: RehearsalOrder, rehearsal: Rehearsal): string {
  const { scenario, devices, seed, policy } = order;
  const outside = outsideSignals(order);
  return [
    `Policy ${policy.metadata.name}, scenario ${scenario.name}, ${countOf(devices, 'device')}, seed ${seed}`,
    scenario.summary,
    ...(outside.length === 0 ? [] : [`Not rehearsed, because nobody outside can be asked: ${listed(outside, 'and')}.`]),
    '',
    timelineText(rehearsal.timeline),
    '',
    resultText(order, rehearsal),
  ].join('\n');
}

/** The same for programs; minutes count from the start of the rollout. */
export function rehearsalJson(order: RehearsalOrder, rehearsal: Rehearsal): Record<string, unknown> {
  const { outcome, stage, devicesExposed, minutesToRevert, minutesToRestore, seed, breaches, bareThreshold } =
    rehearsal;
  const timeline = rehearsal.timeline.map((entry) => ({ ...entry, minute: Math.round(entry.minute * 100) / 100 }));
  const { scenario, devices, policy } = order;
  return {
    ...{ outcome, stage, devicesExposed, minutesToRevert, minutesToRestore, seed },
    ...{ policy: policy.metadata.name, scenario: scenario.name, candidateIsBad: scenario.isBad, devices },
    notRehearsed: outsideSignals(order),
    ...{ timeline, bareThreshold, breaches },
  };
}
