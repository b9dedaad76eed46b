// Owns the schemas that the OpenAPI document of the service has: the read model, the messages about tokens, and what is too small for a file.
import readModel from '../../schemas/read-model.schema.json' with { type: 'json' };
import tokenMessages from '../../schemas/token-messages.schema.json' with { type: 'json' };
import type { JsonValue } from '../contract/digest.ts';
import type { NamedSchemas } from '../fleet-api/http/openapi.ts';

const text = { type: 'string' };
const number = { type: 'integer' };
const flag = { type: 'boolean' };
const labels = { type: 'object', additionalProperties: text };
const orNull = (one: { readonly type: string }) => ({ type: [one.type, 'null'] });
const anything = (description: string) => ({ description, type: 'object' });

/** All members are there, but for those that are named as optional. */
function members(
  description: string,
  properties: Readonly<Record<string, JsonValue>>,
  optional: readonly string[] = [],
): JsonValue {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { description, type: 'object', required, properties };
}

const SILENCE = members('Keeps one alert, or all alerts of a rollout, from people.', {
  ...{ id: text, alert: orNull(text), rollout: orNull(text), reason: text, by: text, at: text, until: text },
});

const SMALL: NamedSchemas = {
  Health: members('The process lives.', { status: { const: 'alive' } }),
  Readiness: members(
    'Answered with 503 while it is not ready.',
    { status: { enum: ['ready', 'starting', 'store'] }, code: text },
    ['code'],
  ),
  Change: members('Number of the newest publication.', { etag: text }),
  Poked: members('The service looks.', { status: { const: 'looking' } }),
  DsseEnvelope: members('A signed statement: https://github.com/secure-systems-lab/dsse.', {
    ...{ payload: text, payloadType: text },
    signatures: { type: 'array', items: members('A signature.', { keyid: text, sig: text }) },
  }),
  EnrolmentRequest: members('A device enrols.', { token: text, device: text, publicKey: text, labels }, ['labels']),
  Enrolment: members('The device is enrolled.', { device: text, epoch: number, labels }),
  ReportAnswer: members(
    'What became of a report.',
    {
      kind: { enum: ['accepted', 'duplicate', 'too-late', 'rejected'] },
      ...{ sequence: orNull(number), reason: text, countsFrom: number },
    },
    ['reason', 'countsFrom'],
  ),
  PlainReport: anything('A report of a device without an agent: docs/reference/plain-reports.md lists its fields.'),
  ArtifactLocation: members('An address that is valid for a while.', { url: text, expiresAt: text }),
  Artifact: members('How much of an artifact is there; its size is null while nobody knows it.', {
    ...{ digest: text, sizeBytes: orNull(number), receivedBytes: number },
  }),
  SteerRequest: members(
    'What is asked of a rollout. `expectedHead` and `digest` hold it to what was seen.',
    {
      act: { enum: ['pause', 'resume', 'promote', 'skip', 'abort', 'retry', 'set', 'undo'] },
      ...{ stage: text, group: text, reason: text, digest: text, version: text, to: text, target: text },
      ...{ expectedHead: text, parameters: { type: 'object' }, dryRun: flag },
    },
    ['stage', 'group', 'reason', 'digest', 'version', 'to', 'target', 'expectedHead', 'parameters', 'dryRun'],
  ),
  SteerAnswer: members('The commit that does it; null where it was only shown.', {
    ...{ rollout: text, act: text, title: text, command: text, file: text, diff: text, message: text },
    ...{ commit: orNull(text), now: { type: ['object', 'null'] } },
  }),
  SilenceOrder: members(
    '`what`: the id of an alert, its first eight characters or more, or a rollout; `for`: such as `2h`.',
    {
      ...{ what: text, for: text, reason: text },
    },
  ),
  Silence: SILENCE,
  Silences: members('Those in force.', { silences: { type: 'array', items: SILENCE } }),
  Outlooks: anything(
    'The service and its rollouts, as the facts that decisions are made on: those of the evidence in Git.',
  ),
  Outlook: anything('One rollout, as the facts that decisions are made on, explained, with its traffic.'),
  OpenApi: anything('An OpenAPI 3.1 document.'),
};

export const API_SCHEMAS: NamedSchemas = {
  ...SMALL,
  ...(tokenMessages.$defs as unknown as NamedSchemas),
  ...(readModel.$defs as unknown as NamedSchemas),
};
