// Owns asking Prometheus: one instant query, one finite number, or the reason why there is none.
import type { Clock } from '../base/clock.ts';
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

/** A sample is `[time, "value"]`. */
function numberOf(sample: unknown): SignalAnswer {
  const text: unknown = Array.isArray(sample) && sample.length === 2 ? sample[1] : undefined;
  if (typeof text !== 'string' || text.length > MOST_DIGITS) return noAnswer('its answer is not one of Prometheus');
  if (text === 'NaN') return noAnswer('the query gives no number (NaN), as a division by nothing does');
  if (/^[+-]?Inf$/.test(text)) return noAnswer(`the query gives ${text}, as a division by zero does`);
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? { kind: 'value', value } : noAnswer('its answer is not one of Prometheus');
}

/** The one number in an answer of `/api/v1/query`; whatever else it holds is no answer. Never throws. */
export function readPrometheusAnswer(status: number, body: string): SignalAnswer {
  const answer = fieldsOf(parseJson(body));
  if (status === 401 || status === 403) return noAnswer(`it refuses the credentials (HTTP ${status})`);
  if (answer?.status === 'error' && typeof answer.error === 'string')
    return noAnswer(`it refuses the query: ${answer.error}`);
  if (status !== 200) return noAnswer(`it answers HTTP ${status}`);
  const data = fieldsOf(answer?.data);
  if (answer?.status !== 'success' || data === null) return noAnswer('its answer is not one of Prometheus');
  const { warnings } = answer;
  if (Array.isArray(warnings) && warnings.length > 0)
    return noAnswer(`its answer may lack data: ${String(warnings[0]).slice(0, 200)}`);
  if (data.resultType === 'scalar') return numberOf(data.result);
  if (data.resultType !== 'vector' || !Array.isArray(data.result))
    return noAnswer('the query gives no instant vector and no scalar');
  if (data.result.length === 0) return noAnswer('the query gives no series: nothing is measured under these labels');
  if (data.result.length > 1)
    return noAnswer(`the query gives ${data.result.length} series: make it one, with sum(…) or max(…)`);
  return numberOf(fieldsOf(data.result[0])?.value);
}

/** A server that speaks the HTTP API of Prometheus (Thanos, Mimir and VictoriaMetrics do as well). */
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
    return answer.kind === 'none' ? noAnswer(answer.reason) : readPrometheusAnswer(answer.status, answer.body);
  }
}
