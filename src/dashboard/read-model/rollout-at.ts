// Owns a rollout as it was at a commit of the past: what its last step then was decided on, rebuilt from evidence alone.
import { parseInstant } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { asSentence, clipped, oneLine } from '../../base/plain-text.ts';
import type { RolloutPolicy, RolloutStatus } from '../../documents/types.generated.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import { type EvidencePredicate, subjectOf } from '../../snapshot/evidence.ts';
import type { PastStep } from '../../snapshot/past-steps.ts';
import { copyPath } from '../../snapshot/policies-in-force.ts';
import { runbookOfRule } from '../../wording/runbook-of.ts';
import { filesNamed } from './attempts.ts';
import { stepRow } from './history.ts';
import type { PastAt } from './past.ts';
import { rolloutRow, type ShownFacts } from './rollout-row.ts';
import { rolloutView } from './rollout-view.ts';
import type { HistoryRow, RolloutState, RolloutView, StageRow } from './types.generated.ts';

const MOST_SENTENCE = 600;

function notThere(code: string, message: string): CodedError {
  return new CodedError({ code, message, remedy: '`slipway history` shows the steps and their commits.' });
}

/** The step that the status of a commit rests on. Throws ROLLOUT_UNKNOWN, STEP_UNKNOWN, EVIDENCE_MISSING. */
async function stepAt(past: PastAt, rollout: string): Promise<{ step: PastStep; predicate: EvidencePredicate }> {
  const short = past.list.head.slice(0, 10);
  const [file] = filesNamed(past, past.layout.rollouts, rollout);
  if (file === undefined) throw notThere('ROLLOUT_UNKNOWN', `There was no rollout ${oneLine(rollout)} at ${short}.`);
  const document = await past.document(file);
  const evidence = document?.kind === 'Rollout' ? document.status?.evidence : undefined;
  if (evidence === undefined) throw notThere('STEP_UNKNOWN', `${oneLine(rollout)} had no step at ${short}.`);
  const revision = Number.parseInt(evidence.split('/').at(-1) ?? '', 10) || null;
  const name = (evidence.split('/').at(-1) ?? '').replace(/\.json$/, '').replace('-', ' ');
  const step: PastStep = { rollout, revision, transition: name, commit: null, trailers: null, file: evidence };
  const answer = await past.evidenceOf(step);
  if (answer.kind === 'seen' && answer.evidence.signature.kind !== 'not-verified')
    return { step, predicate: answer.evidence.predicate };
  throw notThere(
    'EVIDENCE_MISSING',
    `The evidence of ${oneLine(rollout)} at ${short} is missing, or not the reconciler's.`,
  );
}

/** The status that a measured step was decided on; the one after any other step. */
function statusThen({ verdict, inputs, status }: EvidencePredicate): RolloutStatus {
  const { claim } = inputs;
  return verdict !== null && claim.kind === 'authentic' && claim.status !== null ? claim.status : status;
}

function outlookThen(predicate: EvidencePredicate, status: RolloutStatus): Outlook {
  const { rollout, transition, verdict, cohort, window, terms } = predicate;
  const isMeasured = verdict !== null;
  const candidate = isMeasured ? (subjectOf(predicate)?.version ?? null) : (status.candidate?.version ?? null);
  return {
    ...{ rollout, model: transition.model, target: status.target, revision: predicate.revision },
    ...{ stage: isMeasured ? transition.from : status.stage, candidate, stable: status.stable?.version ?? null },
    ...{ cohort, verdict, window, terms: terms ?? null, rejected: null, waitingOn: [], conditions: [] },
  };
}

/** The policy that was in force, as it lies beside the evidence. */
async function policyThen(past: PastAt, rollout: string, { policy }: RolloutStatus): Promise<RolloutPolicy | null> {
  if (policy === null) return null;
  const file = copyPath(`${past.layout.evidence}/${rollout}`, policy, 'policy');
  const document = await past.document(file, { isCopy: true });
  return document?.kind === 'RolloutPolicy' ? document : null;
}

const STATES: Readonly<Record<string, RolloutState>> = {
  'roll-back': 'reverted',
  supersede: 'rolling',
  complete: 'complete',
  pause: 'paused',
  advance: 'rolling',
};

/** What became of the stage that the step was decided in. */
const LEFT: Readonly<Record<string, StageRow['state']>> = {
  'roll-back': 'reverted',
  supersede: 'reverted',
  complete: 'passed',
  advance: 'passed',
  pause: 'waits',
};

function sentenceOf({ revision, what, reason }: HistoryRow): string {
  return clipped(`${asSentence(`step ${revision ?? ''}: ${what}`)} ${reason}`, MOST_SENTENCE);
}

/** `past` is of that commit alone. Nobody can ask anything of the past: no act is allowed. */
export async function readRolloutAt(past: PastAt, rollout: string): Promise<RolloutView> {
  const { step, predicate } = await stepAt(past, rollout);
  try {
    return await tell(past, step, predicate);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    throw notThere('EVIDENCE_MISSING', `${oneLine(step.file)} is not in the format of Slipway evidence.`);
  }
}

async function tell(past: PastAt, step: PastStep, predicate: EvidencePredicate): Promise<RolloutView> {
  const { rollout } = predicate;
  const status = statusThen(predicate);
  const outlook = outlookThen(predicate, status);
  const facts: ShownFacts = {
    ...{ claim: { kind: 'authentic', status }, spec: predicate.inputs.spec, policy: null, baseline: null },
    policyInForce: await policyThen(past, rollout, status),
  };
  const row = await stepRow(past, step);
  const atMs = parseInstant(predicate.decidedAt) ?? 0;
  const state = STATES[predicate.transition.kind];
  const left = LEFT[predicate.transition.kind] ?? 'current';
  const plain = rolloutRow(outlook, facts);
  const stages = plain.stages.map((stage) => (stage.state === 'current' ? { ...stage, state: left } : stage));
  const shown = { ...plain, stages, ...(state === undefined ? {} : { state }), sentence: sentenceOf(row) };
  const decided = new Map((predicate.verdict?.rules ?? []).map((rule) => [rule.metric, runbookOfRule(rule)]));
  const view = rolloutView({
    ...{ asOf: { atMs, commit: past.list.head, sequence: 0, publication: 0 }, row: shown, outlook, facts },
    ...{ histories: new Map(), reading: undefined, findDevice: () => undefined, contradicting: 0, history: [row] },
    runbookOf: ({ metric }) => (metric === null ? null : (decided.get(metric) ?? null)),
  });
  return { ...view, acts: [], evidence: step.file };
}
