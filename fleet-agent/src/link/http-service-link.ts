// Owns the link to the service over HTTP: three posts and a long poll.
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError, toCodedError } from '../../../src/base/errors.ts';
import { withoutSecrets } from '../../../src/base/without-secrets.ts';
import { LOCATION_TIME, parseLocation } from '../../../src/contract/artifact-location.ts';
import {
  type EnrolmentRequest,
  findServiceError,
  parseEnrolment,
  parseReportAnswers,
} from '../../../src/contract/fleet-messages.ts';
import type { DsseEnvelope } from '../../../src/contract/trust/dsse.ts';
import { ask, type HttpAnswer, joinUrl, retryAfterMs, statusError } from './http.ts';
import type {
  ChangeResult,
  ChangeWait,
  EnrolmentResult,
  LinkFailure,
  LocationResult,
  SendResult,
  ServiceLink,
} from './service-link.ts';

const TIMEOUT_MS = 30_000;
/** The service holds a long poll for 30 s at most. */
const WAIT_SECONDS_MOST = 25;
const WAIT_SLACK_MS = 15_000;

export class HttpServiceLink implements ServiceLink {
  readonly #serverUrl: string;
  readonly #clock: Clock;

  constructor({ serverUrl, clock }: { readonly serverUrl: string; readonly clock: Clock }) {
    this.#serverUrl = serverUrl;
    this.#clock = clock;
  }

  async enrol(request: EnrolmentRequest, signal: AbortSignal): Promise<EnrolmentResult> {
    const url = joinUrl(this.#serverUrl, 'v1/enrol');
    return this.#try(async () => {
      const answer = await ask({ url, json: request, timeoutMs: TIMEOUT_MS, mostBytes: 65_536, signal }, this.#clock);
      if (answer.status !== 200) return this.#failure(answer, enrolmentError(answer, request.token));
      return { kind: 'enrolled', enrolment: parseEnrolment(findJson(answer)) };
    });
  }

  async send(reports: readonly DsseEnvelope[], signal: AbortSignal): Promise<SendResult> {
    const url = joinUrl(this.#serverUrl, 'v1/reports');
    return this.#try(async () => {
      const answer = await ask({ url, json: reports, timeoutMs: TIMEOUT_MS, mostBytes: 262_144, signal }, this.#clock);
      if (answer.status !== 200) return this.#failure(answer, statusError(url, answer.status));
      return { kind: 'answered', answers: parseReportAnswers(findJson(answer), reports.length) };
    });
  }

  async locate(request: DsseEnvelope, signal: AbortSignal): Promise<LocationResult> {
    const url = joinUrl(this.#serverUrl, 'v1/artifacts/location');
    return this.#try(async () => {
      const answer = await ask({ url, json: request, timeoutMs: TIMEOUT_MS, mostBytes: 65_536, signal }, this.#clock);
      if (answer.status === 200) return { kind: 'located', ...parseLocation(findJson(answer)) };
      const error = locationError(answer);
      const nowMs = Date.parse(answer.headers.get('date') ?? '');
      const isOtherTime = findServiceError(answer.body)?.code === LOCATION_TIME && Number.isFinite(nowMs);
      return isOtherTime ? { kind: 'other-time', nowMs, error } : this.#failure(answer, error);
    });
  }

  async waitForChange({ known, waitMs, signal }: ChangeWait): Promise<ChangeResult> {
    const seconds = Math.max(0, Math.min(WAIT_SECONDS_MOST, Math.floor(waitMs / 1000)));
    return this.#try(async () => {
      const url = `${joinUrl(this.#serverUrl, 'v1/changes')}?etag=${encodeURIComponent(known)}&wait=${seconds}`;
      const timeoutMs = seconds * 1000 + WAIT_SLACK_MS;
      const answer = await ask({ url, timeoutMs, mostBytes: 4096, signal }, this.#clock);
      if (answer.status === 304) return { kind: 'unchanged' };
      if (answer.status !== 200) return this.#failure(answer, statusError(url, answer.status));
      const { etag } = Object(findJson(answer)) as { readonly etag?: unknown };
      // Half a surrogate pair, which no address can hold, is nothing that the service says.
      return typeof etag === 'string' && etag.isWellFormed() && etag !== known
        ? { kind: 'changed', publication: etag }
        : { kind: 'unchanged' };
    });
  }

  async #try<T>(task: () => Promise<T | LinkFailure>): Promise<T | LinkFailure> {
    try {
      return await task();
    } catch (error) {
      return { kind: 'failed', error: toCodedError(error), retryAfterMs: null };
    }
  }

  #failure({ headers }: HttpAnswer, error: CodedError): LinkFailure {
    return { kind: 'failed', error, retryAfterMs: retryAfterMs(headers, this.#clock.now()) };
  }
}

/** Undefined where something else than the service answered: a portal, a proxy. */
function findJson({ body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function locationError({ status, body }: HttpAnswer): CodedError {
  const said = findServiceError(body);
  return new CodedError({
    code: 'AGENT_LOCATION',
    kind: 'retry-later',
    message: `The service gave no address for the file (${status}).${said === undefined ? '' : ` ${said.code}: ${said.message}`}`,
    remedy: 'Let the service sign for the bucket (`slipway run --artifacts`), or put the file into the publication.',
  });
}

function enrolmentError(answer: HttpAnswer, token: string): CodedError {
  const { status } = answer;
  const error = findServiceError(answer.body);
  return new CodedError({
    code: 'AGENT_ENROLMENT',
    kind: status >= 500 || status === 429 ? 'retry-later' : 'fix-input',
    message: `The service refused the enrolment (${status}).${error === undefined ? '' : ` ${withoutSecrets(`${error.code}: ${error.message}`, [token])}`}`,
    remedy:
      'Give the agent a new token. If the device was enrolled before, make it with `slipway token --device <id>`.',
  });
}
