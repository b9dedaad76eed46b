// Laws of making a version: what no device could take is refused before it is copied, and sequences rise by themselves.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

let session: CliSession;
beforeEach(() => {
  session = new CliSession();
});
afterEach(() => session[Symbol.asyncDispose]());

test('an empty file, a pointer of Git LFS, a name that no manifest can list and two models at once are refused, each with what to do', async () => {
  await session.run(['init', 'models']);
  session.write('empty.onnx', '');
  session.write('pointer.onnx', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n');
  session.write('one.onnx', 'one');
  session.write('two.onnx', 'two');
  session.write('my model.onnx', 'odd');
  for (const [files, problem] of [
    [['empty.onnx'], 'is empty'],
    [['pointer.onnx'], 'is a pointer of Git LFS'],
    [['my model.onnx'], "can't be the name of a file on devices"],
    [['one.onnx', 'two.onnx'], 'A variant has one model file'],
  ] as const) {
    const { code, stderr } = await session.run(['package', ...files]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(new RegExp(`PACKAGE_FILES[^]*${problem}[^]*\\n`))]);
  }
  const artifacts = session.path('.slipway/publication/artifacts');
  expect(existsSync(artifacts) ? readdirSync(artifacts) : []).toEqual([]);
  expect((await session.run(['package', 'one.onnx'])).code).toBe(0);
  expect(readdirSync(artifacts)).toHaveLength(1);
});

test('a manifest that is signed for the first time gets a sequence above those beside it; one that was signed stays as it is', async () => {
  await session.run(['init', 'models', '--example']);
  const file = (version: string) => `models/models/document-classifier/${version}.yaml`;
  const read = (version: string) => readFileSync(session.path(file(version)), 'utf8');
  expect(read('1.0.0')).toContain('  sequence: 1\n');
  session.write(file('1.1.0'), read('1.0.0').replace('version: "1.0.0"', 'version: "1.1.0"'));
  const sign = (version: string) => session.run(['sign', file(version), '--key', '.slipway-keys/ci.key']);
  expect(await sign('1.1.0')).toMatchObject({ code: 0 });
  const signed = read('1.1.0');
  expect(signed).toContain('  sequence: 2\n');
  session.write(file('1.2.0'), signed.replace('version: "1.1.0"', 'version: "1.2.0"').replace(/ {2}sequence: 2\n/, ''));
  await sign('1.2.0');
  expect(read('1.2.0')).toMatch(/^ {2}sequence: 3$/m);
  await sign('1.1.0');
  expect(read('1.1.0')).toBe(signed);
  expect(await session.run(['verify', file('1.2.0')])).toMatchObject({ code: 0 });
});
