// Owns the proof that no file read whole hangs or fills the process.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readFileIfPresent } from '../../src/base/durable-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => path.join(folder, name);

test('a file is read up to its bound, and a missing one is none', async () => {
  writeFileSync(at('file'), 'four');
  expect(await readFileIfPresent(at('file'), 4)).toEqual(Buffer.from('four'));
  await expect(readFileIfPresent(at('file'), 3)).rejects.toMatchObject({ code: 'FILE_SIZE' });
  expect(await readFileIfPresent(at('missing'))).toBeUndefined();
});

test.skipIf(process.platform === 'win32')('a pipe that a person names is read to its end', async () => {
  execFileSync('mkfifo', [at('named')]);
  execFile('sh', ['-c', `printf key > ${at('named')}`]);
  expect(await readFileIfPresent(at('named'), 9, { takesPipes: true })).toEqual(Buffer.from('key'));
});

test.skipIf(process.platform === 'win32').each<[string, (file: string) => void]>([
  ['pipe', (file) => void execFileSync('mkfifo', [file])],
  ['device', (file) => symlinkSync('/dev/null', file)],
  ['folder', (file) => mkdirSync(file)],
])('a %s in its place is refused at once', async (kind, put) => {
  put(at(kind));
  await expect(readFileIfPresent(at(kind))).rejects.toMatchObject({ code: 'FILE_KIND' });
});
