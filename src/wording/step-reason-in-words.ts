// Owns why a step was taken, a version rejected or a rollout paused, in words: clauses that begin small and end without a stop.
import { assertNever } from '../base/errors.ts';
import { clipped, MOST_REASON, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { EvidenceProblem } from '../contract/trust/verifier.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type {
  Asked,
  ClaimProblem,
  RefusedRequest,
  RequestProblem,
  StatusReason,
  StepReason,
} from '../rollout/reasons.ts';
import { ruleOfReason } from '../rollout/rule-failure.ts';
import type { Step } from '../rollout/transition.ts';
import { countOf, formatAmount, formatCount, listed } from './amounts.ts';
import { devicesApart, IN_TROUBLE, ON_THE_WAY } from './devices-in-words.ts';
import { versionInWords } from './parameters-in-words.ts';
import { stageReasonInWords } from './reason-in-words.ts';
import { breachInWords } from './verdict-table.ts';

/** ` by alice: customers call`. */
function askedInWords({ by, reason }: Asked): string {
  const who = by === undefined ? '' : ` by ${oneLine(by)}`;
  return reason === undefined ? who : `${who}: ${clipped(oneLine(reason), MOST_REASON)}`;
}

/** `its signer ci is revoked`. */
function revokedInWords(
  whose: string,
  { signer, code }: { readonly signer: string | null; readonly code: string },
): string {
  return signer === null ? `${whose} is revoked (${code})` : `${whose} ${oneLine(signer)} is revoked`;
}

/** `"receipt" and "order" vanished`. */
export function vanishedInWords(classes: readonly string[], group: string | undefined): string {
  const names = listed(
    classes.map((one) => `"${oneLine(one)}"`),
    'and',
    2,
  );
  return `${names} vanished${group === undefined ? '' : ` on ${oneLine(group)}`}`;
}

function failedInWords(reason: Extract<StatusReason, { kind: 'rule-failed' }>): string {
  const { stage, rule, by, group, observed, unit, classes, others } = reason;
  const also = others.length === 0 ? '' : `; ${countOf(others.length, 'more rule')} failed`;
  const name = `${oneLine(rule)}${by === undefined ? '' : ` by ${oneLine(by)}`}`;
  if (classes !== undefined) return `${vanishedInWords(classes, group)} in ${stage} (${name})${also}`;
  const where = group === undefined ? stage : `${stage} on ${oneLine(group)}`;
  const seen = observed === null ? '' : `, measured ${formatAmount(observed, unit)}`;
  return `${name} failed in ${where}${seen}${also}`;
}

function expiredInWords({ stage, deadlineMs, undecided }: Extract<StatusReason, { kind: 'deadline-expired' }>): string {
  const open = undecided.length === 0 ? '' : `: ${listed(undecided, 'and', 3)} undecided`;
  return `${stage} did not pass before its deadline of ${formatDuration(deadlineMs)}${open}`;
}

/** Why, as a status keeps it. */
export function statusReasonInWords(reason: StatusReason): string {
  switch (reason.kind) {
    case 'rule-failed':
      return failedInWords(reason);
    case 'deadline-expired':
      return expiredInWords(reason);
    case 'aborted':
      return `aborted${askedInWords(reason)}`;
    case 'spec-reverted':
      return `aborted: spec.version was set back to ${oneLine(reason.version)}`;
    case 'status-reverted':
      return `aborted: ${restoredInWords(reason.revision)}`;
    case 'trust-revoked':
      return revokedInWords('its signer', reason);
    default:
      return assertNever(reason);
  }
}

function restoredInWords(revision: number | null): string {
  return revision === null ? 'someone deleted the status' : `someone restored the status of revision ${revision}`;
}

const EVIDENCE_PROBLEMS: Readonly<Record<EvidenceProblem, string>> = {
  EVIDENCE_UNREADABLE: "its evidence can't be read",
  EVIDENCE_SIGNATURE: 'the signature of its evidence is wrong',
  EVIDENCE_KEY_UNKNOWN: 'its evidence is signed with an unknown key',
};

