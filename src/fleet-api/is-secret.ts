// Owns comparing secrets in time that tells nothing about them.
import { createHash, timingSafeEqual } from 'node:crypto';

/** Are the texts equal? Both are hashed first, so that not even the length shows. An empty secret equals nothing. */
export function isSecret(presented: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return secret !== '' && timingSafeEqual(digest(presented), digest(secret));
}
