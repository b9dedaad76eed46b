// Owns comparing secrets that callers present, in time that tells nothing about them.
import { createHash, createHmac, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Are the texts equal? Both are hashed first, so that not even the length shows. */
export function isSecret(presented: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return secret !== '' && timingSafeEqual(digest(presented), digest(secret));
}

/** Is it `Bearer <secret>`? */
export function isBearer(authorization: string | undefined, secret: string): boolean {
  const presented = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  return presented !== undefined && isSecret(presented, secret);
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.length <= 512 ? value : undefined;
}

/**
 * Checks a Git host's webhook while its body streams past: GitHub and Gitea sign the body (HMAC-SHA256), GitLab shows the token itself.
 */
export class HookCheck {
  readonly #secret: string;
  readonly #headers: IncomingHttpHeaders;
  readonly #hmac: Hmac;

  constructor(headers: IncomingHttpHeaders, secret: string) {
    this.#secret = secret;
    this.#headers = headers;
    this.#hmac = createHmac('sha256', secret);
  }

  take(chunk: Buffer): void {
    this.#hmac.update(chunk);
  }

  /** After the last chunk: did the holder of the secret send it? */
  isGenuine(): boolean {
    if (this.#secret === '') return false;
    const signed = `sha256=${this.#hmac.digest('hex')}`;
    const github = single(this.#headers['x-hub-signature-256']);
    if (github !== undefined) return isSecret(github, signed);
    const gitea = single(this.#headers['x-gitea-signature']);
    if (gitea !== undefined) return isSecret(`sha256=${gitea}`, signed);
    const gitlab = single(this.#headers['x-gitlab-token']);
    return gitlab !== undefined && isSecret(gitlab, this.#secret);
  }
}
