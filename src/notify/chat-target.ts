// Owns chat rooms that receive notices by an incoming webhook: Slack, Teams, and what speaks as they do.
import type { Clock } from '../base/clock.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import { readSecret } from '../base/secret-file.ts';
import { adaptiveCardOf } from './adaptive-card.ts';
import { deliverPost } from './deliver-post.ts';
import type { Notice, NoticeContent } from './notice.ts';
import { type Delivery, LATER, type NoticeFilter, type NoticeTarget, passesFilter } from './notice-target.ts';
import { digestOfNotices, type PlainMessage, plainMessageOf } from './plain-message.ts';
import { slackMessageOf } from './slack-message.ts';

export interface ChatTargetOptions extends NoticeFilter {
  readonly name: string;
  readonly speaks: 'slack' | 'teams';
  /** File that holds the address: whoever has it can write into the room. Read again for each delivery. */
  readonly urlFile: string;
  /** Takes addresses of plain HTTP to other machines. */
  readonly insecureHttp: boolean;
  readonly perMinute: number;
  readonly timeoutMs: number;
}

const FORMS = { slack: slackMessageOf, teams: adaptiveCardOf } as const;

export class ChatTarget implements NoticeTarget {
  readonly name: string;
  readonly perMinute: number;
  readonly #options: ChatTargetOptions;
  readonly #clock: Clock;

  constructor(options: ChatTargetOptions, clock: Clock) {
    this.name = options.name;
    this.perMinute = options.perMinute;
    this.#options = options;
    this.#clock = clock;
  }

  wants(content: NoticeContent): boolean {
    return passesFilter(content, this.#options);
  }

  deliver(notice: Notice, signal: AbortSignal): Promise<Delivery> {
    return this.#send(plainMessageOf(notice), signal);
  }

  deliverMany(notices: readonly Notice[], signal: AbortSignal): Promise<Delivery> {
    return this.#send(digestOfNotices(notices), signal);
  }

  async #send(message: PlainMessage, signal: AbortSignal): Promise<Delivery> {
    const { urlFile, speaks, timeoutMs, insecureHttp } = this.#options;
    const url = addressIn(await readSecret(urlFile), insecureHttp);
    if (url === null) return { ...LATER, reason: "its address can't be read, or is none that can be used" };
    const headers = { 'content-type': 'application/json; charset=utf-8', 'x-slipway-notice': headerText(message.id) };
    const body = JSON.stringify(FORMS[speaks](message));
    return deliverPost({ url, headers, body, timeoutMs, signal }, this.#clock, { refusesPages: true });
  }
}

/** Nothing that would send the room's address over an open network. */
function addressIn(text: string | null, insecureHttp: boolean): string | null {
  if (text === null || !URL.canParse(text)) return null;
  const { protocol, hostname, href } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && (insecureHttp || isLoopbackHost(hostname))) ? href : null;
}

/** Ids are ours; a queue that somebody edited must not break a header. */
function headerText(id: string): string {
  return id.replace(/[^\x21-\x7e]/g, '').slice(0, 200);
}
