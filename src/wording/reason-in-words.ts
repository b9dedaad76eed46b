// Owns the sentences for why a rule is undecided or does not apply, and for what its numbers alone don't show.
import { assertNever } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { LEAST_DEVICES } from '../gates/judge-groups.ts';
import type { ConfidenceDirection, OutlierReason, RuleReason } from '../gates/rule-reason.ts';
import type { ArmsAlarm, StageReason } from '../gates/rule-verdict.ts';
import type { SignalResting, SignalSilence } from '../gates/signal-track.ts';
import { countOf, formatCount, percent } from './amounts.ts';
import { incomparableInWords, outputBinInWords } from './outputs-in-words.ts';

type Fact<Kind extends RuleReason['kind']> = Extract<RuleReason, { kind: Kind }>;

/** Reasons that have no facts of their own. */
const PLAIN = {
  'no-data': 'no data',
  'too-few-reports': 'too few reports',
  'too-few-devices': 'too few devices to decide',
  'no-baseline': 'no baseline',
  'no-events': 'no bad events in either arm; set a floor',
  'one-device': 'one device explains the breach',
  'no-devices': 'no devices',
  'one-breaches': 'one bad device already breaches this share',
  'first-rollout': 'first rollout: no stable version to compare with',
  'not-frozen': 'no baseline when the stage opened',
  frozen:
    'over a limit that was fixed earlier; too few devices run stable to show whether it would break it too, so this rule alone does not fail',
  'not-measured': 'not measured in this window',
  'no-relative-limit': 'this metric needs an absolute limit',
  'no-single-device-limit': 'a rule about single devices needs an absolute limit between 0% and 100%',
  'own-past': 'the same devices behaved like this on stable',
  'not-reported': 'no device in the stage reports it',
  'thin-reports': 'too few reports from each device',
  'thin-baseline': 'no baseline yet: too few reports from each device on stable',
  'baseline-not-positive':
    "a ratio needs a positive baseline, and stable's median is not above 0; set an absolute limit",
  'classes-too-rare': 'every class of the baseline is too rare to wait for',
  'no-classes': 'the manifest names no classes to watch',
  'no-such-devices': 'stable has no such devices to compare with',
  'no-group-judged': 'no group can be judged in this stage',
  'fewer-report': 'fewer report than should; chance or one outage may explain it',
  'fewer-answer': 'fewer answer as they used to than should; chance or one outage may explain it',
  'not-listening': 'the service has not listened since the stage opened',
  'no-answer': 'no answer yet',
  'provider-undecided': 'the provider is undecided',
} as const;

const RESTING: Readonly<Record<SignalResting, string>> = {
  'not-asked': 'not queried: only the running service queries providers',
  'not-ready': 'queried once enough devices of the stage are ready',
  'no-new-answer': 'no new answer yet',
};

export function silenceInWords(why: SignalSilence): string {
  switch (why.kind) {
    case 'unknown-provider':
      return 'the service has no provider of this name; add it to its signals.yaml';
    case 'wrong-answer':
      return why.wanted === 'number' ? 'it returned a verdict, not a number' : 'it returned a number, not a verdict';
    case 'failed':
      return 'the query failed';
    case 'late':
      return 'its answers are late: it is asked more than it can answer';
    case 'said':
      return why.text;
    default:
      return assertNever(why);
  }
}

const NO_OUTCOMES = {
  downloads: 'no download has finished yet',
  installs: 'no install has finished yet',
  labels: 'no labels have arrived yet',
} as const;

function outlier({ byAll, device, times, areOthersOver }: OutlierReason): string {
  const all = { fail: 'would fail', pass: 'would pass', within: 'is within the limit' }[byAll];
  const others = areOthersOver ? 'are over the limit' : 'do not prove it yet';
  return `with all devices it ${all}, but ${device} alone reports ${timesOf(times)} as much as the median device, and the others ${others}`;
}

function timesOf(times: number): string {
  return `${formatCount(Number(times.toPrecision(2)))} times`;
}

function bursts({ effect }: Fact<'bursts'>): string {
  return `its own numbers would pass, but bad events come in bursts on stable, and it may not have met one yet, so its evidence counts ${timesOf(effect)} less`;
}

function deviceBreach(fact: Fact<'device-breach'>): string {
  const { device, bad, trials, breaching, mayBreach, total } = fact;
  const many =
    mayBreach === 0
      ? ''
      : `${formatCount(breaching)} of ${countOf(total, 'device')} breach it, ${formatCount(mayBreach)} may; `;
  return `${many}${formatCount(bad)} of ${formatCount(trials)} on ${device}, more than chance explains`;
}

/** `3 of 20 devices above the limit for 5 min`. */
function devicesBeyond({ side, bad, pending, total, forMs, isSample }: Fact<'devices-beyond'>): string {
  const devices = countOf(total, isSample ? 'sampled device' : 'device');
  const time = forMs === 0 ? '' : ` for ${formatDuration(forMs)}`;
  const open = pending === 0 ? '' : `, ${formatCount(pending)} undecided`;
  return `${formatCount(bad)} of ${devices} ${side} the limit${time}${open}`;
}

