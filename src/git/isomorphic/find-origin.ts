// Owns where a clone came from: the address of its remote `origin`, apart from credentials that stand in it.
import type { GitCredentials } from '../wire/http-transport.ts';
import { parseRemoteAddress } from '../wire/remote-address.ts';
import { settingOf } from './find-author.ts';

export interface Origin {
  /** Never with credentials. */
  readonly address: string;
  /** Those that stand in the clone's own settings, as GitLab's runner writes them. */
  readonly credentials: GitCredentials | undefined;
}

/** Undefined for a clone without an origin. Throws GIT_URL_UNSUPPORTED. */
export async function findOrigin(folder: string): Promise<Origin | undefined> {
  const text = await settingOf(folder, 'remote.origin.url');
  if (text === undefined || text === '') return undefined;
  const { plain, credentials } = partCredentials(text);
  const address = parseRemoteAddress(plain, folder);
  return { address: address.kind === 'local' ? address.path : plain, credentials };
}

function partCredentials(text: string): { readonly plain: string; readonly credentials: GitCredentials | undefined } {
  const url = /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.username === '' && url.password === '')) return { plain: text, credentials: undefined };
  const [username, password] = [url.username, url.password].map(decoded) as [string, string];
  url.username = '';
  url.password = '';
  return { plain: url.href, credentials: { kind: 'basic', username, password } };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
