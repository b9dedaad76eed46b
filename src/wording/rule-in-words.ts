// Owns the explanation of one rule's verdict for a person who knows no statistics: what was observed, what is allowed, what follows, what is missing.
import { assertNever } from '../base/errors.ts';
import { asSentence, oneLine } from '../base/plain-text.ts';
import type { RuleReason } from '../gates/rule-reason.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { totalOf } from '../gates/statistics/share-verdict.ts';
import type { Tally } from '../gates/statistics/tally.ts';
import {
  aboutMore,
  badInWords,
  countOf,
  formatAmount,
  formatBetween,
  formatCount,
  trialOf,
  trialsInWords,
} from './amounts.ts';
import { failInWords } from './fail-in-words.ts';
import { fixedInWords } from './fixed-limit-in-words.ts';
import { lateBreachOf, onCourseBreachOf, reasonsBesideLate } from './late-in-words.ts';
import { otherGroups } from './other-groups-in-words.ts';
import { reasonsInWords } from './reason-in-words.ts';
import { heardInWords, limitOf, signalNote } from './verdict-table.ts';

/** What a rule counted. */
function counted({ unit, kind, trials, metric }: RuleVerdict): string {
  if (unit === 'per-hour' || trialOf(metric) !== 'inference') return trialsInWords(trials, metric);
  const isAnswers = unit === 'ms' || kind === 'classes' || kind === 'histogram';
  if (isAnswers) return countOf(trials, 'answer');
  return countOf(trials, kind === 'rate' ? 'inference' : 'measurement');
}

/** The device that was set apart, by its counts. */
function worstOf(rule: RuleVerdict): Tally | null {
  return rule.kind === 'rate' ? rule.sums.worst : null;
}

function has({ reasons }: RuleVerdict, kind: RuleReason['kind']): boolean {
  return reasons.some((reason) => reason.kind === kind);
}

/** ` on 10 devices`. */
function onDevices({ devices }: RuleVerdict): string {
  return devices === 0 ? '' : ` on ${countOf(devices, 'device')}`;
}

function range(rule: RuleVerdict): string {
  const { estimate, lower, upper, unit } = rule;
  if (estimate === null || lower === null || upper === null || isAllThereIs(rule)) return '';
  return `; the true value is most likely ${formatBetween(estimate, lower, upper, unit)}`;
}

function oneDevice(rule: RuleVerdict): string {
  const { worstDevice, estimate, unit } = rule;
  const worst = worstOf(rule);
  if (worstDevice === null || worst === null) return `No data yet${onDevices(rule)}.`;
  const what = unit === 'ms' ? 'answers over the limit' : 'inferences';
  const amount = estimate === null ? '' : `${formatAmount(estimate, unit)}, `;
  const share = `${formatCount(worst.bad)} of ${formatCount(worst.trials)} ${what}`;
  return `The device that stands out most is ${oneLine(worstDevice)}: ${amount}${share}${range(rule)}.`;
}

function seen(rule: RuleVerdict): string {
  const { estimate, unit, trials } = rule;
  if (estimate === null || trials === 0) return 'No data yet.';
  return `Observed: ${formatAmount(estimate, unit)} over ${counted(rule)}${onDevices(rule)}${range(rule)}.`;
}

