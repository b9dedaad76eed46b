// Owns the address of the manifests repository: which transport it names, and how it is shown without secrets.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../base/errors.ts';

export type RemoteAddress =
  | {
      readonly kind: 'http';
      readonly base: string;
      readonly shown: string;
      readonly loopback: boolean;
      readonly secure: boolean;
    }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly port: number | null;
      readonly path: string;
      readonly shown: string;
    }
  | { readonly kind: 'local'; readonly path: string; readonly shown: string };

const SCP_LIKE = /^(?:([A-Za-z0-9._-]+)@)?([A-Za-z0-9.-]{2,}):(?!\/\/)(.+)$/;
const HOST = /^(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.:-]*$/;

function unsupported(text: string, why: string): CodedError {
  return new CodedError({
    code: 'GIT_URL_UNSUPPORTED',
    message: `${JSON.stringify(text)} can't be used as the manifests repository: ${why}.`,
    remedy: 'Use https://host/path.git, ssh://user@host/path.git, user@host:path.git, file:///path or a folder.',
  });
}

function ssh(user: string, hostname: string, port: string, remotePath: string, text: string): RemoteAddress {
  const host = user === '' ? hostname : `${user}@${hostname}`;
  // A host or path that starts with a dash would be read as an option by ssh or git.
  if (!HOST.test(host) || remotePath.startsWith('-') || /[\0\n\r]/.test(remotePath))
    throw unsupported('ssh://…', 'host or path is malformed');
  if (/^[/:]*$/.test(remotePath) || remotePath.startsWith(':')) throw unsupported(text, 'it has no path');
  const shown = `ssh://${host}${port === '' ? '' : `:${port}`}/${remotePath.replace(/^\//, '')}`;
  return { kind: 'ssh', host, port: port === '' ? null : Number(port), path: remotePath, shown };
}

/** Reads an address. Relative folders count from `folder`. Throws GIT_URL_UNSUPPORTED, and GIT_URL_CREDENTIALS when it carries a password. */
export function parseRemoteAddress(text: string, folder: string): RemoteAddress {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    const scp = /^(?:\/|\.|[A-Za-z]:[\\/])/.test(text) ? null : SCP_LIKE.exec(text);
    if (scp) return ssh(scp[1] ?? '', scp[2] ?? '', '', scp[3] ?? '', text);
    if (text === '') throw unsupported(text, 'it is empty');
    const local = path.resolve(folder, text);
    return { kind: 'local', path: local, shown: local };
  }
  if (!URL.canParse(text)) throw unsupported(`${scheme}://…`, 'it is not a URL');
  const url = new URL(text);
  if (url.password !== '' || (url.username !== '' && scheme !== 'ssh')) {
    throw new CodedError({
      code: 'GIT_URL_CREDENTIALS',
      message: `The address of the manifests repository on ${url.host} contains credentials.`,
      remedy: 'Remove them from the address, where logs would show them, and pass them as settings.',
    });
  }
  if (scheme === 'file') {
    if (url.host !== '' && url.host !== 'localhost') throw unsupported(text, 'a file address has no host');
    const local = fileURLToPath(url);
    return { kind: 'local', path: local, shown: `file://${local}` };
  }
  if (scheme === 'ssh')
    return ssh(url.username, url.hostname, url.port, decodeURIComponent(url.pathname).replace(/^\/~/, '~'), text);
  if (scheme !== 'http' && scheme !== 'https') throw unsupported(text, `${scheme}:// is not supported`);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return { kind: 'http', base, shown: base, loopback, secure: scheme === 'https' };
}
