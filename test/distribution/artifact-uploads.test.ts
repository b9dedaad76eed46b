// What uploads into the publication folder promise: whole artifacts under their digests only, and what has come is not sent again.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { spaceOf } from '../../src/distribution/artifact-room.ts';
import { ArtifactUploads, type UploadLimits, type UploadOutcome } from '../../src/distribution/artifact-uploads.ts';

const MODULE = new URL('../../src/distribution/artifact-uploads.ts', import.meta.url).href;
const PLENTY = { quotaBytes: 1e12, readDisk: async () => ({ freeBytes: 1e12, reservedBytes: 1e9 }) };
const BYTES = Buffer.from(Array.from({ length: 3_000 }, (_, i) => i % 251));
const DIGEST = digestOf(BYTES);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-uploads-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function uploadsWith(limits: Partial<UploadLimits> = {}): ArtifactUploads {
  return new ArtifactUploads(folder, { ...PLENTY, ...limits });
}

const at = (name: string): string => path.join(folder, 'artifacts', name);
const names = (): string[] => (existsSync(at('')) ? readdirSync(at('')).sort() : []);

interface Sending {
  readonly from?: number;
  /** Where the body is said to end. */
  readonly to?: number;
  /** Where the sender is gone. */
  readonly cutAt?: number;
  readonly bytes?: Buffer;
  readonly beforeEnd?: () => Promise<void>;
}

/** Sends in pieces of 700 bytes. */
function send(
  uploads: ArtifactUploads,
  { from = 0, bytes = BYTES, to = bytes.length, cutAt = to, beforeEnd }: Sending = {},
): Promise<UploadOutcome> {
  async function* body(): AsyncIterable<Buffer> {
    for (let start = from; start < cutAt; start += 700) yield bytes.subarray(start, Math.min(cutAt, start + 700));
    await beforeEnd?.();
  }
  return uploads.receive({
    ...{ digest: DIGEST, startByte: from, lengthBytes: to - from, totalBytes: bytes.length },
    openBody: body,
  });
}

function refuseToRead(): never {
  throw new Error('the body was read');
}

