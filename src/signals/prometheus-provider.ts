// Owns querying Prometheus: one instant query gives one finite number, or the reason why not.
import { type Clock, toIsoSeconds } from '../base/clock.ts';
import { withoutSecrets } from '../base/without-secrets.ts';
import { request } from './bounded-request.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { noAnswer, type QueryProvider, type SignalAnswer } from './signal-provider.ts';

export interface PrometheusOptions {
  readonly name: string;
  readonly url: string;
  readonly credentials: Credentials;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$/;
const MOST_DIGITS = 64;
const NOT_PROMETHEUS = 'its answer is not one of the Prometheus API';

/** A sample of another time is of a wrong clock, or of a query that asks for another time: it says nothing of now. */
const MOST_AGE_MS = 5 * 60_000;

/** A sample is `[seconds since 1970, "value"]`. */
function numberOf(sample: unknown, nowMs: number): SignalAnswer {
  const [at, text]: readonly unknown[] = Array.isArray(sample) && sample.length === 2 ? sample : [];
  if (typeof at !== 'number') return noAnswer(NOT_PROMETHEUS);
  if (!(Math.abs(at * 1000 - nowMs) <= MOST_AGE_MS)) return noAnswer(`its sample is of ${instantOf(at)}, not of now`);
  if (typeof text !== 'string' || text.length > MOST_DIGITS) return noAnswer(NOT_PROMETHEUS);
  if (text === 'NaN') return noAnswer('the result of the query is NaN, for example 0 / 0');
  if (/^[+-]?Inf$/.test(text)) return noAnswer(`the result of the query is ${text}, for example a division by zero`);
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? { kind: 'value', value } : noAnswer(NOT_PROMETHEUS);
}

function instantOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'no time' : toIsoSeconds(date.getTime());
}

/** The one number in an answer of `/api/v1/query` that came at `nowMs`; no reason quotes the secrets. Never throws. */
export function readPrometheusAnswer(
  status: number,
  body: string,
  nowMs: number,
  secrets: readonly string[] = [],
): SignalAnswer {
  const answer = fieldsOf(parseJson(body));
  if (status === 401 || status === 403) return noAnswer(`it refuses the credentials (HTTP ${status})`);
  if (answer?.status === 'error' && typeof answer.error === 'string')
    return noAnswer(`it refuses the query: ${withoutSecrets(answer.error, secrets)}`);
  if (status !== 200) return noAnswer(`it answers HTTP ${status}`);
  const data = fieldsOf(answer?.data);
  if (answer?.status !== 'success' || data === null) return noAnswer(NOT_PROMETHEUS);
  const { warnings } = answer;
  if (Array.isArray(warnings) && warnings.length > 0)
    return noAnswer(`its answer may be incomplete: ${withoutSecrets(String(warnings[0]), secrets).slice(0, 200)}`);
  // VictoriaMetrics says so without a warning.
  if (answer.isPartial === true) return noAnswer('its answer is incomplete: isPartial');
  if (data.resultType === 'scalar') return numberOf(data.result, nowMs);
  if (data.resultType !== 'vector' || !Array.isArray(data.result))
    return noAnswer('the result of the query is neither an instant vector nor a scalar');
  if (data.result.length === 0) return noAnswer('the query returns no series: no data has these labels');
  if (data.result.length > 1)
    return noAnswer(
      `the query returns ${data.result.length} series: aggregate them to one, for example with sum(…) or max(…)`,
    );
  return numberOf(fieldsOf(data.result[0])?.value, nowMs);
}

/** A server with the HTTP API of Prometheus, which Thanos, Mimir and VictoriaMetrics have as well. */
export class PrometheusProvider implements QueryProvider {
  readonly kind = 'prometheus';
  readonly name: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly #options: PrometheusOptions;
  readonly #clock: Clock;

  constructor(options: PrometheusOptions, clock: Clock) {
    this.name = options.name;
    this.everyMs = options.everyMs;
    this.timeoutMs = options.timeoutMs;
    this.#options = options;
    this.#clock = clock;
  }

  async ask(query: string, signal: AbortSignal): Promise<SignalAnswer> {
    const { url, credentials, timeoutMs } = this.#options;
    const headers = await readCredentials(credentials);
    if (headers.kind === 'none') return noAnswer(headers.reason);
    const answer = await request(
      {
        url: `${url.replace(/\/+$/, '')}/api/v1/query`,
        headers: { ...headers.headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ query, timeout: `${timeoutMs}ms` }).toString(),
        timeoutMs,
        signal,
      },
      this.#clock,
    );
    if (answer.kind === 'none') return noAnswer(answer.reason);
    return readPrometheusAnswer(answer.status, answer.body, this.#clock.now(), headers.secrets);
  }
}
