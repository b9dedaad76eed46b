// Owns the routes of devices: enrolment, reports, changes, addresses of private files, and the publication folder.
import type { Clock } from '../../base/clock.ts';
import { MOST_BATCH_BYTES } from '../../contract/fleet-messages.ts';
import type { ArtifactLocations } from '../artifact-locations.ts';
import type { ChangeWaiters } from '../change-waiters.ts';
import { type EnrolmentParts, enrolDevice } from '../enrolment.ts';
import type { ReportIntake } from '../report-intake.ts';
import { errorAnswer, tryLater } from './answers.ts';
import type { Answer, Route } from './route.ts';
import { findFile } from './static-files.ts';

export interface DeviceRouteParts {
  readonly enrolment: EnrolmentParts;
  readonly intake: ReportIntake;
  readonly changes: ChangeWaiters;
  readonly locations: ArtifactLocations;
  readonly clock: Clock;
  /** Folder that is served below `/distribution`. */
  readonly publicationFolder: string;
}

export function deviceRoutes(parts: DeviceRouteParts): Route[] {
  const { enrolment, intake, changes, locations, clock, publicationFolder } = parts;
  return [
    {
      ...{ name: 'enrol', method: 'POST', path: '/v1/enrol', scope: 'device' },
      request: { kind: 'json', schema: 'EnrolmentRequest', mostBytes: 32_768 },
      response: 'Enrolment',
      summary: 'Enrols a device with a token and its public key.',
      handle: async ({ body }): Promise<Answer> => {
        const outcome = await enrolDevice(enrolment, body, clock.now());
        if (outcome.kind === 'enrolled') return { kind: 'json', value: outcome.enrolment };
        return errorAnswer(403, outcome.error);
      },
    },
    {
      ...{ name: 'reports', method: 'POST', path: '/v1/reports', scope: 'device' },
      request: { kind: 'json', schema: 'DsseEnvelope[]', mostBytes: MOST_BATCH_BYTES },
      response: 'ReportAnswer[]',
      summary: 'Takes signed reports of devices; each counts once.',
      handle: async ({ body, address }): Promise<Answer> => {
        const outcome = await intake.take(body, address);
        if (outcome.kind === 'answered') return { kind: 'json', value: outcome.answers };
        const { device, retryAfterSeconds } = outcome;
        return device === null
          ? tryLater(
              429,
              'REPORTS_FORGED',
              'This address sends too many wrong signatures, or reports of unknown devices.',
              retryAfterSeconds,
            )
          : tryLater(429, 'REPORTS_TOO_MANY', `The device ${device} reports too often.`, retryAfterSeconds);
      },
    },
    {
      ...{ name: 'artifact-location', method: 'POST', path: '/v1/artifacts/location', scope: 'device' },
      request: { kind: 'json', schema: 'DsseEnvelope', mostBytes: 8_192 },
      response: 'ArtifactLocation',
      summary: 'Gives a device an address of a private file that it may fetch.',
      handle: async ({ body, address }): Promise<Answer> => {
        const outcome = await locations.answer(body, address);
        if (outcome.kind === 'refused') return errorAnswer(outcome.status, outcome.error);
        if (outcome.kind === 'too-many')
          return tryLater(429, 'LOCATION_TOO_MANY', 'Too many requests for addresses.', outcome.retryAfterSeconds);
        const { url, expiresAtMs } = outcome.location;
        return { kind: 'json', value: { url, expiresAt: new Date(expiresAtMs).toISOString() } };
      },
    },
    {
      ...{ name: 'changes', method: 'GET', path: '/v1/changes', scope: 'anyone', request: null, isLongPoll: true },
      response: 'Change',
      summary: 'Waits for the next publication.',
      query: { etag: 'The number that is known.', wait: 'Seconds to wait, at most 30.' },
      handle: async ({ query, ...caller }): Promise<Answer> => {
        const waitSeconds = Number(query.get('wait') ?? 0);
        const change = await changes.wait(query.get('etag') ?? '', waitSeconds, caller);
        if (change.kind === 'changed') return { kind: 'json', value: { etag: change.etag } };
        if (change.kind === 'same') return { kind: 'empty', status: 304 };
        return tryLater(503, 'HTTP_TOO_MANY_WAITERS', 'Too many callers wait already.', change.retryAfterSeconds);
      },
    },
    {
      ...{ name: 'distribution', method: 'GET', path: '/distribution/{rest}', scope: 'anyone', request: null },
      response: 'file',
      summary: 'A file of the publication.',
      handle: ({ params, headers }) => findFile(publicationFolder, params.rest ?? '', headers),
    },
  ];
}
