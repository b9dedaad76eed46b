// Owns how a step that evidence proves, and an alert that begins or ends, become notices.
import { createHash } from 'node:crypto';
import { parseInstant } from '../base/clock.ts';
import type { Notice, VersionName } from '../notify/notice.ts';
import type { AlertChange, AlertRecord } from '../rollout/alert-book.ts';
import type { ProvenStep } from '../snapshot/status-claims.ts';

function idOf(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function named(version: { readonly version: string; readonly digest: string } | null | undefined): VersionName | null {
  return version ? { version: version.version, digest: version.digest } : null;
}

/** The manifest that a statement names as `models/<model>/<version>`. */
function subjectOf({ subject }: ProvenStep): VersionName | null {
  const sha256 = subject?.digest.sha256;
  if (subject === null || sha256 === undefined) return null;
  return { version: subject.name.split('/').slice(2).join('/'), digest: `sha256:${sha256}` };
}

/** The id depends on rollout, revision and evidence alone: whoever tells the step tells the same. */
export function stepNotice(step: ProvenStep, model: string): Notice {
  const { rollout, revision, transition, reason, decidedAt, status } = step.predicate;
  return {
    format: 1,
    id: idOf('step', rollout, String(revision), step.evidence),
    atMs: parseInstant(decidedAt) ?? 0,
    content: {
      kind: 'step',
      ...{ rollout, model: status.model ?? model, revision, reason },
      ...{ step: transition.kind, from: transition.from, to: transition.to },
      subject: subjectOf(step),
      stable: named(status.stable),
      previous: named(status.previous?.[0]),
      evidence: status.evidence,
    },
  };
}

export function alertNotice({ kind, alert }: AlertChange, nowMs: number): Notice {
  const { id, rollout, reason, message, sinceMs, numbers = {}, runbook = null } = alert;
  return {
    format: 1,
    id: idOf('alert', id, kind),
    atMs: nowMs,
    content: {
      kind: 'alert',
      is: kind,
      alert: id,
      alertKind: alert.kind,
      rollout,
      reason,
      message,
      sinceMs,
      numbers,
      runbook,
    },
  };
}

/** The episode's beginning, once: while any other alert of the same version stands, it was told. */
export function retrainingNotice(
  { kind, alert }: AlertChange,
  standing: readonly AlertRecord[],
  model: string,
  nowMs: number,
): Notice | null {
  const { rollout, numbers = {}, message, id } = alert;
  if (kind !== 'raised' || alert.kind !== 'stable-drift' || rollout === null) return null;
  const { rule, version, digest, ...measured } = numbers;
  const isOfEpisode = (other: AlertRecord): boolean =>
    other.kind === 'stable-drift' && other.rollout === rollout && other.numbers?.digest === digest;
  const isTold = standing.some((other) => other.id !== id && other.raisedAtMs !== null && isOfEpisode(other));
  if (isTold) return null;
  return {
    format: 1,
    id: idOf('retraining', id),
    atMs: nowMs,
    content: {
      kind: 'retraining',
      ...{ rollout, model, message, numbers: measured, alert: id },
      ...{ version: String(version), digest: String(digest), rule: String(rule) },
    },
  };
}