/** What was seen. */
function observed(rule: RuleVerdict): string {
  const { estimate, unit, scope } = rule;
  if (rule.kind === 'gauge')
    return estimate === null
      ? 'No data yet.'
      : `Observed: a median of ${formatAmount(estimate, unit)}${onDevices(rule)}.`;
  if (scope === 'any-device') return oneDevice(rule);
  switch (rule.kind) {
    case 'share': {
      const { bad, pending } = rule.sums;
      const of = `${formatCount(bad)} of ${countOf(totalOf(rule.sums), 'device')}`;
      if (rule.metric === 'undelivered_devices') {
        const open = pending === 0 ? '' : `; ${formatCount(pending)} may still get it in time`;
        return `${of} did not have the version in time${open}.`;
      }
      const open = pending === 0 ? '' : `; ${countOf(pending, 'install')} still in progress`;
      return `${of} failed${open}.`;
    }
    case 'heard':
      return rule.metric === 'answering_devices'
        ? `${heardInWords(rule.sums.candidate)} devices answer as often as they used to.`
        : `${heardInWords(rule.sums.candidate)} devices are heard of.`;
    case 'signal':
      return estimate === null
        ? `Queried: ${signalNote(rule.sums)}.`
        : `Observed: ${formatAmount(estimate, unit)} (${signalNote(rule.sums)}).`;
    case 'histogram': {
      if (estimate === null) return 'No data to compare yet.';
      const amount = formatAmount(estimate, unit);
      const what =
        unit === 'ratio' ? `${amount} more of the answers less sure than with stable` : `a shift of ${amount}`;
      return `Observed: ${what}, over ${counted(rule)}${onDevices(rule)}${range(rule)}.`;
    }
    case 'classes':
      if (estimate !== null && rule.metric === 'vanished_classes') {
        const gone = estimate === 0 ? 'no class' : countOf(estimate, 'class', 'classes');
        return `Observed: ${gone} vanished, over ${counted(rule)}${onDevices(rule)}.`;
      }
      return seen(rule);
    case 'rate':
    case 'blank':
      return seen(rule);
    default:
      return assertNever(rule);
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
  const inForce = rule.isRelative && limit !== null ? ` (now ${formatAmount(limit, unit)})` : '';
  const text = limitOf(rule)
    .replace(/^== 0$/, 'none')
    .replace(/^(<=|>=|==|<|>)/, (sign) => COMPARISONS[sign] ?? sign);
  const least = [`Allowed: ${text}${inForce}.`];
  if (baseline === null) return least;
  if (baseline.from === 'offline' && baseline.estimate !== null)
    return [...least, `Compared with: ${formatAmount(baseline.estimate, unit)}, from the manifest.`];
  const shows = baseline.estimate === null ? '' : `${formatAmount(baseline.estimate, unit)} on `;
  const when =
    baseline.from === 'earlier' ? 'when stable last ran beside the candidate' : 'running stable at the same time';
  return [...least, `Compared with: ${shows}${countOf(baseline.devices, 'device')} ${when}.`];
}

/** Would the others keep an upper limit without that device? Null where its counts don't say. */
function othersKeepIt(rule: RuleVerdict): boolean | null {
  const { limit, unit, goodSide } = rule;
  if (rule.kind !== 'rate' || limit === null || unit !== 'ratio' || goodSide !== 'below') return null;
  const { candidate, worst } = rule.sums;
  if (worst === null) return null;
  const [bad, trials] = [candidate.bad - worst.bad, candidate.trials - worst.trials];
  return trials > 0 ? bad < limit * trials : null;
}

/** The device that weighs most, where one was set apart and says something. */
function worstInWords(rule: RuleVerdict): string[] {
  const { worstDevice, scope, verdict, within } = rule;
  const worst = worstOf(rule);
  if (rule.kind === 'gauge') return worstDevice === null ? [] : [`Longest beyond the limit: ${oneLine(worstDevice)}.`];
  if (worstDevice === null || scope === 'any-device' || verdict === 'pass' || worst?.bad === 0) return [];
  const counts = worst === null ? '' : ` (${badInWords(worst, rule.metric)})`;
  const device = `${oneLine(worstDevice)}${counts}`;
  if (verdict === 'fail')
    return [`It fails even without ${device}, the device that stands out most, so no single device is to blame.`];
  if (has(rule, 'one-device') || (!within && othersKeepIt(rule) === true))
    return [
      `Without ${device} the other devices keep the limit, so that device may be at fault rather than the model.`,
    ];
  return [`The device that stands out most: ${device}.`];
}

/** What a decision on the rule lacks, in a sentence; none where it is decided. */
export function needOfRule(rule: RuleVerdict): string[] {
  const { needs, verdict, dryRun, trials, metric } = rule;
  if (verdict !== 'undecided') return [];
  if (needs === null) return trials > 0 && has(rule, 'too-little') ? ['More data like this would not decide it.'] : [];
  const { minutes } = needs;
  // Only drift waits for reports, which come by time.
  if (needs.trials === 0)
    return [minutes === null ? 'It waits for reports.' : `It needs reports of ${aboutMore(minutes)}.`];
  const count = trialsInWords(needs.trials, metric, 'more ');
  const amount = minutes === null ? count : `${aboutMore(minutes)} at current traffic (${count})`;
  return [`If nothing changes, it ${dryRun ? 'would need' : 'needs'} ${amount}.`];
}

/** Is the device that stands out most observed within an upper limit? Then others are only not heard of yet. */
function isOnlyUnheard(rule: RuleVerdict): boolean {
  const { scope, limit, unit, goodSide } = rule;
  if (scope !== 'any-device' || rule.kind !== 'rate' || limit === null || goodSide !== 'below') return false;
  const { worst } = rule.sums;
  return worst === null || (unit === 'ratio' && worst.bad <= limit * worst.trials);
}

/** Downloads and installs pass within their limit once all have ended, whether or not so few would prove it of a sample (`isComplete`). */
function isAllThereIs({ metric, verdict, lower, limit }: RuleVerdict): boolean {
  const isOfInstalls = metric === 'download_tries' || metric === 'apply_success';
  return verdict === 'pass' && isOfInstalls && limit !== null && (lower === null || lower <= limit);
}

function sentencesOf(reasons: readonly RuleReason[]): string[] {
  return reasons.length === 0 ? [] : [asSentence(reasonsInWords(reasons))];
}

function outcome(rule: RuleVerdict): string[] {
  const { verdict, within, reasons, trials } = rule;
  const late = lateBreachOf(rule);
  if (late !== null) {
    const others = reasonsInWords(reasonsBesideLate(rule));
    return [
      `It fails: the newest intervals alone prove it, with ${late.amount} (${late.counts}). The whole stage does not yet.`,
      ...(others === '' ? [] : [asSentence(others)]),
    ];
  }
  const why = sentencesOf(reasons);
  switch (verdict) {
    case 'pass':
      return isAllThereIs(rule)
        ? ['It passes: every install has finished, so there is nothing left to observe.', ...why]
        : ['It passes: the data proves it.', ...why];
    case 'fail':
      return onCourseBreachOf(rule) === null
        ? ['It fails: the data proves it.', ...why]
        : ['It fails by its forecast: what was observed is the mean of the whole stage, and the loss grows.', ...why];
    case 'undecided':
      if (trials === 0) return ['Undecided.', ...(has(rule, 'no-data') ? [] : why)];
      if (rule.estimate === null && rule.kind === 'histogram')
        return has(rule, 'too-few-reports') ? ['Undecided: too few reports yet.'] : ['Undecided.', ...why];
      if (!within && isOnlyUnheard(rule)) return ['Undecided.', ...why];
      return [
        within
          ? 'Undecided: within the limit so far, but that could be chance.'
          : 'Undecided: over the limit so far, but that could be chance.',
        ...(has(rule, 'too-little') ? [] : why),
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
  const why = sentencesOf(
    rule.reasons.filter(({ kind }) => kind !== 'pending-installs' && kind !== 'pending-deliveries'),
  );
  const words = {
    pass: 'It passes.',
    fail: 'It fails.',
    undecided: 'Undecided.',
    'not-applicable': 'Not applicable.',
  };
  return [words[rule.verdict], ...why];
}

const EXACT: readonly RuleVerdict['kind'][] = ['share', 'heard', 'signal', 'gauge'];

function follows(rule: RuleVerdict): string[] {
  return EXACT.includes(rule.kind) ? exactOutcome(rule) : outcome(rule);
}

/** The verdict on a rule in short: what was seen, what is allowed, what follows. */
export function ruleInShort(rule: RuleVerdict): string {
  const seen = rule.verdict === 'not-applicable' ? [] : [observed(rule), ...allowed(rule).slice(0, 1)];
  return [...seen, ...follows(rule)].join(' ');
}

/** The verdict on a rule in sentences, what was seen first. `opened`: when its stage opened, where that is known. */
export function ruleSentences(rule: RuleVerdict, opened?: string): string[] {
  if (rule.verdict === 'not-applicable') return [...outcome(rule), ...otherGroups(rule)];
  return [
    ...(rule.group === null ? [] : [`These are the numbers of group ${oneLine(rule.group)}.`]),
    observed(rule),
    ...allowed(rule),
    ...fixedInWords(rule, opened),
    ...follows(rule),
    ...worstInWords(rule),
    ...(rule.scope === 'fleet' ? ['These devices are treated as a sample of the whole fleet.'] : []),
    ...otherGroups(rule),
    ...needOfRule(rule),
    ...(rule.verdict === 'fail' && rule.recovered ? ['It is within the limit again by now.'] : []),
    ...(rule.dryRun ? ['Dry run: it is reported and never decides the stage.'] : []),
    ...(rule.onFailure === undefined || rule.dryRun ? [] : [failInWords(rule.onFailure)]),
  ];
}
