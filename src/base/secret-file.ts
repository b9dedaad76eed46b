// Owns secrets in files: read again for each use, so that they can be rotated, and how they prove a request.
import { createHmac } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';

const MOST_BYTES = 16 * 1024;
/** Without waiting for whoever may write into a pipe, as a service would do for ever. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

function secretIn(buffer: Buffer, bytesRead: number): string | null {
  const text = buffer.subarray(0, bytesRead).toString('utf8').trim();
  return bytesRead > MOST_BYTES || text === '' ? null : text;
}

/** The secret, without white space around it; null when it is no plain file, can't be read, is empty, or is too long to be a secret. */
export async function readSecret(file: string): Promise<string | null> {
  try {
    await using handle = await open(file, READ_AT_ONCE);
    if (!(await handle.stat()).isFile()) return null;
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(MOST_BYTES + 1), 0, MOST_BYTES + 1, null);
    return secretIn(buffer, bytesRead);
  } catch {
    return null;
  }
}

/** The same at once, for settings. */
export function readSecretSync(file: string): string | null {
  try {
    const handle = openSync(file, READ_AT_ONCE);
    try {
      if (!fstatSync(handle).isFile()) return null;
      const buffer = Buffer.alloc(MOST_BYTES + 1);
      return secretIn(buffer, readSync(handle, buffer));
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
}

/** The header that signs a body, as receivers check it: HMAC-SHA256 in hexadecimal. */
export function signatureHeader(secret: string, body: string): Readonly<Record<string, string>> {
  return { 'x-slipway-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

/** The header that shows a token; null when there is none, or one that can't stand in a header (visible ASCII can). */
export function bearerHeader(token: string | null): { readonly authorization: string } | null {
  return token !== null && /^[\x21-\x7e]+$/.test(token) ? { authorization: `Bearer ${token}` } : null;
}
