// Proves that a device follows its trust policy and the key files that it names, and that a broken edit changes nothing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TrustFile } from '../../fleet-agent/src/trust-file.ts';
import type { Clock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { makeKey } from '../support/trust.ts';

const manifest = Buffer.from('a manifest');
const [first, second] = [makeKey(), makeKey()];
let folder: string;
let log: string[];
let trust: TrustFile;
let looks: (() => void)[];
let stop: AbortController;
let watching: Promise<void>;

const policy = (name: string): string =>
  `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers: [{ name: ci, key: ${name}, models: ["*"] }]\n  reconciler: [{ publicKey: ${JSON.stringify(makeKey().publicPem)} }]\n`;

/** Sleeps until `look` ends the sleep. */
const sleepy: Clock = {
  now: () => 0,
  monotonicMs: () => 0,
  sleep: (_, signal) =>
    new Promise((resolve) => {
      looks.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    }),
};

/** Lets the watch look once, and waits until it has. */
async function look(): Promise<void> {
  const seen = looks.length;
  looks.at(-1)?.();
  while (looks.length === seen) await new Promise((resolve) => setTimeout(resolve, 5));
}

const isTrusted = (key: typeof first): boolean =>
  trust.verifier.verifyModel(manifest, JSON.stringify(signBytes(manifest, key.key)), {
    ...{ model: 'sorter', now: 0, purpose: 'admit' },
  }).kind === 'verified';

const write = (file: string, text: string): Promise<void> => writeFile(path.join(folder, file), text);

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'slipway-trust-'));
  await write('ci.pub', first.publicPem);
  await write('trust.yaml', policy('ci.pub'));
  [log, looks, stop] = [[], [], new AbortController()];
  trust = await TrustFile.open(path.join(folder, 'trust.yaml'));
  const logger = createLogger({ least: 'info', pretty: false, now: () => 0, write: (line) => void log.push(line) });
  watching = trust.watch(sleepy, logger, stop.signal);
});

afterEach(async () => {
  stop.abort();
  await watching;
  await rm(folder, { recursive: true });
});

test('a key file that is replaced counts, though the policy that names it is as before', async () => {
  const before = trust.fingerprint;
  await look();
  expect([isTrusted(first), isTrusted(second), trust.fingerprint]).toEqual([true, false, before]);
  await write('ci.pub', second.publicPem);
  await look();
  expect([isTrusted(first), isTrusted(second)]).toEqual([false, true]);
  expect(trust.fingerprint).not.toBe(before);
});

test('a policy that is broken changes nothing and is logged once; it counts as soon as it is whole', async () => {
  await write('trust.yaml', policy('new.pub'));
  await look();
  await look();
  expect([isTrusted(first), isTrusted(second)]).toEqual([true, false]);
  expect(log.filter((line) => line.includes('trust policy is broken'))).toHaveLength(1);
  await write('new.pub', second.publicPem);
  await look();
  expect([isTrusted(first), isTrusted(second)]).toEqual([false, true]);
});
