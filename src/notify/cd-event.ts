// Owns notices as CDEvents (specification 0.5.1) inside structured CloudEvents 1.0.
import { assertNever } from '../base/errors.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { AlertNotice, Notice, RetrainingNotice, StepNotice, VersionName } from './notice.ts';

export const CLOUD_EVENT_TYPE = 'application/cloudevents+json; charset=utf-8';
const CDEVENTS = '0.5.1';
/** Versions of the event types; ours (`dev.cdeventsx.slipway-…`) count for themselves. */
const STANDARD = '0.3.0';
const OWN = '0.1.0';

interface Form {
  readonly type: string;
  readonly subject: string;
  readonly content: Readonly<Record<string, JsonValue>>;
}

/** The model, or the rollout when the model is unknown: an id is never empty. */
function serviceOf({ model, rollout }: Pick<StepNotice, 'model' | 'rollout'>): string {
  return model === '' ? rollout : model;
}

/** A package URL of a model: no registry has it, so its type is `generic`, and its digest goes along. */
function purlOf(model: string, { version, digest }: VersionName): string {
  return `pkg:generic/${encodeURIComponent(model)}@${encodeURIComponent(version)}?checksum=${digest}`;
}

const OWN_STEPS: Readonly<Record<string, string>> = {
  start: 'started',
  advance: 'advanced',
  pause: 'paused',
  supersede: 'superseded',
  reopen: 'reopened',
  except: 'excepted',
  answer: 'answered',
  restore: 'restored',
  adopt: 'adopted',
};

/** The standard has events for steps after which every device runs another version. All other steps are our own events. */
function typeOfStep({ step, subject, stable, previous }: StepNotice): string {
  if (step === 'complete') return `dev.cdevents.service.${previous === null ? 'deployed' : 'upgraded'}.${STANDARD}`;
  if (step === 'roll-back' && stable === null) return `dev.cdevents.service.removed.${STANDARD}`;
  if (step === 'roll-back') return `dev.cdevents.service.rolledback.${STANDARD}`;
  return `dev.cdeventsx.slipway-rollout.${OWN_STEPS[step] ?? (subject === null ? 'changed' : 'stepped')}.${OWN}`;
}

function formOfStep(step: StepNotice): Form {
  const type = typeOfStep(step);
  const environment = { id: step.rollout };
  const artifact = type.startsWith('dev.cdevents.') ? step.stable : step.subject;
  const service = serviceOf(step);
  const artifactId = artifact === null ? {} : { artifactId: purlOf(service, artifact) };
  const isOwn = type.startsWith('dev.cdeventsx.');
  const own = isOwn ? { service: { id: service }, from: step.from, to: step.to, reason: step.reason } : {};
  return { type, subject: isOwn ? step.rollout : service, content: { environment, ...artifactId, ...own } };
}

function formOfAlert(alert: AlertNotice): Form {
  const predicate = alert.is === 'raised' ? 'detected' : 'resolved';
  const environment = { id: alert.rollout ?? 'fleet' };
  const type = `dev.cdevents.incident.${predicate}.${STANDARD}`;
  const description = alert.remedy === undefined ? alert.message : `${alert.message}; ${alert.remedy}`;
  return { type, subject: alert.alert, content: { description, environment } };
}

function formOfRetraining(request: RetrainingNotice): Form {
  const { rollout, rule, message } = request;
  const service = serviceOf(request);
  const content = {
    environment: { id: rollout },
    service: { id: service },
    artifactId: purlOf(service, request),
    rule,
    message,
  };
  return { type: `dev.cdeventsx.slipway-retraining.requested.${OWN}`, subject: rollout, content };
}

function formOf({ content }: Notice): Form {
  switch (content.kind) {
    case 'step':
      return formOfStep(content);
    case 'alert':
      return formOfAlert(content);
    case 'retraining':
      return formOfRetraining(content);
    default:
      return assertNever(content);
  }
}

/** The body of a delivery. `source` tells this service from others; `customData` is the whole notice. */
export function cloudEventOf(notice: Notice, source: string): string {
  const { type, subject, content } = formOf(notice);
  const time = new Date(notice.atMs).toISOString();
  const data = {
    context: { specversion: CDEVENTS, id: notice.id, source, type, timestamp: time },
    subject: { id: subject, source, content },
    customData: { ...notice.content },
    customDataContentType: 'application/json',
  };
  return JSON.stringify({
    ...{ specversion: '1.0', id: notice.id, source, type, subject, time },
    datacontenttype: 'application/cdevents+json',
    data,
  });
}
