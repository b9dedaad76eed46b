// Owns reading the list of notification targets: who is notified of what, where, and which runbooks alerts link.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Clock } from '../base/clock.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { parseDocumentOf } from '../documents/parse-document-of.ts';
import type { Notifications } from '../documents/types.generated.ts';
import { AlertmanagerTarget } from './alertmanager-target.ts';
import { ChatTarget } from './chat-target.ts';
import { CommitStatusTarget } from './commit-status-target.ts';
import { GithubTarget } from './github-target.ts';
import type { NoticeTopic } from './notice.ts';
import type { NoticeTarget } from './notice-target.ts';
import { SmtpTarget } from './smtp-target.ts';
import { WebhookTarget } from './webhook-target.ts';

export interface NotifySettings {
  readonly targets: readonly NoticeTarget[];
  /** They are told what stands, rather than what begins and ends. */
  readonly alertmanagers: readonly AlertmanagerTarget[];
  /** Addresses of pages by kind of alert; `*` for all others. */
  readonly runbooks: ReadonlyMap<string, string>;
  /** Where the project's own runbooks are read, unless at their usual place. */
  readonly runbookBase?: string;
  /** How long a device may run another version than declared before an alert; null takes the default. */
  readonly offDeclaredAfterMs: number | null;
}

const MOST_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const GITHUB_API = 'https://api.github.com';
const DEFAULT_SOURCE = '/slipway';
const DEFAULT_EVENT_TYPE = 'slipway-retraining';
const EVERYTHING = ['rollouts', 'alerts', 'retraining'] as const;
/** A revert is an alert: who gets its step as well reads it twice. */
const FOR_PEOPLE: readonly NoticeTopic[] = ['alerts', 'retraining'];
const PER_MINUTE = 10;
const SMTP_PORTS = { starttls: 587, implicit: 465, none: 25 } as const;
const HOST_APIS = { github: GITHUB_API, gitlab: 'https://gitlab.com/api/v4' } as const;

const NOTHING: NotifySettings = { targets: [], alertmanagers: [], runbooks: new Map(), offDeclaredAfterMs: null };

function timeoutOf({ timeout }: { readonly timeout?: string }): number {
  return timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDurationMs(timeout);
}

/** The settings in a document that lies in `folder`. */
function settingsOf({ spec }: Notifications, folder: string, clock: Clock): NotifySettings {
  const at = (file: string | undefined): string | null => (file === undefined ? null : path.resolve(folder, file));
  const webhooks = (spec.webhooks ?? []).map((one) => {
    const { name, url, events: topics = EVERYTHING, rollouts = ['*'] } = one;
    const files = { secretFile: at(one.secretFile), bearerTokenFile: at(one.bearerTokenFile) };
    const source = spec.source ?? DEFAULT_SOURCE;
    return new WebhookTarget({ name, url, source, topics, rollouts, ...files, timeoutMs: timeoutOf(one) }, clock);
  });
  const github = (spec.github ?? []).map((one) => {
    const { name, repository, url: apiUrl = GITHUB_API, eventType = DEFAULT_EVENT_TYPE, rollouts = ['*'] } = one;
    const tokenFile = path.resolve(folder, one.tokenFile);
    const timeoutMs = timeoutOf(one);
    return new GithubTarget({ name, repository, apiUrl, eventType, rollouts, tokenFile, timeoutMs }, clock);
  });
  const people = { topics: FOR_PEOPLE, rollouts: ['*'], perMinute: PER_MINUTE };
  const chats = (['slack', 'teams'] as const).flatMap((speaks) =>
    (spec[speaks] ?? []).map((one) => {
      const { name, insecureHttp = false, events: topics = FOR_PEOPLE } = one;
      const { rollouts, perMinute } = { ...people, ...one };
      const about = { name, speaks, insecureHttp, topics, rollouts, perMinute, timeoutMs: timeoutOf(one) };
      return new ChatTarget({ ...about, urlFile: path.resolve(folder, one.urlFile) }, clock);
    }),
  );
  const mails = (spec.smtp ?? []).map((one) => {
    const { name, host, tls = 'starttls', user = null, from, to, events: topics = FOR_PEOPLE } = one;
    const { rollouts, perMinute } = { ...people, ...one };
    const server = { host, port: one.port ?? SMTP_PORTS[tls], tls, user, from, to };
    const files = { caFile: at(one.caFile), passwordFile: at(one.passwordFile) };
    return new SmtpTarget({ name, ...server, ...files, topics, rollouts, perMinute, timeoutMs: timeoutOf(one) }, clock);
  });
  const statuses = (spec.commitStatus ?? []).map((one) => {
    const { name, host, repository, rollouts = ['*'], url: apiUrl = HOST_APIS[host] } = one;
    const tokenFile = path.resolve(folder, one.tokenFile);
    return new CommitStatusTarget(
      { name, host, repository, rollouts, apiUrl, tokenFile, timeoutMs: timeoutOf(one) },
      clock,
    );
  });
  const alertmanagers = (spec.alertmanager ?? []).map((one) => {
    const { name, url, labels = {}, rollouts = ['*'] } = one;
    const about = { name, url, labels, rollouts, source: spec.source ?? DEFAULT_SOURCE, timeoutMs: timeoutOf(one) };
    return new AlertmanagerTarget({ ...about, bearerTokenFile: at(one.bearerTokenFile) }, clock);
  });
  const { offDeclaredAfter, runbookBase } = spec;
  return {
    targets: [...webhooks, ...github, ...chats, ...mails, ...statuses],
    alertmanagers,
    runbooks: new Map(Object.entries(spec.runbooks ?? {})),
    ...(runbookBase === undefined ? {} : { runbookBase }),
    offDeclaredAfterMs: offDeclaredAfter === undefined ? null : parseDurationMs(offDeclaredAfter),
  };
}

export interface NotificationsFile {
  readonly file: string;
  /** Without the file nobody is notified. */
  readonly isOptional: boolean;
}

/** The settings in the file. Throws FILE_…, DOCUMENT_KIND, and what is wrong with its content, with its place. */
export async function readNotifications(
  { file, isOptional }: NotificationsFile,
  clock: Clock,
): Promise<NotifySettings> {
  const bytes = await readBoundedFile(file, MOST_BYTES, isOptional);
  if (bytes === undefined) return NOTHING;
  return settingsOf(parseDocumentOf('Notifications', file, bytes), path.dirname(file), clock);
}
