// Owns notices by e-mail: one message each over SMTP, with an id that a mailbox recognises, as text and as plain HTML.
import { readFile } from 'node:fs/promises';
import { createTransport } from 'nodemailer';
import type { Clock } from '../base/clock.ts';
import { readSecret } from '../base/secret-file.ts';
import type { Notice, NoticeContent } from './notice.ts';
import { type Delivery, LATER, type NoticeFilter, type NoticeTarget, passesFilter } from './notice-target.ts';
import { digestOfNotices, type PlainMessage, plainMessageOf } from './plain-message.ts';

export interface SmtpTargetOptions extends NoticeFilter {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `starttls` never goes on without it. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  /** File of the certificates of a private authority. */
  readonly caFile: string | null;
  readonly user: string | null;
  /** File of the password; read again for each delivery. */
  readonly passwordFile: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly perMinute: number;
  readonly timeoutMs: number;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** Two forms of the same. Neither holds a picture or anything else that is fetched. */
export function mailOf({ title, lines, facts, links }: PlainMessage): { readonly text: string; readonly html: string } {
  const named = [...facts, ...links].map(([label, value]) => `${label}: ${value}`);
  const text = [title, '', ...lines, ...(named.length === 0 ? [] : ['', ...named]), ''].join('\n');
  const html = [
    `<p><strong>${escapeHtml(title)}</strong></p>`,
    ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
    ...facts.map(([label, value]) => `<div>${escapeHtml(label)}: ${escapeHtml(value)}</div>`),
    ...links.map(
      ([label, url]) => `<div>${escapeHtml(label)}: <a href="${escapeHtml(url)}">${escapeHtml(url)}</a></div>`,
    ),
  ].join('\n');
  return { text, html };
}

/** What the server answers may hold anything, a password too: only its codes are told. */
function failureOf(error: unknown): Delivery {
  const { code, responseCode, command } = Object(error) as Record<'code' | 'responseCode' | 'command', unknown>;
  const word = typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : 'no answer';
  const reason = typeof responseCode === 'number' ? `SMTP ${responseCode} (${word})` : `it can't be reached (${word})`;
  // The message itself is refused for good: any other trouble may be mended at the server.
  const isOfMessage =
    command === 'DATA' && typeof responseCode === 'number' && responseCode >= 550 && responseCode < 600;
  return isOfMessage ? { kind: 'refused', reason } : { ...LATER, reason };
}

export class SmtpTarget implements NoticeTarget {
  readonly name: string;
  readonly perMinute: number;
  readonly #options: SmtpTargetOptions;
  readonly #clock: Clock;

  constructor(options: SmtpTargetOptions, clock: Clock) {
    this.name = options.name;
    this.perMinute = options.perMinute;
    this.#options = options;
    this.#clock = clock;
  }

  wants(content: NoticeContent): boolean {
    return passesFilter(content, this.#options);
  }

  deliver(notice: Notice, signal: AbortSignal): Promise<Delivery> {
    return this.#send(plainMessageOf(notice), notice.atMs, signal);
  }

  deliverMany(notices: readonly Notice[], signal: AbortSignal): Promise<Delivery> {
    return this.#send(digestOfNotices(notices), notices.at(-1)?.atMs ?? 0, signal);
  }

  async #send(message: PlainMessage, atMs: number, signal: AbortSignal): Promise<Delivery> {
    const { host, port, tls, caFile, user, passwordFile, from, to, timeoutMs } = this.#options;
    const pass = passwordFile === null ? null : await readSecret(passwordFile);
    if (passwordFile !== null && pass === null) return { ...LATER, reason: "its password can't be read" };
    const ca = caFile === null ? null : await readFile(caFile, 'utf8').catch(() => null);
    if (caFile !== null && ca === null) return { ...LATER, reason: "its certificates can't be read" };
    const transport = createTransport({
      ...{ host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'none' },
      ...(user === null || pass === null ? {} : { auth: { user, pass } }),
      ...(ca === null ? {} : { tls: { ca } }),
      ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: timeoutMs },
      ...{ disableFileAccess: true, disableUrlAccess: true },
    });
    const done = new AbortController();
    const late = this.#clock
      .sleep(timeoutMs, AbortSignal.any([signal, done.signal]))
      .then((): Delivery => ({ ...LATER, reason: `no answer within ${timeoutMs / 1000} s` }));
    // What came too late is over: else its mail would arrive beside that of the next try. The types don't know it yet.
    const aborting: object = { signal: done.signal };
    const domain = /@([A-Za-z0-9.-]+)>?$/.exec(from)?.[1] ?? 'slipway.invalid';
    const sent = transport
      .sendMail({
        ...aborting,
        ...{ from, to: [...to], subject: `[slipway] ${message.title}`, ...mailOf(message) },
        messageId: `<${message.id.replace(/[^A-Za-z0-9-]/g, '')}@${domain}>`,
        date: new Date(atMs),
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
      .then((): Delivery => ({ kind: 'taken' }), failureOf);
    try {
      return await Promise.race([sent, late]);
    } finally {
      done.abort();
      transport.close();
    }
  }
}
