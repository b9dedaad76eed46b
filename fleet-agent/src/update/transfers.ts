// Owns which downloads, verifications and installs ended between two records of a model, and how.
import type { TransferResult, TransferStep } from '../../../src/contract/report.ts';
import type { Measurements } from '../measure/measurements.ts';
import { activeContent, type Goal, type ModelRecord } from '../record/model-record.ts';

export interface Transferred {
  readonly goal: Goal;
  readonly step: TransferStep;
  readonly result: TransferResult;
}

/** Reasons that lie in the bytes and their signatures, not in the network. */
const FOUND_BY_VERIFYING: readonly TransferResult[] = ['signature', 'corrupt', 'incompatible'];

/** Attempts that ended between two records of a model; retried downloads are counted by the updater. */
export function transfersBetween(before: ModelRecord, after: ModelRecord): readonly Transferred[] {
  const { phase } = before;
  if (!('goal' in phase) || phase.kind === 'rollingBack' || phase.kind === after.phase.kind) return [];
  const { goal } = phase;
  const ended = (step: TransferStep, result: TransferResult): Transferred => ({ goal, step, result });
  const isCommitted = after.phase.kind === 'committed' && activeContent(after)?.digest === goal.digest;
  if (isCommitted) return [ended('apply', 'done')];
  const isFailed = after.phase.kind === 'failed' || after.phase.kind === 'rollingBack';
  const reason = isFailed ? after.failures.findLast(({ digest }) => digest === goal.digest)?.reason : undefined;
  if (phase.kind !== 'fetching') return reason === undefined ? [] : [ended('apply', reason)];
  if (after.phase.kind === 'verified') return [ended('download', 'done'), ended('verify', 'done')];
  if (reason === undefined) return [];
  return [ended(FOUND_BY_VERIFYING.includes(reason) ? 'verify' : 'download', reason)];
}

/** Into what the next report says. */
export function countTransfer(
  { measurements }: { readonly measurements: Measurements },
  { model, active }: ModelRecord,
  { goal: { rollout, revision, arm, digest, version }, step, result }: Transferred,
): void {
  const attribution = { model, rollout, revision, arm, slot: active ?? 'A', digest, version } as const;
  measurements.observe(attribution, { kind: 'transfer', step, result });
}
