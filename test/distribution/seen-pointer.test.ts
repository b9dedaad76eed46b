// Laws of a device's word on what was published: our own signature counts, and nothing else.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { versionSeenElsewhere } from '../../src/distribution/seen-pointer.ts';
import { makeRoleKey } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../src/distribution/tuf-metadata.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-pointer-'));
const [ours, others] = [makeRoleKey().roleKey, makeRoleKey().roleKey];

function pointer(version: number, key = ours, nowMs = 0): string {
  const keys = { targets: key, snapshot: key, timestamp: key };
  return makeOnline({ version, targets: [], keys, nowMs, lifetimes: DEFAULT_LIFETIMES }).timestamp.toString('utf8');
}

afterAll(() => rmSync(folder, { recursive: true }));

test('a pointer counts that our key signed and this folder never had', async () => {
  mkdirSync(path.join(folder, 'metadata'), { recursive: true });
  writeFileSync(path.join(folder, 'metadata', 'timestamp.json'), pointer(5));
  expect(await versionSeenElsewhere(folder, pointer(9), ours)).toBe(9);
  expect(await versionSeenElsewhere(folder, pointer(5, ours, 60_000), ours)).toBe(5);
});

test('no other does: older, the same, of another key, changed, beyond all numbers, or no pointer at all', async () => {
  const none = [
    pointer(4),
    pointer(5),
    pointer(9, others),
    pointer(9).replace('"version":9', '"version":99'),
    pointer(2 ** 50),
    '{"signed":{"version":9}}',
    'null',
    '',
  ];
  for (const text of none) expect(await versionSeenElsewhere(folder, text, ours)).toBeUndefined();
});