/** Why a status at HEAD does not count. */
export function claimProblemInWords(problem: ClaimProblem): string {
  switch (problem.kind) {
    case 'evidence-elsewhere':
      return `it names evidence of another rollout: ${oneLine(problem.evidence)}`;
    case 'evidence-missing':
      return `its evidence ${oneLine(problem.evidence)} is missing`;
    case 'evidence-refused':
      return EVIDENCE_PROBLEMS[problem.code];
    case 'evidence-of-other-status':
      return 'its evidence is about another status';
    default:
      return assertNever(problem);
  }
}

function requestProblemInWords(problem: RequestProblem): string {
  switch (problem.kind) {
    case 'nothing-rolls':
      return 'nothing is rolling';
    case 'other-candidate':
      return `the candidate is ${problem.is}, not ${problem.asked}`;
    case 'other-stage':
      return `the stage is ${problem.is}, not ${oneLine(problem.asked)}`;
    case 'no-approval-needed':
      return `${problem.stage} needs no approval`;
    case 'not-an-approver': {
      const approvers = listed(problem.approvers, 'and');
      if (problem.by === null) return `no approver given; approvers are ${approvers}`;
      return `${oneLine(problem.by)} is not an approver; approvers are ${approvers}`;
    }
    case 'not-rejected':
      return `${problem.digest} was not rejected`;
    case 'history-not-rewritten':
      return 'the history was not rewritten';
    case 'not-for-groups':
      return 'only abort and promote take a group';
    case 'group-unnameable':
      return 'no device can be in a group of that name';
    case 'group-not-apart':
      return `${oneLine(problem.group)} is not an exception`;
    case 'group-runs-other':
      return `the others run ${problem.is ?? 'nothing'}, not ${problem.asked}`;
    case 'group-already-back':
      return `${oneLine(problem.group)} was already rolled back`;
    case 'group-empty':
      return `no known device is in ${oneLine(problem.group)}`;
    case 'group-is-all':
      return `all devices are in ${oneLine(problem.group)}; abort the whole rollout`;
    case 'nothing-stable':
      return 'there is no stable version that the group could go back to; abort the whole rollout';
    case 'too-many-groups':
      return `${problem.most} groups are exceptions already; abort the whole rollout`;
    default:
      return assertNever(problem);
  }
}

const MOST_REFUSED = 3;

function refusedInWords(requests: readonly RefusedRequest[]): string {
  const shown = requests.slice(0, MOST_REFUSED).map(({ act, problem }) => `${act} (${requestProblemInWords(problem)})`);
  const more = requests.length - shown.length;
  return `refused ${shown.join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`;
}

function approvedInWords(by: readonly string[]): string {
  return by.length === 0 ? '' : `; approved by ${listed(by, 'and')}`;
}

function passedInWords(reason: Extract<StepReason, { kind: 'rules-passed' }>): string {
  const { stage, rules, readyMs, devices, inferences, approvedBy } = reason;
  const held = rules === 1 ? `the only rule of ${stage} passed` : `all ${formatCount(rules)} rules of ${stage} passed`;
  const what = rules === 0 ? `${stage} has no rule that applies; it ran` : held;
  const time = readyMs === null ? '' : ` for ${formatDuration(readyMs)}`;
  const seen = inferences === null ? '' : `, ${countOf(inferences, 'inference')}`;
  const on = rules === 0 ? time : time === '' ? '' : `, watched${time}`;
  return `${what}${on} on ${countOf(devices, 'device')}${seen}${approvedInWords(approvedBy)}`;
}

function startedInWords(reason: Extract<StepReason, { kind: 'started' }>): string {
  const { stage, version, signer, isReturn, lacksBaseline, apart } = reason;
  const signed = signer === null ? '' : `, signed by ${oneLine(signer)},`;
  const groups = listed(apart, 'and');
  return [
    `${versionInWords(version, reason)}${signed} starts in ${stage}`,
    ...(isReturn ? ['it was stable before, so earlier stages are skipped'] : []),
    ...(lacksBaseline ? ['the stable version has little traffic, so rules against the baseline stay undecided'] : []),
    ...(apart.length === 0 ? [] : [`${groups} ${apart.length === 1 ? 'is' : 'are'} excepted: it failed there before`]),
  ].join('; ');
}

