// Owns how one rule's verdict is told to a person who knows no statistics: what was seen, what is allowed, what follows, what is missing.
import { assertNever } from '../base/errors.ts';
import { asSentence, oneLine } from '../base/plain-text.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { ONE_DEVICE, TOO_LITTLE } from '../gates/statistics/rate-verdict.ts';
import { aboutMore, countOf, formatAmount, formatBounds, formatCount, trialOf } from './amounts.ts';
import { lateBreachOf, reasonBesideLate } from './late-in-words.ts';
import { limitOf, signalNote } from './verdict-table.ts';

/** What a rule counted. */
function counted({ unit, sums, trials, metric }: RuleVerdict): string {
  if (trialOf(metric) !== 'inference') return countOf(trials, trialOf(metric));
  const isAnswers = unit === 'ms' || sums.kind === 'classes' || sums.kind === 'histogram';
  if (isAnswers) return countOf(trials, 'answer');
  return countOf(trials, sums.kind === 'rate' ? 'inference' : 'measurement');
}

/** ` on 10 devices`. */
function onDevices({ devices }: RuleVerdict): string {
  return devices === 0 ? '' : ` on ${countOf(devices, 'device')}`;
}

function range(rule: RuleVerdict): string {
  const { estimate, lower, upper, unit } = rule;
  if (estimate === null || lower === null || upper === null || isAllThereIs(rule)) return '';
  const [from, to] = formatBounds(estimate, lower, upper, unit).slice(1, -1).split('–');
  return `; the true value is most likely between ${from} and ${formatAmount(upper, unit).replace(/^\S+/, to ?? '')}`;
}

function oneDevice(rule: RuleVerdict): string {
  const { sums, worstDevice, estimate, unit } = rule;
  const worst = sums.kind === 'rate' ? sums.worst : null;
  if (worstDevice === null || worst === null) return `Nothing was measured yet${onDevices(rule)}.`;
  const what = unit === 'ms' ? 'answers over the limit' : 'inferences';
  const amount = estimate === null ? '' : `${formatAmount(estimate, unit)}, `;
  const share = `${formatCount(worst.bad)} of ${formatCount(worst.trials)} ${what}`;
  return `The device that stands out most is ${oneLine(worstDevice)}: ${amount}${share}${range(rule)}.`;
}

function seen(rule: RuleVerdict): string {
  const { estimate, unit, trials } = rule;
  if (estimate === null || trials === 0) return 'Nothing was measured yet.';
  return `Seen: ${formatAmount(estimate, unit)} over ${counted(rule)}${onDevices(rule)}${range(rule)}.`;
}

/** What was seen. */
function observed(rule: RuleVerdict): string {
  const { sums, estimate, unit, scope } = rule;
  if (sums.kind === 'gauge')
    return estimate === null
      ? 'Nothing was measured yet.'
      : `Seen: a median of ${formatAmount(estimate, unit)}${onDevices(rule)}.`;
  if (scope === 'any-device') return oneDevice(rule);
  switch (sums.kind) {
    case 'share': {
      const { bad, good, pending } = sums;
      const open = pending === 0 ? '' : `; ${formatCount(pending)} have not ended their install yet`;
      return `${formatCount(bad)} of ${countOf(bad + good + pending, 'device')} failed${open}.`;
    }
    case 'signal':
      return estimate === null
        ? `Asked: ${signalNote(sums)}.`
        : `Seen: ${formatAmount(estimate, unit)} (${signalNote(sums)}).`;
    case 'histogram':
      return estimate === null
        ? 'Nothing was measured yet.'
        : `Seen: a shift of ${formatAmount(estimate, unit)} over ${counted(rule)}${onDevices(rule)}${range(rule)}.`;
    case 'classes':
      if (estimate !== null && rule.metric === 'vanished_classes') {
        const gone =
          estimate === 0 ? 'no class is' : estimate === 1 ? 'one class is' : `${formatCount(estimate)} classes are`;
        return `Seen: ${gone} gone, over ${counted(rule)}${onDevices(rule)}.`;
      }
      return seen(rule);
    case 'rate':
    case 'none':
      return seen(rule);
    default:
      return assertNever(sums);
  }
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': 'below',
  '<=': 'at most',
  '>': 'above',
  '>=': 'at least',
  '==': 'exactly',
};

