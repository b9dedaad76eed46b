// Owns reading the list of metric providers that rules may query.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Clock } from '../base/clock.ts';
import { readSecret } from '../base/secret-file.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { parseDocumentOf } from '../documents/parse-document-of.ts';
import type { SignalProviders } from '../documents/types.generated.ts';
import type { Credentials } from './credentials.ts';
import { PrometheusProvider } from './prometheus-provider.ts';
import type { SignalProvider } from './signal-provider.ts';
import { WebhookProvider } from './webhook-provider.ts';

const MOST_BYTES = 256 * 1024;
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_EVERY_MS = 15_000;

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

async function readDocument({ file, isOptional }: ProvidersFile): Promise<SignalProviders | undefined> {
  const bytes = await readBoundedFile(file, MOST_BYTES, isOptional);
  return bytes === undefined ? undefined : parseDocumentOf('SignalProviders', file, bytes);
}

/** The providers in the file. Throws FILE_…, DOCUMENT_KIND, and what is wrong with its content, with its place. */
export async function readProviders(list: ProvidersFile, clock: Clock): Promise<readonly SignalProvider[]> {
  const document = await readDocument(list);
  return document === undefined ? [] : providersOf(document, path.dirname(list.file), clock);
}

export interface LackingSecret {
  readonly provider: string;
  readonly file: string;
}

/** The files of secrets in the list that can't be used now. Never throws: a broken list has none. */
export async function lackingSecrets(list: ProvidersFile): Promise<readonly LackingSecret[]> {
  const spec: SignalProviders['spec'] = (await readDocument(list).catch(() => undefined))?.spec ?? {};
  const named = [
    ...(spec.prometheus ?? []).flatMap(({ name, bearerTokenFile, basicAuth }) =>
      [bearerTokenFile, basicAuth?.passwordFile].map((file) => ({ provider: name, file })),
    ),
    ...(spec.webhooks ?? []).flatMap(({ name, bearerTokenFile, secretFile }) =>
      [bearerTokenFile, secretFile].map((file) => ({ provider: name, file })),
    ),
  ].flatMap(({ provider, file }) =>
    file === undefined ? [] : [{ provider, file: path.resolve(path.dirname(list.file), file) }],
  );
  const isLacking = await Promise.all(named.map(async ({ file }) => (await readSecret(file)) === null));
  return named.filter((_, index) => isLacking[index] === true);
}