describe('an upload', () => {
  it('is stored under its digest, and not read again once it is there', async () => {
    const uploads = uploadsWith();
    expect(await send(uploads)).toEqual({ kind: 'stored', isNew: true, sizeBytes: 3_000 });
    expect(names()).toEqual([hexOf(DIGEST)]);
    expect(readFileSync(at(hexOf(DIGEST)))).toEqual(BYTES);
    expect(lstatSync(at(hexOf(DIGEST))).mode & 0o777).toBe(0o644);
    const again = { digest: DIGEST, startByte: 0, lengthBytes: 3_000, totalBytes: 3_000, openBody: refuseToRead };
    expect(await uploads.receive(again)).toEqual({ kind: 'stored', isNew: false, sizeBytes: 3_000 });
    expect(await uploadsWith().receive(again)).toEqual({ kind: 'stored', isNew: false, sizeBytes: 3_000 });
  });

  it('of which all bytes came before its process was killed is completed by an upload of none', async () => {
    mkdirSync(at(''));
    writeFileSync(at(`.${hexOf(DIGEST)}.upload`), BYTES);
    expect(await send(uploadsWith(), { from: 3_000 })).toMatchObject({ kind: 'stored', isNew: true });
    expect(names()).toEqual([hexOf(DIGEST)]);
  });

  it('needs no more memory when it is large', async () => {
    const sizeBytes = 400 * 1024 * 1024;
    const hash = createHash('sha256');
    for (let i = 0; i < 400; i++) hash.update(Buffer.alloc(1024 * 1024));
    const ran = execFileSync(process.execPath, [
      ...['--max-old-space-size=64', '--input-type=module', '-e'],
      `const { ArtifactUploads } = await import(${JSON.stringify(MODULE)});
      const outcome = await new ArtifactUploads(${JSON.stringify(folder)}, { quotaBytes: 1e12 }).receive({
        digest: 'sha256:${hash.digest('hex')}', startByte: 0, lengthBytes: ${sizeBytes}, totalBytes: ${sizeBytes},
        openBody: async function* () { for (let i = 0; i < 6400; i++) yield Buffer.alloc(65536); },
      });
      process.stdout.write(JSON.stringify({ ...outcome, rss: process.resourceUsage().maxRSS * 1024 }));`,
    ]);
    const { rss, ...outcome } = JSON.parse(ran.toString());
    expect(outcome).toEqual({ kind: 'stored', isNew: true, sizeBytes });
    expect(rss).toBeLessThan(160 * 1024 * 1024);
  }, 120_000);

  it('is not visible before it is whole', async () => {
    const uploads = uploadsWith();
    await send(uploads, {
      beforeEnd: async () => {
        expect(names()).toEqual([expect.stringMatching(/^\..*\.upload$/)]);
        expect(await uploads.find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: 3_000 });
      },
    });
    expect(await uploads.find(DIGEST)).toEqual({ kind: 'whole', sizeBytes: 3_000 });
  });

  it('replaces a file that was damaged in its place', async () => {
    const uploads = uploadsWith();
    await send(uploads);
    writeFileSync(at(hexOf(DIGEST)), 'rotten');
    expect(await uploads.find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: 0 });
    expect(await send(uploads)).toMatchObject({ kind: 'stored', isNew: true });
    expect(readFileSync(at(hexOf(DIGEST)))).toEqual(BYTES);
  });

  it('cut anywhere, goes on where it ended, also in another process', async () => {
    for (const cutAt of [1, 1_000, 2_000, 2_999]) {
      rmSync(at(''), { recursive: true, force: true });
      expect(await send(uploadsWith(), { cutAt })).toEqual({ kind: 'cut', receivedBytes: cutAt });
      const uploads = uploadsWith();
      expect(await uploads.find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: cutAt });
      expect(await send(uploads, { from: cutAt })).toEqual({ kind: 'stored', isNew: true, sizeBytes: 3_000 });
      expect(names()).toEqual([hexOf(DIGEST)]);
    }
  });

  it('is told with all that has come also in the moment in which it is taken up or left', async () => {
    const uploads = uploadsWith();
    await send(uploads, { cutAt: 2_000 });
    const told = new Set<number>();
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const state = await uploads.find(DIGEST);
        told.add(state.kind === 'partial' ? state.receivedBytes : state.sizeBytes);
      }
    })();
    for (let i = 0; i < 100; i++) await send(uploads, { from: 2_000, cutAt: 2_000 });
    isOver = true;
    await asking;
    expect([...told]).toEqual([2_000]);
  });

  it('comes in parts, and a part that begins elsewhere changes nothing', async () => {
    const uploads = uploadsWith();
    expect(await send(uploads, { to: 1_000 })).toEqual({ kind: 'partial', receivedBytes: 1_000 });
    expect(await send(uploads, { from: 1_001, to: 2_000 })).toEqual({ kind: 'offset', receivedBytes: 1_000 });
    expect(await send(uploads, { from: 999, to: 2_000 })).toEqual({ kind: 'offset', receivedBytes: 1_000 });
    expect(await send(uploads, { from: 1_000, to: 2_000 })).toEqual({ kind: 'partial', receivedBytes: 2_000 });
    expect(await send(uploads, { from: 2_000 })).toMatchObject({ kind: 'stored' });
  });

  it('that goes on after its stated end is taken up to there', async () => {
    expect(await send(uploadsWith(), { to: 1_000, cutAt: 3_000 })).toEqual({ kind: 'partial', receivedBytes: 1_000 });
  });

  it('that is sent whole again begins anew', async () => {
    const uploads = uploadsWith();
    await send(uploads, { cutAt: 1_500 });
    expect(await send(uploads)).toMatchObject({ kind: 'stored', isNew: true });
    expect(names()).toEqual([hexOf(DIGEST)]);
  });

  it('with other bytes than its digest says leaves nothing', async () => {
    const wrong = Buffer.from(BYTES.toReversed());
    const uploads = uploadsWith();
    expect(await send(uploads, { bytes: wrong })).toEqual({ kind: 'digest', actual: digestOf(wrong) });
    expect(names()).toEqual([]);
    await send(uploads, { bytes: wrong, cutAt: 1_000 });
    expect(await send(uploads, { from: 1_000 })).toMatchObject({ kind: 'digest' });
    expect(names()).toEqual([]);
  });

  it('runs alone: a second one of the artifact is sent away, by this process and by another', async () => {
    const [one, other] = [uploadsWith(), uploadsWith()];
    const seen: UploadOutcome[] = [];
    await send(one, {
      beforeEnd: async () => {
        seen.push(await send(one), await send(other), await send(other, { from: 700 }));
      },
    });
    expect(seen).toEqual([{ kind: 'busy' }, { kind: 'busy' }, { kind: 'busy' }]);
    expect(readFileSync(at(hexOf(DIGEST)))).toEqual(BYTES);
  });

  it('is sent away while eight others run', async () => {
    const uploads = uploadsWith();
    const others = Array.from({ length: 8 }, (_, i) => Buffer.from(`model ${i}`));
    const go = Promise.withResolvers<void>();
    const running = others.map((bytes) =>
      uploads.receive({
        ...{ digest: digestOf(bytes), startByte: 0, lengthBytes: bytes.length, totalBytes: bytes.length },
        openBody: async function* () {
          await go.promise;
          yield bytes;
        },
      }),
    );
    expect(await send(uploads)).toEqual({ kind: 'too-many' });
    go.resolve();
    expect(new Set((await Promise.all(running)).map(({ kind }) => kind))).toEqual(new Set(['stored']));
    expect(await send(uploads)).toMatchObject({ kind: 'stored' });
  });

  it('that seems dead and wakes can neither tear the one that went on, nor undo it', async () => {
    const wakes = Promise.withResolvers<void>();
    const isAsleep = Promise.withResolvers<void>();
    const slept = uploadsWith().receive({
      ...{ digest: DIGEST, startByte: 0, lengthBytes: 3_000, totalBytes: 3_000 },
      openBody: async function* () {
        yield BYTES.subarray(0, 1_400);
        isAsleep.resolve();
        await wakes.promise;
        yield Buffer.alloc(1_600, 'wrong');
      },
    });
    await isAsleep.promise;
    const eager = uploadsWith({ abandonedAfterMs: 0 });
    const outcome = await send(eager, {
      from: 1_400,
      beforeEnd: async () => {
        wakes.resolve();
        expect(await slept).toMatchObject({ kind: 'digest' });
      },
    });
    expect(outcome).toEqual({ kind: 'stored', isNew: true, sizeBytes: 3_000 });
    expect(readFileSync(at(hexOf(DIGEST)))).toEqual(BYTES);
    expect(names()).toEqual([hexOf(DIGEST)]);
  });

  it('ends whole or not at all, whatever is sent from wherever by two processes', async () => {
    const step = fc.record({
      who: fc.boolean(),
      from: fc.integer({ min: 0, max: 2_999 }),
      follows: fc.boolean(),
      length: fc.integer({ min: 1, max: 3_000 }),
      cut: fc.option(fc.integer({ min: 0, max: 3_000 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        rmSync(at(''), { recursive: true, force: true });
        const both = [uploadsWith(), uploadsWith()] as const;
        for (const { who, from, follows, length, cut } of steps) {
          const uploads = both[who ? 0 : 1];
          const state = await uploads.find(DIGEST);
          const start = follows && state.kind === 'partial' ? Math.min(2_999, state.receivedBytes) : from;
          const to = Math.min(3_000, start + length);
          await send(uploads, { from: start, to, cutAt: Math.min(to, start + (cut ?? 3_000)) });
          if (names().includes(hexOf(DIGEST))) expect(readFileSync(at(hexOf(DIGEST)))).toEqual(BYTES);
          expect(names().length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('room', () => {
  it('is kept within the quota, what runs and what was cut counted', async () => {
    const uploads = uploadsWith({ quotaBytes: 4_000 });
    const other = Buffer.alloc(1_500, 'other');
    const sendOther = () =>
      uploads.receive({
        ...{ digest: digestOf(other), startByte: 0, lengthBytes: 1_500, totalBytes: 1_500 },
        openBody: async function* () {
          yield other;
        },
      });
    const quota = { kind: 'quota', quotaBytes: 4_000 };
    const seen: UploadOutcome[] = [];
    await send(uploads, {
      cutAt: 700,
      beforeEnd: async () => {
        seen.push(await sendOther());
      },
    });
    expect(seen).toMatchObject([quota]);
    expect(await sendOther()).toMatchObject({ kind: 'stored' });
    expect(await send(uploads, { from: 700 })).toMatchObject({ ...quota, usedBytes: 2_200 });
    expect(await uploads.find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: 700 });
  });

  it('takes a disk that is short of inodes for full, and one that has no number of them for what its bytes say', () => {
    const disk = { bavail: 600, blocks: 1_000, bsize: 4_096, files: 10_000, ffree: 500 };
    expect(spaceOf(disk).freeBytes).toBe(600 * 4_096);
    expect(spaceOf({ ...disk, ffree: 499 }).freeBytes).toBe(0);
    expect(spaceOf({ ...disk, files: 0, ffree: 0 }).freeBytes).toBe(600 * 4_096);
  });

  it('is left on the disk for the store, before an upload and while it runs', async () => {
    let freeBytes = 1_000;
    const uploads = uploadsWith({ readDisk: async () => ({ freeBytes, reservedBytes: 500 }) });
    expect(await send(uploads)).toEqual({ kind: 'disk', freeBytes: 1_000, reservedBytes: 500 });
    expect(names()).toEqual([]);
    freeBytes = 1e12;
    const large = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const outcome = await uploads.receive({
      ...{ digest: DIGEST, startByte: 0, lengthBytes: 1e9, totalBytes: 1e9 },
      openBody: async function* () {
        for (; sent < 1_000; sent++) {
          freeBytes = 400;
          yield large;
        }
      },
    });
    expect(outcome).toEqual({ kind: 'disk', freeBytes: 400, reservedBytes: 500 });
    expect(sent).toBeLessThan(100);
    expect(names()).toEqual([]);
  });

  it('that is gone in the middle of a real disk leaves nothing, and the rest in peace', async ({ skip }) => {
    const disk = mkdtempSync(path.join(tmpdir(), 'slipway-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      rmSync(disk, { recursive: true });
      return skip('a disk of 2 MiB can only be mounted by root');
    }
    try {
      const uploads = new ArtifactUploads(disk, PLENTY);
      const bytes = Buffer.alloc(5_000_000, 'x');
      const outcome = await uploads.receive({
        ...{ digest: digestOf(bytes), startByte: 0, lengthBytes: bytes.length, totalBytes: bytes.length },
        openBody: async function* () {
          for (let i = 0; i < bytes.length; i += 65_536) yield bytes.subarray(i, i + 65_536);
        },
      });
      expect(outcome).toMatchObject({ kind: 'disk' });
      expect(readdirSync(path.join(disk, 'artifacts'))).toEqual([]);
      writeFileSync(path.join(disk, 'store'), Buffer.alloc(1_000_000));
    } finally {
      execFileSync('umount', [disk]);
      rmSync(disk, { recursive: true });
    }
  });
});

describe('what lies in the way', () => {
  const elsewhere = () => path.join(folder, 'elsewhere');
  const obstacles: readonly [string, (place: string) => void][] = [
    ['a link', (place) => symlinkSync(elsewhere(), place)],
    ['a pipe', (place) => execFileSync('mkfifo', [place])],
  ];
  for (const [what, put] of obstacles) {
    it(`${what} in the place of an artifact or of what has come is replaced, and nothing is written through it`, async () => {
      mkdirSync(at(''));
      writeFileSync(elsewhere(), 'untouched');
      put(at(hexOf(DIGEST)));
      put(at(`.${hexOf(DIGEST)}.upload`));
      const uploads = uploadsWith();
      expect(await uploads.find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: 0 });
      expect(await send(uploads, { from: 1_000 })).toEqual({ kind: 'offset', receivedBytes: 0 });
      expect(await send(uploads)).toMatchObject({ kind: 'stored', isNew: true });
      expect(lstatSync(at(hexOf(DIGEST))).isFile()).toBe(true);
      expect(names()).toEqual([hexOf(DIGEST)]);
      expect(readFileSync(elsewhere(), 'utf8')).toBe('untouched');
    });
  }

  it('a folder in the place of an artifact is an error with a remedy, and nothing is left beside it', async () => {
    mkdirSync(at(`${hexOf(DIGEST)}/within`), { recursive: true });
    await expect(send(uploadsWith())).rejects.toMatchObject({ code: 'DISTRIBUTION_UNWRITABLE' });
    expect(names()).toEqual([hexOf(DIGEST)]);
  });
});

describe('what is left behind', () => {
  it('by a killed process is continued once it seems dead, and never stands under a digest', async () => {
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { ArtifactUploads } = await import(${JSON.stringify(MODULE)});
        await new ArtifactUploads(${JSON.stringify(folder)}, { quotaBytes: 1e12 }).receive({
          digest: '${DIGEST}', startByte: 0, lengthBytes: 3000, totalBytes: 3000,
          openBody: async function* () {
            yield Buffer.from(Array.from({ length: 2000 }, (_, i) => i % 251));
            process.stdout.write('half');
            await new Promise((resolve) => setTimeout(resolve, 60_000));
          },
        });`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    expect(await uploadsWith().find(DIGEST)).toEqual({ kind: 'partial', receivedBytes: 2_000 });
    expect(await send(uploadsWith(), { from: 2_000 })).toEqual({ kind: 'busy' });
    const later = uploadsWith({ abandonedAfterMs: 0 });
    expect(await send(later, { from: 2_000 })).toMatchObject({ kind: 'stored', isNew: true });
    expect(names()).toEqual([hexOf(DIGEST)]);
  }, 30_000);

  it('is removed after a day, and kept before', async () => {
    const uploads = uploadsWith();
    expect(await uploads.removeOld()).toBe(0);
    await send(uploads, { cutAt: 1_000 });
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const file = at(`.${hexOf(DIGEST)}.upload`);
    utimesSync(file, ago(23), ago(23));
    expect(await uploads.removeOld()).toBe(0);
    utimesSync(file, ago(25), ago(25));
    expect(await uploads.removeOld()).toBe(1);
    expect(names()).toEqual([]);
  });
});
