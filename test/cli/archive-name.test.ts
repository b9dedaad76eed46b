// Proves that an archive is a file of this machine, whatever its name looks like to tar.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFolder, readPacked, unpackInto } from '../../src/cli/backup/tar.ts';

const before = process.cwd();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-archive-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

test.each(['host:home.tar', '--checkpoint-action=exec=false.tar'])('%s is read where it lies', async (name) => {
  mkdirSync('in');
  mkdirSync('out');
  writeFileSync('in/one', 'text');
  await packFolder('in', ['one'], name);
  expect(String(await readPacked(name, 'one', 100))).toBe('text');
  expect(await unpackInto('out', name)).toBeNull();
  expect(readFileSync('out/one', 'utf8')).toBe('text');
});
