// Owns reading the service's list of providers: whom rules may ask, by name.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { CodedError, formatError } from '../base/errors.ts';
import { readSecret } from '../base/secret-file.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { SignalProviders } from '../documents/types.generated.ts';
import type { Credentials } from './credentials.ts';
import { PrometheusProvider } from './prometheus-provider.ts';
import type { SignalProvider } from './signal-provider.ts';
import { WebhookProvider } from './webhook-provider.ts';

const MOST_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_EVERY_MS = 15_000;

async function readDocument(file: string): Promise<SignalProviders> {
  const { size } = await stat(file);
  if (size > MOST_BYTES) {
    throw new CodedError({
      code: 'SIGNALS_FILE_SIZE',
      message: `${file} is longer than ${MOST_BYTES} bytes.`,
      remedy: 'Name the list of providers.',
    });
  }
  const parsed = parseDocument(file, await readFile(file), { isCopy: true });
  if (parsed.kind === 'parsed' && parsed.document.kind === 'SignalProviders') return parsed.document;
  if (parsed.kind === 'parsed') {
    throw new CodedError({
      code: 'SIGNALS_FILE_KIND',
      message: `${file} is a ${parsed.document.kind}, not SignalProviders.`,
      remedy: 'Give the file that names whom rules about outside signals may ask.',
    });
  }
  const [first, ...others] = parsed.errors;
  throw new CodedError({
    code: first?.code ?? 'SIGNALS_FILE_UNREADABLE',
    message: [first?.message ?? `${file} can't be read.`, ...others.map((one) => `\n${formatError(one)}`)].join(''),
    ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
    ...(first?.at === undefined ? {} : { at: first.at }),
  });
}

function timesOf({ every, timeout }: { readonly every?: string; readonly timeout?: string }) {
  return {
    everyMs: every === undefined ? DEFAULT_EVERY_MS : parseDurationMs(every),
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : parseDurationMs(timeout),
  };
}

/** The providers of a document that lies in `folder`. */
export function providersOf({ spec }: SignalProviders, folder: string, clock: Clock): readonly SignalProvider[] {
  const at = (file: string): string => path.resolve(folder, file);
  const bearer = (file: string | undefined): Credentials =>
    file === undefined ? { kind: 'none' } : { kind: 'bearer', file: at(file) };
  const servers = (spec.prometheus ?? []).map((one) => {
    const { name, url, basicAuth, bearerTokenFile } = one;
    const credentials: Credentials =
      basicAuth === undefined
        ? bearer(bearerTokenFile)
        : { kind: 'basic', username: basicAuth.username, passwordFile: at(basicAuth.passwordFile) };
    return new PrometheusProvider({ name, url, credentials, ...timesOf(one) }, clock);
  });
  const webhooks = (spec.webhooks ?? []).map((one) => {
    const secretFile = one.secretFile === undefined ? null : at(one.secretFile);
    const { name, url, bearerTokenFile } = one;
    return new WebhookProvider({ name, url, credentials: bearer(bearerTokenFile), secretFile, ...timesOf(one) }, clock);
  });
  return [...servers, ...webhooks];
}

export interface ProvidersFile {
  readonly file: string;
  /** Without the file there are no providers. */
  readonly isOptional: boolean;
}

/** The providers that a file names. Throws SIGNALS_FILE_… and what is wrong with its content, with its place. */
export async function readProviders(
  { file, isOptional }: ProvidersFile,
  clock: Clock,
): Promise<readonly SignalProvider[]> {
  try {
    return providersOf(await readDocument(file), path.dirname(file), clock);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    if (isOptional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new CodedError({
      code: 'SIGNALS_FILE_UNREADABLE',
      message: `${file} can't be read.`,
      remedy: 'Name the list of providers with --signals, or leave it out.',
      cause,
    });
  }
}

export interface LackingSecret {
  readonly provider: string;
  readonly file: string;
}

/** The files of secrets that the list names and nobody can use as they lie there. Never throws: a broken list has none. */
export async function lackingSecrets({ file: list }: ProvidersFile): Promise<readonly LackingSecret[]> {
  const { spec } = await readDocument(list).catch(() => ({ spec: {} as SignalProviders['spec'] }));
  const named = [
    ...(spec.prometheus ?? []).flatMap(({ name, bearerTokenFile, basicAuth }) =>
      [bearerTokenFile, basicAuth?.passwordFile].map((file) => ({ provider: name, file })),
    ),
    ...(spec.webhooks ?? []).flatMap(({ name, bearerTokenFile, secretFile }) =>
      [bearerTokenFile, secretFile].map((file) => ({ provider: name, file })),
    ),
  ].flatMap(({ provider, file }) =>
    file === undefined ? [] : [{ provider, file: path.resolve(path.dirname(list), file) }],
  );
  const isLacking = await Promise.all(named.map(async ({ file }) => (await readSecret(file)) === null));
  return named.filter((_, index) => isLacking[index] === true);
}