/** What was measured beside the reason, where it is known. */
export type ReasonedStep = Pick<Step, 'reason'> & Partial<Pick<Step, 'verdict' | 'cohort' | 'groups'>>;

function measuredInWords({ reason, verdict = null, cohort = null }: ReasonedStep): string | null {
  if (reason.kind === 'rule-failed') {
    const first = ruleOfReason(reason, verdict);
    const others = reason.others.map((rule) => oneLine(rule));
    if (first === undefined) return null;
    return `${breachInWords(first, reason.stage)}${others.length === 0 ? '' : `; ${listed(others, 'and', 3)} failed as well`}`;
  }
  if (reason.kind !== 'deadline-expired' || cohort === null) return null;
  const apart = devicesApart(cohort, [...ON_THE_WAY, ...IN_TROUBLE]);
  const lacks = verdict?.kind === 'undecided' ? lackedInWords(verdict) : [];
  const words = [expiredInWords(reason), ...lacks];
  if (apart.length > 0) words.push(`of ${countOf(cohort.wanted, 'device')}: ${apart.join(', ')}`);
  return words.join('; ');
}

/** What the stage lacked of its minimum. */
function lackedInWords({ because }: StageVerdict): string[] {
  const lacks = because.filter((one) => one.kind !== 'rule').map(stageReasonInWords);
  return lacks.length === 0 ? [] : [`it lacked ${listed(lacks, 'and', 3)}`];
}

/** Why a step was taken. */
export function stepReasonInWords(step: ReasonedStep): string {
  const { reason, groups } = step;
  const measured = measuredInWords(step);
  if (measured !== null) return measured;
  switch (reason.kind) {
    case 'rule-failed':
    case 'deadline-expired':
    case 'spec-reverted':
    case 'status-reverted':
    case 'trust-revoked':
      return statusReasonInWords(reason);
    case 'aborted':
      return groups === undefined
        ? statusReasonInWords(reason)
        : `aborted on ${listed(groups.names, 'and', 2)}${askedInWords(reason)}`;
    case 'started':
      return startedInWords(reason);
    case 'rules-passed':
      return passedInWords(reason);
    case 'rest-passed': {
      const time = reason.readyMs === null ? '' : `, watched for ${formatDuration(reason.readyMs)}`;
      return `no rule failed on ${countOf(reason.devices, 'device')}${time}`;
    }
    case 'deadline-passed': {
      const limit = formatDuration(reason.deadlineMs);
      return `${reason.stage} reached its deadline of ${limit} with every open rule within its limit${approvedInWords(reason.approvedBy)}`;
    }
    case 'skipped':
      return `${reason.stage} skipped${askedInWords(reason)}`;
    case 'promoted':
      return `promoted${askedInWords(reason)}`;
    case 'approved':
      return `approved${askedInWords(reason)}`;
    case 'recovered': {
      const rules = listed([reason.rule, ...reason.others].map(oneLine), 'and', 3);
      return `${rules} ${reason.others.length === 0 ? 'passes' : 'pass'} again after a pause of ${formatDuration(reason.pausedMs)}; ${reason.stage} is measured anew`;
    }
    case 'other-version':
      return `${oneLine(reason.version)} is the desired version now`;
    case 'target-changed':
      return 'the target changed';
    case 'parameters-changed':
      return 'the parameters changed';
    case 'policy-revoked':
      return revokedInWords("its policy's signer", reason);
    case 'group-rejoined':
      return `${oneLine(reason.group)} rejoins${askedInWords(reason)}`;
    case 'retried':
      return `retry of ${oneLine(reason.version)} requested${askedInWords(reason)}`;
    case 'requests-refused':
      return refusedInWords(reason.requests);
    case 'status-forged':
      return `the reconciler did not write this status: ${claimProblemInWords(reason.problem)}`;
    case 'status-restored':
      return `${restoredInWords(reason.revision)} while nothing was rolling; to change what runs, change spec.version`;
    case 'history-adopted':
      return `rewritten history adopted${askedInWords(reason)}; revisions continue above ${reason.above}`;
    default:
      return assertNever(reason);
  }
}
