// Owns reading the list of notification targets: who is notified of what, where, and which runbooks alerts link.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Clock } from '../base/clock.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { parseDocumentOf } from '../documents/parse-document-of.ts';
import type { Notifications } from '../documents/types.generated.ts';
import { GithubTarget } from './github-target.ts';
import type { NoticeTarget } from './notice-target.ts';
import { WebhookTarget } from './webhook-target.ts';

export interface NotifySettings {
  readonly targets: readonly NoticeTarget[];
  /** Addresses of pages by kind of alert; `*` for all others. */
  readonly runbooks: ReadonlyMap<string, string>;
  /** Where the project's own runbooks are read, unless at their usual place. */
  readonly runbookBase?: string;
  /** Address of the screen, for links. */
  readonly publicUrl?: string;
  /** How long a device may run another version than declared before an alert; null takes the default. */
  readonly offDeclaredAfterMs: number | null;
}

const MOST_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const GITHUB_API = 'https://api.github.com';
const DEFAULT_SOURCE = '/slipway';
const DEFAULT_EVENT_TYPE = 'slipway-retraining';
const EVERYTHING = ['rollouts', 'alerts', 'retraining'] as const;

const NOTHING: NotifySettings = { targets: [], runbooks: new Map(), offDeclaredAfterMs: null };

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
  const { offDeclaredAfter, runbookBase, publicUrl } = spec;
  return {
    targets: [...webhooks, ...github],
    runbooks: new Map(Object.entries(spec.runbooks ?? {})),
    ...(runbookBase === undefined ? {} : { runbookBase }),
    ...(publicUrl === undefined ? {} : { publicUrl: publicUrl.replace(/\/+$/, '') }),
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
