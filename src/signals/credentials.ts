// Owns the credentials of providers: files read anew for each question, so that they may be rotated.
import { open } from 'node:fs/promises';
import { assertNever } from '../base/errors.ts';

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly file: string }
  | { readonly kind: 'basic'; readonly username: string; readonly passwordFile: string };

export type ReadHeaders =
  | { readonly kind: 'read'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'none'; readonly reason: string };

const MOST_BYTES = 16 * 1024;

/** The secret in a file, without the line break at its end; null when it can't be read, is empty, or is no secret at all. */
export async function readSecret(file: string): Promise<string | null> {
  try {
    await using handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MOST_BYTES + 1), 0, MOST_BYTES + 1, null);
    const text = buffer.subarray(0, bytesRead).toString('utf8').trim();
    return bytesRead > MOST_BYTES || text === '' ? null : text;
  } catch {
    return null;
  }
}

/** What may stand in a header: visible ASCII. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

/** Never throws. */
export async function readCredentials(credentials: Credentials): Promise<ReadHeaders> {
  switch (credentials.kind) {
    case 'none':
      return { kind: 'read', headers: {} };
    case 'bearer': {
      const token = await readSecret(credentials.file);
      if (token === null || !isToken(token)) return { kind: 'none', reason: "its bearer token can't be read" };
      return { kind: 'read', headers: { authorization: `Bearer ${token}` } };
    }
    case 'basic': {
      const password = await readSecret(credentials.passwordFile);
      if (password === null) return { kind: 'none', reason: "its password can't be read" };
      const pair = Buffer.from(`${credentials.username}:${password}`).toString('base64');
      return { kind: 'read', headers: { authorization: `Basic ${pair}` } };
    }
    default:
      return assertNever(credentials);
  }
}
