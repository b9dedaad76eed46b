// Owns the sentences for why a rule is undecided or does not apply, and for what its numbers alone don't show.
import { assertNever } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { LEAST_DEVICES } from '../gates/judge-groups.ts';
import type { OutlierReason, RuleReason } from '../gates/rule-reason.ts';
import type { StageReason } from '../gates/rule-verdict.ts';
import type { SignalResting, SignalSilence } from '../gates/signal-track.ts';
import { countOf } from './amounts.ts';

type Fact<Kind extends RuleReason['kind']> = Extract<RuleReason, { kind: Kind }>;

/** Reasons that have no facts of their own. */
const PLAIN = {
  'no-data': 'no data',
  'too-few-reports': 'too few reports',
  'too-few-devices': 'too few devices to tell',
  'no-baseline': 'no baseline',
  'no-events': 'no bad events in either group; set a floor',
  'one-device': 'one device explains the breach',
  'no-devices': 'no devices',
  'one-breaches': 'one bad device already breaches this share',
  'first-rollout': 'first rollout: there is no stable version to compare with',
  'not-frozen': 'no baseline when the stage opened',
  'not-measured': 'this window does not measure it',
  'no-relative-limit': 'this metric has no limit relative to the baseline',
  'no-single-device-limit': 'a rule about any device takes an absolute limit between 0 % and 100 %',
  'own-past': 'the same devices were like this under stable',
  'not-reported': 'no device of the stage reports it',
  'thin-reports': 'too few reports of each device',
  'thin-baseline': 'no baseline yet: too few reports of each device of stable',
  'baseline-not-positive':
    'a ratio needs a positive baseline, and the median of stable is not above 0: give an absolute limit',
  'classes-too-rare': 'every class of the baseline is too rare to be waited for',
  'no-classes': 'the manifest names no classes, so none is watched',
  'no-such-devices': 'stable has no such devices to compare with',
  'no-group-judged': 'no group can be judged in this stage',
  'no-answer': 'no answer yet',
  'provider-undecided': 'the provider is undecided',
} as const;

const RESTING: Readonly<Record<SignalResting, string>> = {
  'not-asked': 'nobody asks: only the running service does',
  'not-ready': 'asked while enough devices of the stage are ready',
  'no-new-answer': 'no new answer yet',
};

export function silenceInWords(why: SignalSilence): string {
  switch (why.kind) {
    case 'unknown-provider':
      return 'the service knows no such provider: add it to its signals.yaml';
    case 'wrong-answer':
      return why.wanted === 'number' ? 'it answers a verdict, not a number' : 'it answers a number, not a verdict';
    case 'failed':
      return 'it could not be asked';
    case 'said':
      return why.text;
    default:
      return assertNever(why);
  }
}

