// Owns the checks of a service's home: its trust policy, keys and their modes, free space, and how old the publication is.
import { readdir, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { shellWord } from '../../base/shell-word.ts';
import { FolderPublication } from '../../distribution/folder-publication.ts';
import { countSignatures, findPublishedTrust } from '../../distribution/trust-policies.ts';
import { DEFAULT_LIFETIMES } from '../../distribution/tuf-metadata.ts';
import { newestRoot, readKeysInForce, rootExpiresAtMs } from '../../distribution/tuf-roots.ts';
import { readPrivateKey } from '../../signing/keys.ts';
import { countOf } from '../../wording/amounts.ts';
import type { Home } from '../home.ts';
import { findMisplacedKeys } from '../key-folder.ts';
import { loadTrust } from '../load-trust.ts';
import { bad, type Check, notKnown, ok, warn } from './check.ts';

const MIB = 1024 * 1024;
/** Below these the store and the publication soon can't be written. */
const FEW_BYTES = 1024 * MIB;
const TOO_FEW_BYTES = 200 * MIB;
const FEW_FILES = 10_000;
/** The service renews half a lifetime before the end. */
const LATE_MS = DEFAULT_LIFETIMES.timestampMs / 4;
const DAY_MS = 24 * 3_600_000;
/** What is renewed by hand, with a key that lies elsewhere, takes people a while. */
const ROOT_LATE_MS = 30 * DAY_MS;

export function homeChecks(home: Home, clock: Clock): Check[] {
  return [
    { name: 'trust policy', run: () => checkTrust(home, clock.now()) },
    { name: 'keys', run: () => checkKeys(home) },
    { name: 'key modes', run: () => checkModes(home) },
    { name: 'key places', run: () => checkPlaces(home) },
    { name: 'disk', run: () => checkDisk(home.folder) },
    { name: 'publication', run: () => checkPublication(home, clock.now()) },
    { name: 'root', run: () => checkRoot(home, clock.now()) },
  ];
}

/** The service goes by its own, devices by the one that is published. */
async function checkTrust(home: Home, nowMs: number) {
  const { policy, digest } = await loadTrust(home.trustPolicy);
  const none = `Add signers to ${home.trustPolicy}.`;
  if (policy.signers.length === 0) return warn('it names no signer, so no model and no policy can be used', none);
  const text = countOf(policy.signers.length, 'signer');
  const published = await findPublishedTrust(home.publication);
  if (published === undefined) return ok(text);
  const remedy = 'See both with `slipway trust show`; sign the one in the home and publish it.';
  if (published.trust.digest !== digest) return warn('devices get another one than this service has', remedy);
  const { given, needed } = countSignatures(await newestRoot(home.publication), published.metadata);
  const anew = 'Sign it anew with `slipway trust sign`, where its key is, and publish it.';
  if (given < needed) return warn('the keys were replaced that signed what devices get: none takes it any more', anew);
  const leftMs = published.expiresAtMs - nowMs;
  if (leftMs >= ROOT_LATE_MS) return ok(text);
  const days = Math.floor(leftMs / DAY_MS);
  const ends =
    days < 0 ? 'what devices get has ended: none takes it any more' : `what devices get ends in ${days} days`;
  return warn(ends, anew);
}

/** Reading them finds what is missing or broken. */
async function checkKeys(home: Home) {
  await readPrivateKey(home.reconcilerKey);
  await readKeysInForce(home);
  return ok("the reconciler's key and the online keys can be read");
}

async function checkModes(home: Home) {
  const files = [home.reconcilerKey, ...(await keysIn(home.tuf))];
  const open: string[] = [];
  for (const file of files) if (((await stat(file)).mode & 0o077) !== 0) open.push(file);
  if (open.length === 0) return ok("private keys are their owner's alone");
  return bad(
    `others on this machine may read ${open.map((file) => path.relative(home.folder, file)).join(', ')}`,
    `Run chmod 600 ${open.map(shellWord).join(' ')}. If somebody may have read them, rotate them.`,
  );
}

async function keysIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.key')).map((name) => path.join(folder, name));
}

async function checkPlaces(home: Home) {
  const [first, ...more] = await findMisplacedKeys(home);
  if (first === undefined) return ok('no key of CI or of the root is in the home');
  return warn(first.message, [first, ...more].map(({ move }) => `Run ${move}.`).join(' '));
}

async function checkDisk(folder: string) {
  const { bsize, bavail, blocks, ffree, files } = await statfs(folder);
  const [freeBytes, allBytes] = [bsize * bavail, bsize * blocks];
  const text = `${inGib(freeBytes)} of ${inGib(allBytes)} free`;
  const remedy =
    'Make room: `slipway prune` removes artifacts that no version needs; the store and the mirror grow with devices and history.';
  if (freeBytes < TOO_FEW_BYTES) return bad(text, remedy);
  // File systems that make them as they are needed count none.
  if (files > 0 && ffree < FEW_FILES) return warn(`${text}, and room for only ${ffree} more files`, remedy);
  return freeBytes < FEW_BYTES ? warn(text, remedy) : ok(text);
}

function inGib(bytes: number): string {
  return `${(bytes / 1024 / MIB).toFixed(1)} GiB`;
}

async function checkPublication(home: Home, nowMs: number) {
  const keys = await readKeysInForce(home);
  const publication = new FolderPublication({ folder: home.publication, keys, lifetimes: DEFAULT_LIFETIMES });
  const expiresAtMs = await publication.expiresAtMs();
  const remedy = 'Start `slipway run`, or see in its log why it does not publish.';
  if (expiresAtMs === null)
    return notKnown(
      'nothing is published yet, nothing since keys were replaced or the home was restored, or the folder was damaged',
      remedy,
    );
  const leftMs = expiresAtMs - nowMs;
  if (leftMs < 0) return bad(`it expired ${inHours(-leftMs)} ago: devices take nothing new`, remedy);
  const text = `it expires in ${inHours(leftMs)}`;
  return leftMs < LATE_MS ? warn(`${text} and was not renewed in time`, remedy) : ok(text);
}

async function checkRoot(home: Home, nowMs: number) {
  const newest = await newestRoot(home.publication);
  const leftMs = rootExpiresAtMs(newest) - nowMs;
  const remedy = 'Renew it with `slipway rotate root`, where the key of the root is.';
  if (leftMs < 0) return bad(`root ${newest.version} expired: devices take nothing new`, remedy);
  const text = `root ${newest.version} expires in ${Math.floor(leftMs / DAY_MS)} days`;
  return leftMs < ROOT_LATE_MS ? warn(`${text}; from then on devices take nothing new`, remedy) : ok(text);
}

function inHours(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
