// Owns reading the service's list of targets: who is told what, where, and which pages alerts link.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { CodedError, formatError } from '../base/errors.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { Notifications } from '../documents/types.generated.ts';
import { GithubTarget } from './github-target.ts';
import type { NoticeTarget } from './notice-target.ts';
import { WebhookTarget } from './webhook-target.ts';

export interface NotifySettings {
  readonly targets: readonly NoticeTarget[];
  /** Pages by kind of alert; `*` for all others. */
  readonly runbooks: ReadonlyMap<string, string>;
  /** How long a device may run something else than declared; null leaves it to the default. */
  readonly offDeclaredAfterMs: number | null;
}

const MOST_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const GITHUB_API = 'https://api.github.com';
const DEFAULT_SOURCE = '/slipway';
const DEFAULT_EVENT_TYPE = 'slipway-retraining';
const EVERYTHING = ['rollouts', 'alerts', 'retraining'] as const;

const NOTHING: NotifySettings = { targets: [], runbooks: new Map(), offDeclaredAfterMs: null };

async function readDocument(file: string): Promise<Notifications> {
  const { size } = await stat(file);
  if (size > MOST_BYTES) {
    throw new CodedError({
      code: 'NOTIFY_FILE_SIZE',
      message: `${file} is longer than ${MOST_BYTES} bytes.`,
      remedy: 'Name the list of targets.',
    });
  }
  const parsed = parseDocument(file, await readFile(file), { isCopy: true });
  if (parsed.kind === 'parsed' && parsed.document.kind === 'Notifications') return parsed.document;
  if (parsed.kind === 'parsed') {
    throw new CodedError({
      code: 'NOTIFY_FILE_KIND',
      message: `${file} is a ${parsed.document.kind}, not Notifications.`,
      remedy: 'Give the file that names who is told.',
    });
  }
  const [first, ...others] = parsed.errors;
  throw new CodedError({
    code: first?.code ?? 'NOTIFY_FILE_UNREADABLE',
    message: [first?.message ?? `${file} can't be read.`, ...others.map((one) => `\n${formatError(one)}`)].join(''),
    ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
    ...(first?.at === undefined ? {} : { at: first.at }),
  });
}

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
  const { offDeclaredAfter } = spec;
  return {
    targets: [...webhooks, ...github],
    runbooks: new Map(Object.entries(spec.runbooks ?? {})),
    offDeclaredAfterMs: offDeclaredAfter === undefined ? null : parseDurationMs(offDeclaredAfter),
  };
}

export interface NotificationsFile {
  readonly file: string;
  /** Without the file nobody is told. */
  readonly isOptional: boolean;
}

/** Who is told, as a file says. Throws NOTIFY_FILE_… and what is wrong with its content, with its place. */
export async function readNotifications(
  { file, isOptional }: NotificationsFile,
  clock: Clock,
): Promise<NotifySettings> {
  try {
    return settingsOf(await readDocument(file), path.dirname(file), clock);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    if (isOptional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
    throw new CodedError({
      code: 'NOTIFY_FILE_UNREADABLE',
      message: `${file} can't be read.`,
      remedy: 'Name the list of targets with --notify, or leave it out.',
      cause,
    });
  }
}