/** What is allowed, and what it was held against. */
function allowed(rule: RuleVerdict): string[] {
  const { limit, unit, baseline } = rule;
  const isRelative = /\dx\s+baseline/.test(rule.groupRule ?? rule.rule);
  const inForce = isRelative && limit !== null ? ` (now ${formatAmount(limit, unit)})` : '';
  const text = limitOf(rule)
    .replace(/^== 0$/, 'none')
    .replace(/^(<=|>=|==|<|>)/, (sign) => COMPARISONS[sign] ?? sign);
  const least = [`Allowed: ${text}${inForce}.`];
  if (baseline === null) return least;
  if (baseline.from === 'offline' && baseline.estimate !== null)
    return [...least, `Compared with: ${formatAmount(baseline.estimate, unit)}, as the manifest states it.`];
  const shows = baseline.estimate === null ? '' : `${formatAmount(baseline.estimate, unit)} on `;
  const when =
    baseline.from === 'earlier' ? 'when stable was last seen beside the candidate' : 'that run stable at the same time';
  return [...least, `Compared with: ${shows}${countOf(baseline.devices, 'device')} ${when}.`];
}

/** Would the others keep an upper limit without that device? Null where its counts don't say. */
function othersKeepIt({ sums, limit, unit, rule }: RuleVerdict): boolean | null {
  if (sums.kind !== 'rate' || sums.worst === null || limit === null || unit !== 'ratio' || !rule.includes('<'))
    return null;
  const { candidate, worst } = sums;
  const [bad, trials] = [candidate.bad - worst.bad, candidate.trials - worst.trials];
  return trials > 0 ? bad < limit * trials : null;
}

/** The device that weighs most, where one was set apart and says something. */
function worstInWords(rule: RuleVerdict): string[] {
  const { worstDevice, scope, verdict, sums, reason, within } = rule;
  const worst = sums.kind === 'rate' ? sums.worst : null;
  if (sums.kind === 'gauge')
    return worstDevice === null ? [] : [`The device that was beyond the limit longest: ${oneLine(worstDevice)}.`];
  if (worstDevice === null || scope === 'any-device' || verdict === 'pass' || worst?.bad === 0) return [];
  const counts = worst === null ? '' : ` (${formatCount(worst.bad)} of ${formatCount(worst.trials)})`;
  const device = `${oneLine(worstDevice)}${counts}`;
  if (verdict === 'fail')
    return [`It is broken even without ${device}, the device that stands out most: it is not one device's fault.`];
  if (reason === ONE_DEVICE || (!within && othersKeepIt(rule) === true))
    return [`Without ${device} the others keep the limit: that device may be at fault, not the model.`];
  return [`The device that stands out most: ${device}.`];
}

function missing({ needs, verdict, dryRun, trials, reason, metric }: RuleVerdict): string[] {
  if (verdict !== 'undecided') return [];
  if (needs === null)
    return trials > 0 && reason.startsWith(TOO_LITTLE) ? ['More of the same would not decide it.'] : [];
  const time = needs.minutes === null ? '' : `${aboutMore(needs.minutes)} at the present traffic`;
  const what = dryRun ? 'Until it would be decided' : 'Until it is decided';
  if (needs.trials === 0) return [`${what}: ${needs.minutes === null ? 'the next look' : aboutMore(needs.minutes)}.`];
  const count = countOf(needs.trials, `more ${trialOf(metric)}`);
  return [`${what}, if things stay as they are: ${time === '' ? count : `${time} (${count})`}.`];
}

/** Is the device that stands out most observed within an upper limit? Then others are only not heard of yet. */
function isOnlyUnheard({ scope, sums, limit, unit, rule }: RuleVerdict): boolean {
  if (scope !== 'any-device' || sums.kind !== 'rate' || limit === null || !rule.includes('<')) return false;
  if (sums.worst === null) return true;
  return unit === 'ratio' && sums.worst.bad <= limit * sums.worst.trials;
}

