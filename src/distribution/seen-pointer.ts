// Owns what a device's pointer proves: that more was published with our own key than this folder knows of.
import { readPointer } from './pointer.ts';
import type { RoleKey } from './tuf-keys.ts';
import { isSignedBy } from './tuf-metadata.ts';

/** Far above any honest version: who stole the key must not use up the numbers of those who rotate it away. */
const MOST_VERSION = 1e14;

/** The version of a pointer that our key signed and that this folder never had; undefined for anything else. */
export async function versionSeenElsewhere(folder: string, text: string, key: RoleKey): Promise<number | undefined> {
  const bytes = Buffer.from(text);
  if (!isSignedBy(key, 'timestamp', bytes)) return undefined;
  const { signed } = JSON.parse(text) as { readonly signed: { readonly version: number } };
  const { version } = signed;
  if (!Number.isSafeInteger(version) || version > MOST_VERSION) return undefined;
  const own = await readPointer(folder);
  if (own === undefined || version > own.version) return version;
  return version === own.version && !bytes.equals(own.timestamp.bytes) ? version : undefined;
}
