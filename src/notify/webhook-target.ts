// Owns webhooks that receive notices: each as a CDEvent, signed when there is a secret.
import type { Clock } from '../base/clock.ts';
import { bearerHeader, readSecret, signatureHeader } from '../base/secret-file.ts';
import { CLOUD_EVENT_TYPE, cloudEventOf } from './cd-event.ts';
import { deliverPost } from './deliver-post.ts';
import type { Notice, NoticeContent } from './notice.ts';
import { type Delivery, type NoticeFilter, type NoticeTarget, passesFilter } from './notice-target.ts';

export interface WebhookTargetOptions extends NoticeFilter {
  readonly name: string;
  readonly url: string;
  /** Names this service among others, as CloudEvents want it. */
  readonly source: string;
  /** File of the secret that signs; null sends unsigned. Read again for each delivery. */
  readonly secretFile: string | null;
  readonly bearerTokenFile: string | null;
  readonly timeoutMs: number;
}

export class WebhookTarget implements NoticeTarget {
  readonly name: string;
  readonly #options: WebhookTargetOptions;
  readonly #clock: Clock;

  constructor(options: WebhookTargetOptions, clock: Clock) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
  }

  wants(content: NoticeContent): boolean {
    return passesFilter(content, this.#options);
  }

  async deliver(notice: Notice, signal: AbortSignal): Promise<Delivery> {
    const { url, source, secretFile, bearerTokenFile, timeoutMs } = this.#options;
    const body = cloudEventOf(notice, source);
    const headers: Record<string, string> = { 'content-type': CLOUD_EVENT_TYPE };
    if (secretFile !== null) {
      const secret = await readSecret(secretFile);
      if (secret === null) return { kind: 'later', reason: "its secret can't be read", afterMs: null };
      Object.assign(headers, signatureHeader(secret, body));
    }
    if (bearerTokenFile !== null) {
      const shown = bearerHeader(await readSecret(bearerTokenFile));
      if (shown === null) return { kind: 'later', reason: "its token can't be read", afterMs: null };
      Object.assign(headers, shown);
    }
    return deliverPost({ url, headers, body, timeoutMs, signal }, this.#clock);
  }
}
