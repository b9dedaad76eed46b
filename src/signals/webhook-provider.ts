// Owns asking a webhook for a verdict: a signed question by POST, answered with pass, fail or undecided.
import type { Clock } from '../base/clock.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import { readSecret, signatureHeader } from '../base/secret-file.ts';
import { withoutSecrets } from '../base/without-secrets.ts';
import { request } from './bounded-request.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import {
  type JudgingProvider,
  noAnswer,
  questionText,
  type SignalAnswer,
  type SignalQuestion,
} from './signal-provider.ts';

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  readonly credentials: Credentials;
  /** The secret signs questions; null sends them unsigned. */
  readonly secretFile: string | null;
  readonly everyMs: number;
  readonly timeoutMs: number;
}

const MOST_REASON = 500;
const VERDICTS = ['pass', 'fail', 'undecided'] as const;

/** `{"verdict":"pass"|"fail"|"undecided","reason":"…"}` with status 200; no reason quotes the secrets. Never throws. */
export function readWebhookAnswer(status: number, body: string, secrets: readonly string[] = []): SignalAnswer {
  if (status === 401 || status === 403) return noAnswer(`it refuses the credentials (HTTP ${status})`);
  if (status !== 200) return noAnswer(`it answers HTTP ${status}`);
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    return noAnswer('its answer is not JSON');
  }
  const { verdict, reason = '' } = (answer ?? {}) as { readonly verdict?: unknown; readonly reason?: unknown };
  const known = VERDICTS.find((one) => one === verdict);
  if (known === undefined) return noAnswer('its answer has no verdict of pass, fail or undecided');
  if (typeof reason !== 'string') return noAnswer('the reason in its answer is not text');
  const said = withoutSecrets(reason, secrets).slice(0, 2 * MOST_REASON);
  return { kind: 'judged', verdict: known, reason: clipped(oneLine(said), MOST_REASON) };
}

export class WebhookProvider implements JudgingProvider {
  readonly kind = 'webhook';
  readonly name: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly #options: WebhookOptions;
  readonly #clock: Clock;

  constructor(options: WebhookOptions, clock: Clock) {
    this.name = options.name;
    this.everyMs = options.everyMs;
    this.timeoutMs = options.timeoutMs;
    this.#options = options;
    this.#clock = clock;
  }

  async ask(question: SignalQuestion, signal: AbortSignal): Promise<SignalAnswer> {
    const { url, credentials, secretFile, timeoutMs } = this.#options;
    const body = questionText(question, this.#clock.now());
    const headers = await readCredentials(credentials);
    if (headers.kind === 'none') return noAnswer(headers.reason);
    const secret = secretFile === null ? '' : await readSecret(secretFile);
    if (secret === null) return noAnswer("its secret can't be read");
    const signature = secret === '' ? {} : signatureHeader(secret, body);
    const answer = await request(
      {
        url,
        headers: { ...headers.headers, ...signature, 'content-type': 'application/json' },
        body,
        timeoutMs,
        signal,
      },
      this.#clock,
    );
    if (answer.kind === 'none') return noAnswer(answer.reason);
    return readWebhookAnswer(answer.status, answer.body, [...headers.secrets, secret]);
  }
}
