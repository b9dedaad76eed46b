// Owns the table of a verdict: one line a rule, in columns.
import { toIsoSeconds } from '../base/clock.ts';
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { SignalSums } from '../gates/signal-track.ts';
import type { HeardArm } from '../gates/statistics/reporting-verdict.ts';
import { type DeviceCounts, totalOf } from '../gates/statistics/share-verdict.ts';
import { countOf, formatAmount, formatBounds, formatCount, listed, percent } from './amounts.ts';
import { lateBreachOf, onCourseBreachOf, reasonsBesideLate } from './late-in-words.ts';
import { reasonsInWords } from './reason-in-words.ts';
import { scopeInWords } from './scope-in-words.ts';

/** `93 of 400`: what one device did, where its own value is not kept. */
function countsOf(rule: RuleVerdict): string | null {
  const worst = rule.kind === 'rate' && rule.scope === 'any-device' ? rule.sums.worst : null;
  return rule.estimate === null && worst !== null ? `${formatCount(worst.bad)} of ${formatCount(worst.trials)}` : null;
}

function measured(rule: RuleVerdict): readonly [amount: string, bounds: string] {
  const { estimate, lower, upper, unit } = rule;
  const late = lateBreachOf(rule);
  if (late !== null) return [late.amount, ''];
  if (rule.kind === 'share') return [`${rule.sums.bad} of ${totalOf(rule.sums)}`, ''];
  if (rule.kind === 'heard') return [heardInWords(rule.sums.candidate), ''];
  if (estimate === null) return [countsOf(rule) ?? '–', ''];
  const bounds = lower === null || upper === null ? '' : formatBounds(estimate, lower, upper, unit);
  return [formatAmount(estimate, unit), bounds];
}

/** `0.3% (0.2–0.5)`: what was measured, and between which bounds. */
export function measuredInWords(rule: RuleVerdict): string {
  return measured(rule)
    .filter((part) => part !== '')
    .join(' ');
}

/** `17 of 20`. */
export function heardInWords({ taken, silent }: HeardArm): string {
  return `${formatCount(taken - silent)} of ${formatCount(taken)}`;
}

/** `latency_p95 on hw:rev2`, of the group that the numbers are of; `latency_p95 by hw` before there are any. */
function titleOf(rule: RuleVerdict): string {
  if (rule.by === null) return oneLine(nameOf(rule));
  return oneLine(rule.group === null ? `${nameOf(rule)} by ${rule.by}` : `${nameOf(rule)} on ${rule.group}`);
}

/** `class_share[receipt]` of `class_share[receipt] > 2%`. */
function nameOf({ rule, metric }: Pick<RuleVerdict, 'rule' | 'metric'>): string {
  return rule.startsWith(`${metric}[`) ? rule.slice(0, rule.lastIndexOf(']') + 1) : metric;
}

/** `< 0.5%` of `error_rate < 0.5%`. */
export function limitOf(verdict: Pick<RuleVerdict, 'rule' | 'groupRule' | 'metric'>): string {
  return oneLine((verdict.groupRule ?? verdict.rule).slice(nameOf(verdict).length));
}

/** What was broken, and what the numbers don't show of it. */
interface Breach {
  readonly what: string;
  readonly note: string;
}

function inParentheses(text: string): string {
  return text === '' ? '' : ` (${oneLine(text)})`;
}

function breachOf(rule: RuleVerdict, stage: string): Breach {
  const { kind, reasons, share } = rule;
  const late = lateBreachOf(rule);
  if (late !== null) {
    const when = `${late.amount} in the newest intervals (${late.counts})`;
    const what = `${titleOf(rule)} ${when} in ${stage}, not ${limitOf(rule)}; ${late.whole}`;
    return { what, note: inParentheses(reasonsInWords(reasonsBesideLate(rule))) };
  }
  const course = onCourseBreachOf(rule);
  if (course !== null) {
    const what = `${titleOf(rule)} on course to break ${limitOf(rule)} in ${stage}`;
    return { what, note: inParentheses(`${course.whole}; ${reasonsInWords(reasons)}`) };
  }
  if (kind === 'classes' && reasons.length > 0) {
    const where = reasons.some((reason) => reason.kind === 'class-fell') ? '' : ` in ${stage}`;
    const group = rule.group === null ? '' : `, ${rule.group}`;
    return {
      what: `${oneLine(reasonsInWords(reasons, stage))}${where}`,
      note: inParentheses(`${rule.rule}${group}`),
    };
  }
  if (kind === 'signal') return signalBreach(rule, rule.sums, stage);
  const [amount] = measured(rule);
  if (kind === 'gauge') return gaugeBreach(rule, rule.sums, { amount, stage });
  const note = inParentheses(reasonsInWords(reasons));
  // The amount is that of the worst device, which alone would have been allowed.
  if (share !== null) {
    const most = percent(share);
    return { what: `${titleOf(rule)} not ${limitOf(rule)} on more than ${most} of devices in ${stage}`, note };
  }
  return { what: `${titleOf(rule)} ${amount} in ${stage}, not ${limitOf(rule)}`, note };
}

/** `error_rate 4.2% in canary, not < 0.5%`, or `error_rate not < 3% on more than 5% of devices in canary`, and what the numbers don't show of it; what classes did is in words. */
export function breachInWords(rule: RuleVerdict, stage: string): string {
  const { what, note } = breachOf(rule, stage);
  return `${what}${note}`;
}

