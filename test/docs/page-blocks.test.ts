// Owns the laws of pages that mark their commands as tried here: they run as they stand, each page in a folder of its own.
import { execFile } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, expect, test } from 'vitest';
import { constantClassifier } from '../support/onnx-fixture.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const BLOCK = /^ *<!-- tried by test\/docs\/page-blocks\.test\.ts -->\n( *)```sh\n([\s\S]*?)^ *```/gm;
const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-pages-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A person with an empty home, a model to bring, and `slipway` on the path. */
function makePlace(page: string): NodeJS.ProcessEnv {
  const place = path.join(folder, path.basename(page, '.md'));
  const bin = path.join(place, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'slipway'), `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/src/cli/main.ts" "$@"\n`);
  chmodSync(path.join(bin, 'slipway'), 0o755);
  writeFileSync(path.join(place, 'model.onnx'), constantClassifier(0, 4));
  writeFileSync(path.join(place, 'labels.txt'), 'invoice\nreceipt\nletter\nform\n');
  const names = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
    [`GIT_${who}_NAME`, 'alice'],
    [`GIT_${who}_EMAIL`, 'alice@example.org'],
  ]);
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH: `${bin}:${PATH}`, HOME: place, NODE_COMPILE_CACHE, ...Object.fromEntries(names) };
}

/** What the page takes for granted. */
const BEFORE: Readonly<Record<string, string>> = {
  'add-and-remove-devices':
    "slipway init my-models\ncd my-models\nsed -i 's/devices: \\[\\] .*/devices: [{ id: kiosk-004 }]/' fleet/kiosks.yaml\n" +
    'git commit --quiet --all --message "a kiosk"\nln -s ../.slipway .slipway',
};

const pages = globSync('docs/**/*.md', { cwd: ROOT }).flatMap((page) => {
  const blocks = [...readFileSync(path.join(ROOT, page), 'utf8').matchAll(BLOCK)].map(([, , block = '']) => block);
  return blocks.length === 0 ? [] : [[page, blocks] as const];
});

test('there are such pages', () => {
  expect(pages.length).toBeGreaterThan(4);
});

test.each(pages)(
  '%s',
  async (page, blocks) => {
    const env = makePlace(page);
    const script = ['set -euxo pipefail', BEFORE[path.basename(page, '.md')] ?? '', ...blocks].join('\n');
    const said = await new Promise<string>((resolve, reject) => {
      execFile('bash', ['-c', script], { cwd: env.HOME, env, timeout: 100_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${stderr.slice(-4000)}`)),
      );
    });
    expect(said).not.toBe('');
  },
  120_000,
);
