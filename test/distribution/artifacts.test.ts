// What adding model files promises: constant memory, whole files under their digests only, and no waste left behind.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { addArtifact, measureArtifact } from '../../src/distribution/artifacts.ts';
import { FolderArtifactStore } from '../../src/distribution/folder-artifact-store.ts';

const MODULE = new URL('../../src/distribution/artifacts.ts', import.meta.url).href;
let folder: string;
let model: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-artifacts-'));
  model = path.join(folder, 'model.onnx');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stored(): string[] {
  return readdirSync(path.join(folder, 'artifacts')).sort();
}

function addInChild(script = ''): ReturnType<typeof spawn> {
  const code = `const { addArtifact } = await import(${JSON.stringify(MODULE)});
    const added = await addArtifact(${JSON.stringify(folder)}, ${JSON.stringify(model)});
    ${script}`;
  return spawn(process.execPath, ['--max-old-space-size=64', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('adding a model file', () => {
  it('stores it under its digest; repeating changes nothing', async () => {
    const bytes = Buffer.alloc(3_000_001, 'model');
    writeFileSync(model, bytes);
    const expected = { digest: digestOf(bytes), sizeBytes: bytes.length };
    expect(await addArtifact(folder, model)).toEqual(expected);
    expect(await addArtifact(folder, model)).toEqual(expected);
    expect(stored()).toEqual([hexOf(expected.digest)]);
    expect(readFileSync(path.join(folder, 'artifacts', hexOf(expected.digest)))).toEqual(bytes);
  });

  it('takes an empty file, and many at once', async () => {
    writeFileSync(model, '');
    const added = await Promise.all(Array.from({ length: 8 }, () => addArtifact(folder, model)));
    expect(new Set(added.map((one) => one.digest))).toEqual(new Set([digestOf('')]));
    expect(stored()).toEqual([hexOf(digestOf(''))]);
  });

  it('mends a file that was damaged in its place', async () => {
    writeFileSync(model, 'the model');
    const { digest } = await addArtifact(folder, model);
    writeFileSync(path.join(folder, 'artifacts', hexOf(digest)), 'rotten!!!');
    await addArtifact(folder, model);
    expect(readFileSync(path.join(folder, 'artifacts', hexOf(digest)), 'utf8')).toBe('the model');
  });

  it('says which file it could not read', async () => {
    await expect(addArtifact(folder, path.join(folder, 'absent'))).rejects.toMatchObject({
      code: 'ARTIFACT_UNREADABLE',
      message: expect.stringContaining('absent'),
    });
    await expect(addArtifact(folder, folder)).rejects.toMatchObject({ code: 'ARTIFACT_UNREADABLE' });
  });

  it('needs no more memory for a large file than for a small one', async () => {
    const sizeBytes = 400 * 1024 * 1024;
    writeFileSync(model, '');
    truncateSync(model, sizeBytes);
    const child = addInChild(
      'process.stdout.write(JSON.stringify({ ...added, rss: process.resourceUsage().maxRSS * 1024 }));',
    );
    let out = '';
    child.stdout?.on('data', (chunk) => {
      out += chunk;
    });
    await new Promise((resolve) => child.on('close', resolve));
    const { rss, digest, ...rest } = JSON.parse(out);
    const hash = createHash('sha256');
    const zeros = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 400; i++) hash.update(zeros);
    expect({ digest, ...rest }).toEqual({ digest: `sha256:${hash.digest('hex')}`, sizeBytes });
    expect(rss).toBeLessThan(160 * 1024 * 1024);
  }, 120_000);

  it('killed at any moment, leaves no half file under a digest', async () => {
    const bytes = Buffer.alloc(64 * 1024 * 1024, 'weights');
    writeFileSync(model, bytes);
    const random = seededRandom(7, 'artifact kills');
    let deaths = 0;
    for (let i = 0; i < 12; i++) {
      rmSync(path.join(folder, 'artifacts'), { recursive: true, force: true });
      const child = addInChild();
      const timer = setTimeout(() => child.kill('SIGKILL'), 60 + randomBelow(random, 250));
      const [, signal] = await new Promise<[number | null, string | null]>((resolve) =>
        child.on('close', (...how) => resolve(how)),
      );
      clearTimeout(timer);
      if (signal !== null) deaths++;
      mkdirSync(path.join(folder, 'artifacts'), { recursive: true });
      for (const name of stored().filter((one) => !one.endsWith('.tmp')))
        expect([name, statSync(path.join(folder, 'artifacts', name)).size]).toEqual([
          hexOf(digestOf(bytes)),
          bytes.length,
        ]);
    }
    expect(deaths).toBeGreaterThan(0);
    expect((await addArtifact(folder, model)).digest).toBe(digestOf(bytes));
  }, 120_000);

  it('a file that is not as it was measured is refused, and nothing of it stays', async () => {
    writeFileSync(model, 'the model');
    const store = new FolderArtifactStore(folder);
    const measured = await measureArtifact(model);
    expect(await store.put(model, measured)).toEqual({ url: store.urlOf(measured.digest), isNew: true });
    expect(await store.put(model, measured)).toMatchObject({ isNew: false });
    writeFileSync(model, 'the modem');
    await expect(store.put(model, measured)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    expect(stored()).toEqual([hexOf(measured.digest)]);
    expect(await store.holds(measured)).toBe(true);
    expect(await store.holds({ ...measured, sizeBytes: 8 })).toBe(false);
  });

  it('removes what killed copies left more than an hour ago, and nothing younger', async () => {
    const artifacts = path.join(folder, 'artifacts');
    mkdirSync(artifacts);
    for (const [name, ageMs] of [
      ['.old.tmp', 3_700_000],
      ['.young.tmp', 3_500_000],
      ['old-but-no-copy', 9_000_000],
    ] as const) {
      writeFileSync(path.join(artifacts, name), 'x');
      const at = new Date(Date.now() - ageMs);
      utimesSync(path.join(artifacts, name), at, at);
    }
    writeFileSync(model, 'the model');
    const { digest } = await addArtifact(folder, model);
    expect(stored()).toEqual(['.young.tmp', hexOf(digest), 'old-but-no-copy'].sort());
  });
});