/** The same where room is scarce: without what the numbers don't show. */
export function breachInShort(rule: RuleVerdict, stage: string): string {
  const late = lateBreachOf(rule);
  if (late !== null) return `${titleOf(rule)} ${late.amount} recently in ${stage}, not ${limitOf(rule)}`;
  if (rule.kind !== 'classes') return breachOf(rule, stage).what;
  return `${titleOf(rule)} ${measured(rule)[0]} in ${stage}, not ${limitOf(rule)}`;
}

/** `temperature not < 80C for 5m on 18 of 20 devices in canary (median 84 °C, baseline 60 °C)`. */
function gaugeBreach(
  rule: RuleVerdict,
  counts: DeviceCounts,
  { amount, stage }: { readonly amount: string; readonly stage: string },
): Breach {
  const before = rule.baseline?.estimate ?? null;
  const beside = before === null ? '' : `, baseline ${formatAmount(before, rule.unit)}`;
  const on = `on ${counts.bad} of ${countOf(totalOf(counts), 'device')} in ${stage}`;
  return { what: `${titleOf(rule)} not ${limitOf(rule)} ${on}`, note: ` (median ${amount}${beside})` };
}

/** `prometheus main`. */
function providerOf({ from, provider }: SignalSums): string {
  return `${from} ${oneLine(provider)}`;
}

/** `checkout_errors 4.2% in canary, not < 0.5% (prometheus main, for 5 min)`; a webhook says itself what it found. */
function signalBreach(rule: RuleVerdict, sums: SignalSums, stage: string): Breach {
  const { run } = sums.track;
  const heldMs = run === null ? 0 : run.lastMs - run.sinceMs;
  const by = heldMs === 0 ? providerOf(sums) : `${providerOf(sums)}, for ${formatDuration(heldMs)}`;
  const text = oneLine(reasonsInWords(rule.reasons));
  const note = ` (${by})${text === '' ? '' : `: ${text}`}`;
  if (rule.estimate === null) return { what: `${oneLine(rule.metric)} failed in ${stage}`, note };
  const limit = limitOf(rule).replace(/ for \S+$/, '');
  return { what: `${oneLine(rule.metric)} ${formatAmount(rule.estimate, rule.unit)} in ${stage}, not ${limit}`, note };
}

/** Whom a rule asked, and what was answered until when. */
export function signalNote(sums: SignalSums): string {
  const { run } = sums.track;
  if (run === null) return providerOf(sums);
  const answers = countOf(run.count, 'answer');
  const time = `${answers} over ${formatDuration(run.lastMs - run.sinceMs)} until ${toIsoSeconds(run.lastMs)}`;
  return `${providerOf(sums)}, ${time}`;
}

function verdictWord(rule: RuleVerdict): string {
  const word = rule.verdict === 'not-applicable' ? 'n/a' : rule.verdict;
  const more = [
    scopeInWords(rule),
    rule.dryRun ? 'dry run' : '',
    rule.verdict === 'fail' && rule.recovered ? 'within the limit again' : '',
  ].filter((text) => text !== '');
  return more.length === 0 ? word : `${word} (${more.join(', ')})`;
}

function noteOf(rule: RuleVerdict): string {
  const stable = rule.baseline?.estimate ?? null;
  const earlier = rule.baseline?.from === 'earlier' ? ' earlier' : '';
  const isStated = rule.baseline?.from === 'offline';
  const baseline =
    stable === null
      ? []
      : isStated
        ? [`baseline ${formatAmount(stable, rule.unit)} from the manifest`]
        : [
            `baseline ${formatAmount(stable, rule.unit)} on ${countOf(rule.baseline?.devices ?? 0, 'device')}${earlier}`,
          ];
  const worst = rule.worstDevice === null ? [] : [`worst ${oneLine(rule.worstDevice)}`];
  const unjudged = rule.groups.filter((one) => one.verdict === 'not-applicable' && one.devices > 0);
  const passedOver =
    unjudged.length === 0
      ? []
      : [
          `not judged: ${listed(
            unjudged.map((one) => `${oneLine(one.name)}${inParentheses(reasonsInWords(one.reasons))}`),
            'and',
            3,
          )}`,
        ];
  const signal = rule.kind === 'signal' ? [signalNote(rule.sums)] : [];
  const late = lateBreachOf(rule);
  const others = reasonsInWords(late === null ? rule.reasons : reasonsBesideLate(rule));
  const lately = late === null ? [] : [`in the newest intervals alone (${late.counts}); ${late.whole}`];
  const reason = [...lately, ...(others === '' ? [] : [oneLine(others)])];
  return [...baseline, ...worst, ...signal, ...reason, ...passedOver].join('; ');
}

/** The rules of a verdict as aligned lines, each indented by two. */
export function verdictTable(rules: readonly RuleVerdict[]): string[] {
  const rows = rules.map((rule) => [titleOf(rule), ...measured(rule), limitOf(rule), verdictWord(rule), noteOf(rule)]);
  const width = (column: number): number => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0));
  const widths = [0, 1, 2, 3, 4, 5].map(width).map((most, column) => (column === 5 ? 0 : most));
  return rows.map((row) =>
    `  ${row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .filter((_, column) => width(column) > 0)
      .join('  ')}`.trimEnd(),
  );
}
