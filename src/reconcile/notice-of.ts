// Owns how a step that evidence proves, and an alert that begins or ends, become notices.
import { createHash } from 'node:crypto';
import { parseInstant } from '../base/clock.ts';
import { asReason } from '../base/plain-text.ts';
import type { AlertNotice, Notice, StepNotice, VersionName } from '../notify/notice.ts';
import type { AlertChange, AlertRecord } from '../rollout/alert-book.ts';
import type { ProvenStep } from '../snapshot/status-claims.ts';
import { alertInWords, alertRemedy } from '../wording/alerts-in-words.ts';
import { stepReasonInWords } from '../wording/step-reason-in-words.ts';

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

/** The id depends on rollout, revision and evidence alone: every process makes the same notice of a step. */
/** What the evidence itself does not hold. */
export type AboutStep = Pick<StepNotice, 'commit' | 'asked' | 'runbook' | 'link'>;
export type AboutAlert = Pick<AlertNotice, 'model' | 'link'>;

export function stepNotice(step: ProvenStep, model: string, about: AboutStep = {}): Notice {
  const { rollout, revision, transition, decidedAt, status, verdict, cohort } = step.predicate;
  const reason = asReason(stepReasonInWords({ ...transition, verdict, cohort }));
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
      ...about,
    },
  };
}

/** The numbers of an alert, for programs. */
function numbersOf({ fact }: AlertRecord): Readonly<Record<string, number | string | null>> {
  if (fact.kind === 'reverted') {
    const { version, stable, revision, failed } = fact;
    return JSON.parse(JSON.stringify({ version, stable, revision, ...failed }));
  }
  if ('devices' in fact) return { devices: fact.devices };
  if (fact.kind !== 'drift') return {};
  const { estimate, lower, upper, limit, unit, devices, trials } = fact.seen ?? {};
  const seen = fact.seen === null ? {} : { estimate, lower, upper, limit, unit, devices, trials };
  const { rule, version, digest } = fact;
  return JSON.parse(JSON.stringify({ rule, version, digest, ...seen }));
}

export function alertNotice({ kind, alert }: AlertChange, about: AboutAlert, nowMs: number): Notice {
  const { id, rollout, reason, sinceMs, runbook = null } = alert;
  const remedy = kind === 'raised' ? alertRemedy(alert) : null;
  const revert = alert.fact.kind === 'reverted' ? alert.fact : null;
  const model = revert?.model ?? about.model ?? '';
  return {
    format: 1,
    id: idOf('alert', id, kind),
    atMs: nowMs,
    content: {
      kind: 'alert',
      is: kind,
      alert: id,
      alertKind: alert.kind,
      subject: alert.subject,
      ...(model === '' ? {} : { model }),
      rollout,
      reason,
      message: alertInWords(alert),
      ...(remedy === null ? {} : { remedy }),
      sinceMs,
      numbers: numbersOf(alert),
      runbook,
      ...(revert?.commit ? { commit: revert.commit } : {}),
      ...(about.link === undefined ? {} : { link: about.link }),
    },
  };
}

/** The episode's beginning, once: while any other alert of the same version stands, there was a notice of it. */
export function retrainingNotice(
  { kind, alert }: AlertChange,
  standing: readonly AlertRecord[],
  model: string,
  nowMs: number,
): Notice | null {
  const { rollout, fact, id } = alert;
  if (kind !== 'raised' || fact.kind !== 'drift' || rollout === null) return null;
  const { rule, version, digest } = fact;
  const isOfEpisode = (other: AlertRecord): boolean =>
    other.fact.kind === 'drift' && other.rollout === rollout && other.fact.digest === digest;
  const isKnown = standing.some((other) => other.id !== id && other.raisedAtMs !== null && isOfEpisode(other));
  if (isKnown) return null;
  const { rule: _rule, version: _version, digest: _digest, ...numbers } = numbersOf(alert);
  return {
    format: 1,
    id: idOf('retraining', id),
    atMs: nowMs,
    content: {
      kind: 'retraining',
      ...{ rollout, model, message: alertInWords(alert), numbers, alert: id },
      ...{ version, digest, rule },
    },
  };
}
