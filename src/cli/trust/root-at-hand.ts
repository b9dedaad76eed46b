// Owns the root that a trust policy is signed under: that it follows from those which this machine knows, and what it says to the person who signs.
import path from 'node:path';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { digestOf } from '../../contract/digest.ts';
import { MOST_ROOT_BYTES } from '../../contract/trust/trusted-root.ts';
import { TrustedChain } from '../../contract/tuf/trusted-chain.ts';
import { type FoundRoot, newestRoot, parseRoot, rootFile } from '../../distribution/tuf-roots.ts';
import type { Home } from '../home.ts';
import { keysOf } from '../rotate/next-root-file.ts';

export interface RootAtHand extends FoundRoot {
  /** Roots of this machine that it follows from; none where there is nothing to compare with. */
  readonly knownBy: readonly string[];
}

interface KnownRoot {
  readonly file: string;
  readonly bytes: Buffer;
}

interface Knowledge {
  /** A root that the person knows to be this fleet's. */
  readonly file: string | undefined;
  /** Asked without such a file, and need not be there. */
  readonly home: Home;
}

const NO_FLOOR = { root: 0, timestamp: 0, snapshot: 0, targets: 0 };

/** The newest root of a copy of the publication, which anybody may have made up. Throws TRUST_ROOT_FOREIGN and TUF_ROOT_MISSING. */
export async function findRootAtHand(publication: string, knowledge: Knowledge): Promise<RootAtHand> {
  const newest = await newestRoot(publication);
  const known = await knownRoots(knowledge);
  const first = rootFile(publication, 1);
  const from = known.length > 0 ? known : [{ file: first, bytes: await readBoundedFile(first, MOST_ROOT_BYTES) }];
  for (const one of from) await assertFollows(publication, newest, one);
  return { ...newest, knownBy: known.map(({ file }) => file) };
}

async function knownRoots({ file, home }: Knowledge): Promise<KnownRoot[]> {
  if (file !== undefined) return [{ file, bytes: await readBoundedFile(file, MOST_ROOT_BYTES) }];
  const given = path.join(home.tuf, 'root.json');
  const published = await newestRoot(home.publication).catch(() => undefined);
  const files = [given, ...(published === undefined ? [] : [rootFile(home.publication, published.version)])];
  const found = await Promise.all(files.map((one) => readFileIfPresent(one, MOST_ROOT_BYTES)));
  return files.flatMap((one, i) => (found[i] === undefined ? [] : [{ file: one, bytes: found[i] }]));
}

/** As devices walk: each root is signed by the one before and by itself (TUF 5.3). That some have ended is no matter. */
async function assertFollows(publication: string, { version }: FoundRoot, known: KnownRoot): Promise<void> {
  try {
    const chain = new TrustedChain(known.bytes, NO_FLOOR, 0);
    const start = chain.rootVersion;
    const copied = await readFileIfPresent(rootFile(publication, start), MOST_ROOT_BYTES);
    if (copied === undefined) throw new Error(`The copy lacks root ${start}.`);
    if (!parseRoot(copied).signed.equals(parseRoot(known.bytes).signed))
      throw new Error(`The copy has another root ${start}.`);
    for (let next = start + 1; next <= version; next++)
      chain.takeRoot(await readBoundedFile(rootFile(publication, next), MOST_ROOT_BYTES));
  } catch (cause) {
    throw new CodedError({
      code: 'TRUST_ROOT_FOREIGN',
      message: `Root ${version} of ${publication} does not follow from ${known.file}. ${(cause as Error).message}`,
      remedy:
        'Copy the publication anew. If you sign for another fleet, pass the root that its devices were given (--root). Otherwise sign nothing, and ask who made the copy.',
      cause,
    });
  }
}

export function rootFacts({ version, bytes, knownBy }: RootAtHand) {
  const root = parseRoot(bytes);
  const signs = { roots: keysOf(root, 'root'), trustPolicies: keysOf(root, 'trust') };
  return { version, digest: digestOf(bytes), signs, knownBy };
}

/** What a person compares with what they know of their fleet. */
export function rootLines(root: RootAtHand): string[] {
  const { version, digest, signs, knownBy } = rootFacts(root);
  return [
    `Root ${version}, ${digest}`,
    `  sign roots: ${signs.roots}`,
    `  sign trust policies: ${signs.trustPolicies}`,
    knownBy.length > 0
      ? `  It follows from ${knownBy.join(' and ')}.`
      : '  Nothing here vouches for this root: compare it with what `slipway trust show` says at the service, or pass --root.',
  ];
}