/** Downloads pass within their limit once all have ended, whether or not so few would prove it of a sample (`isComplete`). */
function isAllThereIs({ metric, verdict, lower, limit }: RuleVerdict): boolean {
  return verdict === 'pass' && metric === 'download_success' && limit !== null && (lower === null || lower <= limit);
}

function outcome(rule: RuleVerdict): string[] {
  const { verdict, within, reason, trials } = rule;
  const late = lateBreachOf(rule);
  if (late !== null) {
    const others = reasonBesideLate(rule);
    return [
      `It is broken: the newest intervals alone prove it, with ${late.amount} (${late.counts}); the whole stage does not yet.`,
      ...(others === '' ? [] : [asSentence(others)]),
    ];
  }
  const why = reason === '' ? [] : [asSentence(reason)];
  switch (verdict) {
    case 'pass':
      return isAllThereIs(rule)
        ? ['It holds: every install has ended, so what was seen is all there is.', ...why]
        : ['It holds: proven, not only observed.', ...why];
    case 'fail':
      return ['It is broken: proven, not only observed.', ...why];
    case 'undecided':
      if (trials === 0) return ['Not decided yet.', ...(reason === 'no data' ? [] : why)];
      if (!within && isOnlyUnheard(rule)) return ['Not decided yet.', ...why];
      return [
        within
          ? 'Not decided yet: within the limit so far, but chance could explain that.'
          : 'Not decided yet: over the limit so far, but chance could explain that.',
        ...(reason.startsWith(TOO_LITTLE) ? [] : why),
      ];
    case 'not-applicable':
      return why;
    default:
      return assertNever(verdict);
  }
}

/** Devices are counted, and signals asked: neither is a sample of anything. */
function exactOutcome(rule: RuleVerdict): string[] {
  // Devices that are not done were counted among what was seen.
  const isTold = rule.reason === '' || (rule.sums.kind === 'share' && /^\d+ devices have not ended/.test(rule.reason));
  const why = isTold ? [] : [asSentence(rule.reason)];
  const words = {
    pass: 'It holds.',
    fail: 'It is broken.',
    undecided: 'Not decided yet.',
    'not-applicable': 'It does not apply.',
  };
  return [words[rule.verdict], ...why];
}

const VERDICT_WORDS = {
  pass: 'holds',
  fail: 'is broken',
  undecided: 'is not decided',
  'not-applicable': 'does not count',
};

/** `Of the others: hw:rev1 82.3 ms, holds; hw:rev2 – (fewer than 3 devices in the stage), does not count.` */
function otherGroups({ groups = [], group, unit, sums }: RuleVerdict): string[] {
  const others = groups.filter((one) => one.name !== group);
  if (others.length === 0) return [];
  const told = others.map(({ name, estimate, verdict, reason, trials }) => {
    const isCounted = sums.kind === 'share' && estimate !== null;
    const amount =
      estimate === null ? '' : ` ${formatAmount(estimate, unit)}${isCounted ? ` of ${formatCount(trials)}` : ''}`;
    const why = verdict === 'not-applicable' && reason !== '' ? ` (${oneLine(reason)})` : '';
    return `${oneLine(name)}${amount} ${VERDICT_WORDS[verdict]}${why}`;
  });
  return [`Of the other groups: ${told.join('; ')}.`];
}

/** The verdict on a rule in sentences, what was seen first. */
export function ruleSentences(rule: RuleVerdict): string[] {
  if (rule.verdict === 'not-applicable') return [...outcome(rule), ...otherGroups(rule)];
  const isExact = ['share', 'signal', 'gauge'].includes(rule.sums.kind);
  return [
    ...(rule.group === undefined ? [] : [`The numbers are of the group ${oneLine(rule.group)}.`]),
    observed(rule),
    ...allowed(rule),
    ...(isExact ? exactOutcome(rule) : outcome(rule)),
    ...worstInWords(rule),
    ...(rule.scope === 'fleet' ? ['These devices are taken as a sample of the whole fleet.'] : []),
    ...otherGroups(rule),
    ...missing(rule),
    ...(rule.dryRun ? ['It is shown only, and never decides.'] : []),
  ];
}