function classOpen({ name, seen, expected, why }: Fact<'class-open'>): string {
  const due = Number(expected.toPrecision(2));
  return `"${name}": ${why === null ? `seen ${countOf(seen, 'time')}, where stable would have ${due}` : reasonInWords(why)}`;
}

function otherGroups({ count, over, overCount }: Fact<'other-groups'>): string {
  if (overCount > 0) return `also over the limit: ${over.join(', ')}${overCount > over.length ? ' and others' : ''}`;
  return count === 1 ? 'the other group is within the limit' : `the other ${count} groups are within the limit`;
}

/** `dev-1, dev-2 and 4 more`. */
export function namedOf({ count, devices }: { readonly count: number; readonly devices: readonly string[] }): string {
  const names = devices.map(oneLine).join(', ');
  return count > devices.length ? `${names} and ${formatCount(count - devices.length)} more` : names;
}

/** Why the arms can't be compared. */
export function armsInWords({ problem, seen, all, expected, both, devices }: ArmsAlarm): string {
  const what =
    problem === 'in-both-arms'
      ? `${countOf(both, 'device')} answered for both versions in one interval: ${namedOf({ count: both, devices })}`
      : `of ${countOf(all, 'device')} heard of since they could have switched, ${formatCount(seen)} are the candidate's, where ${formatCount((expected ?? 0) * all)} should be`;
  return `the arms can't be compared: ${what}`;
}

function onCourse({ minute, until, isPast }: Fact<'on-course'>): string {
  const crossing = isPast ? `stay beyond the limit, which it crossed at minute` : `break the limit at minute`;
  return `on course to ${crossing} ${minute} of the stage; the soak ends at minute ${until}`;
}

const DIRECTIONS: Readonly<Record<ConfidenceDirection, string>> = {
  surer: 'surer than stable',
  'less-sure': 'less sure than stable',
  mixed: 'surer on some answers, less sure on others',
};

function moved(what: string, { from, to }: { readonly from: number; readonly to: number }): string {
  return `mostly ${what}, from ${percent(from)} to ${percent(to)} of answers`;
}

/** A reason as a clause; what devices did is about `stage`, where that is given. */
export function reasonInWords(reason: RuleReason, stage?: string): string {
  switch (reason.kind) {
    case 'too-little':
      return `too little evidence ${reason.within ? 'within' : 'over'} the limit`;
    case 'outlier':
      return outlier(reason);
    case 'bursts':
      return bursts(reason);
    case 'one-on-stable':
      return `over its limit, but of the few devices on stable ${reason.device} alone makes it so`;
    case 'late':
      return 'the newest intervals alone prove it; the whole stage does not yet';
    case 'pending-installs':
      return `${countOf(reason.pending, 'install')} still in progress`;
    case 'pending-deliveries':
      return `${countOf(reason.pending, 'device')} may still get it in time`;
    case 'undelivered':
      return `still without it: ${namedOf(reason)}`;
    case 'out-of-reach':
      return `never heard of the stage and not counted: ${namedOf(reason)}`;
    case 'silent':
      return `silent: ${namedOf(reason)}`;
    case 'not-answering':
      return `answer less than a third of what is expected: ${namedOf(reason)}`;
    case 'young':
      return `too early to tell of ${countOf(reason.count, 'device')}`;
    case 'arms-differ':
      return armsInWords(reason);
    case 'no-outcomes':
      return NO_OUTCOMES[reason.of];
    case 'devices-open': {
      const { mayBreach, total } = reason;
      const who =
        mayBreach === 0 ? 'not every device is' : `more than ${mayBreach} of ${countOf(total, 'device')} are not`;
      return `${who} within the limit yet`;
    }
    case 'device-breach':
      return deviceBreach(reason);
    case 'devices-beyond':
      return devicesBeyond(reason);
    case 'few-report':
      return `only ${countOf(reason.devices, 'device')} in the stage ${reason.devices === 1 ? 'reports' : 'report'} it`;
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
    case 'first-intervals':
      return `the first verdict comes after ${reason.intervals} intervals`;
    case 'class-moved':
      return moved(reason.name === null ? 'other classes' : `"${reason.name}"`, reason);
    case 'on-course':
      return onCourse(reason);
    case 'confidence-moved': {
      const bin = `confidences of ${Math.round(100 * reason.least)}–${Math.round(100 * reason.most)}%`;
      return `${DIRECTIONS[reason.direction]}: ${moved(bin, reason)}`;
    }
    case 'not-comparable':
      return `not comparable: ${incomparableInWords(reason.why)}`;
    case 'output-moved':
      return moved(outputBinInWords(reason.bin), reason);
    case 'less-sure':
      return `${percent(reason.excess)} more of the answers than with stable are below ${percent(reason.below)} confidence`;
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
      return `${within ? 'passes' : 'fails'} for ${formatDuration(heldMs)} of the required ${formatDuration(neededMs)}`;
    }
    case 'signal-few': {
      const { within, answers, needed } = reason;
      return `${within ? 'passes' : 'fails'} in ${answers} of the required ${needed} answers`;
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
