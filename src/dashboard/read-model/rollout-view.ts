// Owns a rollout with all that its page shows: rules, arms, groups, errors, devices that weigh in, what people can do.

import type { DeviceFacts } from '../../contract/selector.ts';
import type { RuleVerdict } from '../../gates/rule-verdict.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { WindowReading } from '../../store/window-store.ts';
import { missingInWords, troubleInWords } from '../../wording/devices-in-words.ts';
import { explainOutlook } from '../../wording/explanation.ts';
import { statusReasonInWords } from '../../wording/step-reason-in-words.ts';
import { actsOf } from './acts.ts';
import { armsOf } from './arms.ts';
import { MOST_NAME, text } from './bounded.ts';
import { groupTables } from './group-tables.ts';
import { type ShownFacts, statusOf } from './rollout-row.ts';
import type { RuleHistory } from './rule-history.ts';
import { ruleViews, seriesNameOf } from './rule-view.ts';
import type { AsOf, CommitMark, HistoryRow, RolloutRow, RolloutView } from './types.generated.ts';
import { errorCounts, weighingOf } from './weighing.ts';

const MOST_EXPLANATION = 20_000;

export interface RolloutViewFacts {
  readonly asOf: AsOf;
  readonly row: RolloutRow;
  readonly outlook: Outlook;
  readonly facts: ShownFacts | undefined;
  readonly histories: ReadonlyMap<string, RuleHistory>;
  /** What was counted in the present stage; undefined while nothing is. */
  readonly reading: WindowReading | undefined;
  readonly findDevice: (id: string) => DeviceFacts | undefined;
  readonly contradicting: number;
  readonly history: readonly HistoryRow[];
  /** Address of the page on what to do; null without one. */
  readonly runbookOf: (rule: Pick<RuleVerdict, 'metric' | 'runbook'>) => string | null;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The newest commits as marks on the time axis, told by letters in the order of time. */
export function marksOf(history: readonly HistoryRow[]): CommitMark[] {
  const newest = history
    .flatMap((row) => (row.commit === null ? [] : [{ ...row, commit: row.commit }]))
    .sort((a, b) => a.atMs - b.atMs)
    .slice(-LETTERS.length);
  return newest.map(({ atMs, commit, kind, by, what }, i) => ({
    ...{ atMs, commit, kind, by, text: what, letter: LETTERS[i] ?? '' },
  }));
}

function explanationOf(outlook: Outlook): string {
  const { summary, stage, rules, missing, certainty } = explainOutlook(outlook);
  const ofRules = rules.map(({ rule, sentences }) => `${rule}: ${sentences.join(' ')}`);
  const waits = missing.length === 0 ? [] : [`It waits for ${missing.join('; ')}.`];
  return text([summary, ...stage, ...ofRules, ...waits, certainty].join(' '), MOST_EXPLANATION);
}

function troubledOf({ cohort }: Outlook): RolloutView['troubled'] {
  const troubled = (cohort?.troubled ?? []).map((one) => ({ device: one.device, text: troubleInWords(one) }));
  const missing = (cohort?.missing ?? []).map((one) => ({ device: one.device, text: missingInWords(one) }));
  return [...troubled, ...missing].map((one) => ({ device: text(one.device, MOST_NAME), text: text(one.text) }));
}

function rejectedOf({ row, outlook, history }: RolloutViewFacts): RolloutView['rejected'] {
  const { rejected } = outlook;
  if (rejected === null || row.from === null) return null;
  const commit = history.find(({ kind, version }) => kind === 'roll-back' && version === rejected.version)?.commit;
  return { version: row.from, text: text(statusReasonInWords(rejected.reason)), commit: commit ?? null };
}

export function rolloutView(given: RolloutViewFacts): RolloutView {
  const { asOf, row, outlook, facts, histories, reading, findDevice, contradicting, history, runbookOf } = given;
  const status = statusOf(facts);
  const { verdict, terms } = outlook;
  const rules = ruleViews(verdict?.rules ?? [], (rule) => {
    const known = histories.get(seriesNameOf(rule));
    const decidedAtMs = rule.verdict === 'pass' || rule.verdict === 'fail' ? (known?.decidedAtMs ?? null) : null;
    return { terms, series: known?.series ?? [], decidedAtMs, runbook: runbookOf(rule) };
  });
  // Also while nothing rolls, when nothing waits for it.
  const isSuspended = facts?.spec.suspend ?? false;
  const isPausedByRule = status?.state === 'paused';
  const rejected = outlook.rejected?.version ?? status?.rejected[0]?.version ?? null;
  return {
    asOf,
    ...row,
    policy: text(facts?.policyInForce?.metadata.name ?? facts?.spec.policy ?? '', MOST_NAME),
    rules,
    arms: armsOf({ row, outlook, facts, contradicting }),
    groups: groupTables(verdict?.rules ?? []),
    errors: reading === undefined || outlook.candidate === null ? [] : errorCounts(reading),
    weighing: reading === undefined || outlook.candidate === null ? null : weighingOf(rules, reading, findDevice),
    history,
    marks: marksOf(history),
    acts: actsOf({ row, isSuspended, isPausedByRule, rejected, hasPrevious: (status?.previous ?? []).length > 0 }),
    explanation: explanationOf(outlook),
    troubled: troubledOf(outlook),
    rejected: rejectedOf(given),
    runbook: rules[0]?.state === 'fail' ? rules[0].runbook : null,
    evidence: status === null ? null : text(status.evidence, 500),
  };
}
