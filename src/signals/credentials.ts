// Owns the credentials of providers: files read again for each request, so that they can be rotated.
import { assertNever } from '../base/errors.ts';
import { bearerHeader, readSecret } from '../base/secret-file.ts';

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly file: string }
  | { readonly kind: 'basic'; readonly username: string; readonly passwordFile: string };

export type ReadHeaders =
  | { readonly kind: 'read'; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'none'; readonly reason: string };

/** Never throws. */
export async function readCredentials(credentials: Credentials): Promise<ReadHeaders> {
  switch (credentials.kind) {
    case 'none':
      return { kind: 'read', headers: {} };
    case 'bearer': {
      const headers = bearerHeader(await readSecret(credentials.file));
      return headers === null ? { kind: 'none', reason: "its bearer token can't be read" } : { kind: 'read', headers };
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
