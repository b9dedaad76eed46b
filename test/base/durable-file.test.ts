// Owns the proof that no file read whole hangs or fills the process.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

test.skipIf(process.platform === 'win32').each([
  [0o600, 'read'],
  [0o400, 'read'],
  [0o640, 'refused'],
  [0o604, 'refused'],
  [0o620, 'refused'],
])('of files that must be private, one of mode %o is %s', async (mode, how) => {
  writeFileSync(at('private'), 'secret');
  chmodSync(at('private'), mode);
  const reading = readFileIfPresent(at('private'), 9, { isPrivate: true });
  if (how === 'read') expect(await reading).toEqual(Buffer.from('secret'));
  else await expect(reading).rejects.toMatchObject({ code: 'FILE_MODE', remedy: expect.stringContaining('chmod 600') });
  rmSync(at('private'));
});

/** What a user without rights makes of files of others. */
const NOBODY = 65_534;
test.skipIf(process.getuid?.() !== 0).each([
  ['of the system that its group may read, as mounted secrets are', 0, 0o640, 'secret'],
  ['of the system that its group may change', 0, 0o660, 'FILE_MODE'],
  ['of another user that its group may read', 4321, 0o640, 'FILE_MODE'],
])('a private file %s', (_, uid, mode, expected) => {
  const open = mkdtempSync(path.join(tmpdir(), 'slipway-private-'));
  const file = path.join(open, 'secret');
  chmodSync(open, 0o755);
  writeFileSync(file, 'secret');
  chownSync(file, uid, NOBODY);
  chmodSync(file, mode);
  // A process that gives up its rights before it reads.
  const module = new URL('../../src/base/durable-file.ts', import.meta.url).href;
  const code = `const { readFileIfPresent } = await import(${JSON.stringify(module)});
    process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});
    console.log(String(await readFileIfPresent(${JSON.stringify(file)}, 9, { isPrivate: true }).catch((error) => error.code)));`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  rmSync(open, { recursive: true });
  expect(said.trim()).toBe(expected);
});
