// Owns what another copy of the publication has that a backup lacks: roots of trust that came since, and the version that its pointer reached.
import { pathToFileURL } from 'node:url';
import { DirectiveFetcher } from '../../../fleet-agent/src/link/directive-fetcher.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { TrustedChain } from '../../contract/tuf/trusted-chain.ts';
import type { FoundRoot } from '../../distribution/tuf-roots.ts';

const NO_FLOOR = { root: 0, timestamp: 0, snapshot: 0, targets: 0 };
const MOST_ROOTS = 1_000;
const LIMITS = { root: 512_000, timestamp: 16_384 };
const TIMEOUT_MS = 30_000;

export interface PublishedElsewhere {
  /** Those after the newest that is known, oldest first. */
  readonly roots: readonly FoundRoot[];
  readonly metadataVersion: number;
}

/**
 * `place` is a URL or a folder, and as little to be believed as any: roots are signed by those before them, the pointer by our own key. That
 * it has expired is no matter: nobody published meanwhile. Throws RESTORE_PUBLISHED.
 */
export async function readPublishedElsewhere(
  place: string,
  known: FoundRoot,
  clock: Clock,
): Promise<PublishedElsewhere> {
  const base = (/^https?:\/\//.test(place) ? place : pathToFileURL(place).href).replace(/\/+$/, '');
  const signal = AbortSignal.timeout(TIMEOUT_MS * 10);
  const fetcher = new DirectiveFetcher({ fetch, timeoutMs: TIMEOUT_MS, signal, nowMs: clock.now() });
  try {
    const chain = new TrustedChain(known.bytes, NO_FLOOR, 0);
    const roots: FoundRoot[] = [];
    while (roots.length < MOST_ROOTS) {
      const version = chain.rootVersion + 1;
      const answer = await fetcher.get(`${base}/metadata/${version}.root.json`, LIMITS.root);
      if (answer.kind !== 'bytes') break;
      chain.takeRoot(answer.bytes);
      roots.push({ version, bytes: answer.bytes });
    }
    chain.takeTimestamp(await fetcher.getPresent(`${base}/metadata/timestamp.json`, LIMITS.timestamp));
    return { roots, metadataVersion: chain.reached().timestamp };
  } catch (cause) {
    throw new CodedError({
      code: 'RESTORE_PUBLISHED',
      message: `${place} is no publication of this home that can be read: ${(cause as Error).message} Nothing was changed.`,
      remedy: 'Pass the address or folder below which `metadata/timestamp.json` lies, or leave --published out.',
      cause,
    });
  }
}