function percent(share: number): string {
  const value = 100 * share;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

function outlier({ byAll, device, times, areOthersOver }: OutlierReason): string {
  const says = `${device} alone says that it did ${Number(times.toPrecision(2))} times as much as the median device`;
  if (byAll === 'fail') return `by all it would fail; ${says}, and by the others it is not proven`;
  const all = byAll === 'pass' ? 'by all it would pass' : 'by all it is within the limit';
  return `${all}; ${says}, and the others ${areOthersOver ? 'are over the limit' : 'do not prove it yet'}`;
}

function bursts({ effect }: Fact<'bursts'>): string {
  const times = Number(effect.toPrecision(2));
  return `by its own numbers it would pass; on stable bad events come in bursts that it may not have met yet, so they count ${times} times less`;
}

function deviceBreach(fact: Fact<'device-breach'>): string {
  const { device, bad, trials, breaching, mayBreach, total } = fact;
  const many = mayBreach === 0 ? '' : `${breaching} of ${total} devices breach it, ${mayBreach} may; `;
  return `${many}${bad} of ${trials} on ${device}, beyond what chance explains`;
}

/** `3 of 20 devices above it for 5 min`. */
function devicesBeyond({ side, bad, pending, total, forMs, isSample }: Fact<'devices-beyond'>): string {
  const time = forMs === 0 ? '' : ` for ${formatDuration(forMs)}`;
  const open = pending === 0 ? '' : `, ${pending} not known yet`;
  return `${bad}${isSample ? ' in a sample of' : ' of'} ${total} devices ${side} it${time}${open}`;
}

function classOpen({ name, seen, expected, why }: Fact<'class-open'>): string {
  const due = Number(expected.toPrecision(2));
  return `"${name}": ${why === null ? `seen ${seen} times where stable would have ${due}` : reasonInWords(why)}`;
}

function otherGroups({ count, over, overCount }: Fact<'other-groups'>): string {
  if (overCount > 0) return `so do ${over.join(', ')}${overCount > over.length ? ' and others' : ''}`;
  return count === 1 ? 'the other group is within' : `the other ${count} groups are within`;
}

function moved(what: string, { from, to }: { readonly from: number; readonly to: number }): string {
  const percent = (share: number): string => `${Number((100 * share).toFixed(share < 0.1 ? 1 : 0))} %`;
  return `most of it: ${what} went from ${percent(from)} to ${percent(to)} of answers`;
}

/** A reason as a clause; what devices did is told of `stage`, where that is given. */
export function reasonInWords(reason: RuleReason, stage?: string): string {
  switch (reason.kind) {
    case 'too-little':
      return `too little evidence ${reason.within ? 'within' : 'over'} the limit`;
    case 'outlier':
      return outlier(reason);
    case 'bursts':
      return bursts(reason);
    case 'late':
      return 'the newest intervals alone prove it; over the whole stage it is not proven yet';
    case 'pending-installs':
      return `${reason.pending} devices have not ended their install`;
    case 'no-outcomes':
      return reason.of === 'downloads' ? 'no download ended yet' : 'no labels came back yet';
    case 'devices-open': {
      const { mayBreach, total } = reason;
      const who = mayBreach === 0 ? 'not every device is' : `more than ${mayBreach} of ${total} devices are not`;
      return `${who} observed within the limit yet`;
    }
    case 'device-breach':
      return deviceBreach(reason);
    case 'devices-beyond':
      return devicesBeyond(reason);
    case 'few-report':
      return `only ${reason.devices} of the stage's devices report it`;
    case 'class-fell': {
      const { name, from, to, devices, total } = reason;
      const of = stage === undefined ? 'devices' : `${stage} devices`;
      return `"${name}" fell from ${percent(from)} to ${percent(to)} of predictions on ${devices} of ${total} ${of}`;
    }
    case 'more-classes':
      return `and ${countOf(reason.count, 'more class', 'more classes')}`;
    case 'class-open':
      return classOpen(reason);
    case 'unknown-class':
      return `the manifest does not name the class "${reason.name}"`;
    case 'before-first-look':
      return `the first look comes after ${reason.intervals} intervals`;
    case 'class-moved':
      return moved(reason.name === null ? 'other classes' : `"${reason.name}"`, reason);
    case 'confidence-moved':
      return moved(`confidences of ${Math.round(100 * reason.least)}–${Math.round(100 * reason.most)} %`, reason);
    case 'other-groups':
      return otherGroups(reason);
    case 'small-group':
      return `fewer than ${reason.least} devices in the stage`;
    case 'signal-resting':
      return RESTING[reason.why];
    case 'signal-silent':
      return silenceInWords(reason.why);
    case 'signal-short': {
      const { within, heldMs, neededMs } = reason;
      return `${within ? 'holds' : 'is broken'} for ${formatDuration(heldMs)} of the ${formatDuration(neededMs)} that count`;
    }
    case 'signal-few': {
      const { within, answers, needed } = reason;
      return `${within ? 'holds' : 'is broken'} in ${answers} of the ${needed} answers that count`;
    }
    case 'provider-said':
      return reason.text;
    default:
      return PLAIN[reason.kind];
  }
}

export function reasonsInWords(reasons: readonly RuleReason[], stage?: string): string {
  return reasons.map((reason) => reasonInWords(reason, stage)).join('; ');
}

/** Why a rule judges nothing in a stage. */
export function passedOverInWords(grouping: { readonly by: string; readonly areKnown: boolean } | undefined): string {
  if (grouping === undefined) return `fewer than ${LEAST_DEVICES} devices in the stage`;
  return `no group of ${oneLine(grouping.by)} ${grouping.areKnown ? 'has' : 'would have'} ${LEAST_DEVICES} devices in it`;
}

/** What a stage lacks, or the rule that it waits for. */
export function stageReasonInWords(reason: StageReason): string {
  switch (reason.kind) {
    case 'rule':
      return reason.rule;
    case 'minimum-devices':
      return `${countOf(reason.need - reason.have, 'more device')} with data`;
    case 'minimum-inferences':
      return countOf(reason.need - reason.have, 'more inference');
    default:
      return assertNever(reason);
  }
}
