// Owns the credentials of providers: files read again for each request, so that they can be rotated.
import { assertNever } from '../base/errors.ts';
import { bearerHeader, readSecret } from '../base/secret-file.ts';

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly file: string }
  | { readonly kind: 'basic'; readonly username: string; readonly passwordFile: string };

export type ReadHeaders =
  /** `secrets`: what no reason may quote. */
  | { readonly kind: 'read'; readonly headers: Readonly<Record<string, string>>; readonly secrets: readonly string[] }
  | { readonly kind: 'none'; readonly reason: string };

/** Never throws. */
export async function readCredentials(credentials: Credentials): Promise<ReadHeaders> {
  switch (credentials.kind) {
    case 'none':
      return { kind: 'read', headers: {}, secrets: [] };
    case 'bearer': {
      const token = await readSecret(credentials.file);
      const headers = bearerHeader(token);
      if (token === null || headers === null) return { kind: 'none', reason: "its bearer token can't be read" };
      return { kind: 'read', headers, secrets: [token] };
    }
    case 'basic': {
      const password = await readSecret(credentials.passwordFile);
      if (password === null) return { kind: 'none', reason: "its password can't be read" };
      const pair = Buffer.from(`${credentials.username}:${password}`).toString('base64');
      return { kind: 'read', headers: { authorization: `Basic ${pair}` }, secrets: [pair, password] };
    }
    default:
      return assertNever(credentials);
  }
}
