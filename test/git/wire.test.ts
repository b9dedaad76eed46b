// Holds the readers of what strangers send (packs, packet lines, commits, trees, addresses) to their bounds.
import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import type { PushOutcome } from '../../src/git/manifests-repository.ts';
import { parseCommit, readTrailers, renderCommit } from '../../src/git/objects/commit-object.ts';
import { parseTree, renderTree } from '../../src/git/objects/tree-object.ts';
import { DEFAULT_PACK_LIMITS, PackError, scanPack } from '../../src/git/wire/pack-scan.ts';
import {
  FLUSH,
  packet,
  parseAdvertisement,
  parseRefList,
  splitSideBand,
  WireError,
} from '../../src/git/wire/pkt-line.ts';
import { parseRemoteAddress } from '../../src/git/wire/remote-address.ts';
import { pushPack } from '../../src/git/wire/smart-client.ts';
import type { SmartTransport } from '../../src/git/wire/smart-transport.ts';

const OLD = 'a'.repeat(40);
const NEW = 'b'.repeat(40);

interface PackEntry {
  readonly type: number;
  readonly data: Buffer;
  readonly size?: number;
  readonly back?: number;
}

function head(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 128;
    bytes.push(rest & 127);
  }
  return Buffer.from(bytes);
}

function packOf(entries: readonly PackEntry[], count = entries.length): Buffer {
  const start = Buffer.alloc(12);
  start.write('PACK');
  start.writeUInt32BE(2, 4);
  start.writeUInt32BE(count, 8);
  const parts = entries.map(({ type, data, size = data.length, back }) =>
    Buffer.concat([head(type, size), Buffer.from(back === undefined ? [] : [back]), deflateSync(data)]),
  );
  const body = Buffer.concat([start, ...parts]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

describe('a pack', () => {
  const blob = { type: 3, data: Buffer.from('hello') };

  test('that is sound is counted', async () => {
    expect(await scanPack(packOf([blob, blob]), DEFAULT_PACK_LIMITS)).toBe(2);
  });

  test.each<[string, Buffer]>([
    ['with fewer objects than stated', packOf([blob], 2)],
    ['with more objects than stated', packOf([blob, blob], 1)],
    ['with too many objects', packOf([], 5_000_000)],
    ['whose object states a smaller size', packOf([{ ...blob, size: 3 }])],
    ['whose object states a larger size', packOf([{ ...blob, size: 9 }])],
    ['that would unpack to far more than it is', packOf([{ type: 3, data: Buffer.alloc(40 * 2 ** 20) }])],
    ['that hides a bomb behind a small size', packOf([{ type: 3, data: Buffer.alloc(40 * 2 ** 20), size: 10 }])],
    [
      'whose delta yields far more than it is',
      packOf([blob, { type: 6, back: 15, data: Buffer.from([5, 0x80, 0x80, 0x80, 0x80, 0x01]) }]),
    ],
    ['whose delta points before it', packOf([{ type: 6, back: 100, data: Buffer.from([5, 5]) }])],
    ['whose delta points at itself', packOf([{ type: 6, back: 0, data: Buffer.from([5, 5]) }])],
    ['with an unknown type', packOf([{ type: 5, data: Buffer.from('x') }])],
  ])('%s is refused', async (_, pack) => {
    await expect(scanPack(pack, DEFAULT_PACK_LIMITS)).rejects.toThrow(PackError);
  });

  test('whose deltas chain too long is refused', async () => {
    const entries: PackEntry[] = [blob];
    let length = packOf([blob]).length - 32;
    for (let i = 0; i < 6; i++) {
      const delta = { type: 6, back: length, data: Buffer.from([5, 5, 5, 1, 2, 3, 4, 5]) };
      entries.push(delta);
      length = packOf([delta]).length - 32;
    }
    await expect(scanPack(packOf(entries), { ...DEFAULT_PACK_LIMITS, chain: 6 })).resolves.toBe(7);
    await expect(scanPack(packOf(entries), { ...DEFAULT_PACK_LIMITS, chain: 5 })).rejects.toThrow(/chain/);
  });

  test('with any byte changed, or cut anywhere, is refused', async () => {
    const pack = packOf([blob, { type: 2, data: Buffer.from('tree') }]);
    for (let at = 0; at < pack.length; at++) {
      const changed = Buffer.from(pack);
      changed[at] = (changed[at] ?? 0) ^ 64;
      await expect(scanPack(changed, DEFAULT_PACK_LIMITS), `byte ${at}`).rejects.toThrow(PackError);
      await expect(scanPack(pack.subarray(0, at), DEFAULT_PACK_LIMITS), `cut ${at}`).rejects.toThrow(PackError);
    }
  });
});

describe('whatever bytes a host sends', () => {
  const lines = fc
    .array(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((one) => packet(Buffer.from(one).toString('latin1'))),
        fc.constant(FLUSH),
        fc.uint8Array({ maxLength: 9 }).map((one) => Buffer.from(one)),
      ),
      { maxLength: 8 },
    )
    .map((parts) => Buffer.concat(parts));

  test.each([parseAdvertisement, parseRefList, splitSideBand])('%o gives a value or a WireError, in time', (read) => {
    fc.assert(
      fc.property(lines, (bytes) => {
        try {
          read(bytes);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('trees and commits give a value or GIT_OBJECT_CORRUPT', () => {
    const texts = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ maxLength: 200 }).map((text) => Buffer.from(`tree x\nauthor ${text}\n\n`)),
    );
    for (const read of [parseTree, parseCommit]) {
      fc.assert(
        fc.property(texts, (bytes) => {
          try {
            read(OLD, Buffer.from(bytes));
          } catch (error) {
            expect(error instanceof CodedError && error.code).toBe('GIT_OBJECT_CORRUPT');
          }
        }),
        { numRuns: 2_000 },
      );
    }
  });
});

describe('what a host reports on a push', () => {
  const report = (text: string): Buffer => {
    const inner = Buffer.concat([...text.split('\n').map((line) => packet(`${line}\n`)), FLUSH]);
    const band = Buffer.concat([Buffer.from((inner.length + 5).toString(16).padStart(4, '0')), Buffer.of(1), inner]);
    return Buffer.concat([band, FLUSH]);
  };
  const push = (answer: Buffer): Promise<PushOutcome> => {
    const advertisement = Buffer.concat([packet(`${OLD} refs/heads/main\0report-status side-band-64k\n`), FLUSH]);
    const transport: SmartTransport = {
      shown: 'host',
      quoted: (text) => text.replaceAll('SECRET', '*'),
      open: async () => ({ advertisement, exchange: async () => answer, [Symbol.asyncDispose]: async () => {} }),
    };
    const request = { ref: 'refs/heads/main', from: OLD, to: NEW, pack: async () => Buffer.alloc(0) };
    return pushPack(transport, request, new AbortController().signal);
  };

  test.each([
    ['unpack ok\nok refs/heads/main', 'pushed'],
    ['unpack ok', 'unknown'],
    ['unpack ok\nok refs/heads/other', 'unknown'],
    ['ok refs/heads/main', 'unknown'],
    ['unpack ok\nng refs/heads/main failed to update ref', 'refused'],
    ['unpack index-pack abnormal exit\nng refs/heads/main unpacker error', 'refused'],
    ['<html>', 'unknown'],
  ])('%j means %s', async (text, kind) => {
    expect(await push(report(text))).toMatchObject({ kind });
  });

  test('is quoted without the secrets that the host was shown', async () => {
    for (const text of ['unpack SECRET', 'unpack ok\nng refs/heads/main for SECRET'])
      expect(await push(report(text))).toMatchObject({
        kind: 'refused',
        reason: expect.stringMatching(/^(for )?(unpack )?\*$/),
      });
    const fatal = await push(Buffer.from('000eERR SECRET'));
    expect(fatal).toMatchObject({ kind: 'unknown', error: { message: expect.stringContaining('says: *') } });
  });

  test('nothing, garbage or a fatal message is unknown', async () => {
    for (const answer of [Buffer.alloc(0), Buffer.from('zzzz'), FLUSH, Buffer.from('000b\x03oh no')]) {
      expect(await push(answer)).toMatchObject({ kind: 'unknown' });
    }
  });
});

describe('commits', () => {
  const author = { name: 'A <b>\nc', email: 'a@b' };
  const content = { tree: OLD, parent: NEW, message: 'subject\n\nKey: value', atMs: 1_790_000_000_999 };

  test('keep who, when, what, and give back exactly what was signed', () => {
    const signed: string[] = [];
    const sign = (payload: string): string => {
      signed.push(payload);
      return '-----BEGIN SSH SIGNATURE-----\nabc\n\ndef\n-----END SSH SIGNATURE-----\n';
    };
    const facts = parseCommit(NEW, renderCommit(content, author, { ...author, sign }));
    expect(facts).toMatchObject({
      tree: OLD,
      parents: [NEW],
      atMs: 1_790_000_000_000,
      author: { name: 'A  b  c', email: 'a@b' },
    });
    expect(Buffer.from(facts.signature?.payload ?? []).toString()).toBe(signed[0]);
    expect(facts.signature?.armored).toBe(sign(''));
    expect(parseCommit(NEW, renderCommit(content, author, undefined)).signature).toBeNull();
  });

  test('with two signatures, two trees or two committers are refused', () => {
    const raw = renderCommit(content, author, undefined).toString();
    for (const line of ['gpgsig a\ngpgsig b\n', `tree ${NEW}\n`, 'committer x <y> 1 +0000\n']) {
      expect(() => parseCommit(NEW, Buffer.from(raw.replace('\n\n', `\n${line}\n`)))).toThrow(
        /more than one|exactly one/,
      );
    }
  });

  test('have trailers only in a last paragraph made of them', () => {
    expect([...readTrailers('s\n\nbody\n\nA: 1\nB: two\n  lines\nA: 3\n')]).toEqual([
      ['A', ['1', '3']],
      ['B', ['two lines']],
    ]);
    expect(readTrailers('A: 1').size).toBe(0);
    expect(readTrailers('s\n\nA: 1\n\nlater text').size).toBe(0);
    expect(readTrailers('s\n\nA: 1\nnot a trailer').size).toBe(0);
  });
});

test('trees are written in the order of git: folders as if their names ended in a slash', () => {
  const entry = (name: string, mode: '100644' | '40000') => ({ name, mode, oid: OLD });
  const names = parseTree(OLD, renderTree([entry('a', '40000'), entry('a.b', '100644'), entry('a-b', '100644')])).map(
    ({ name }) => name,
  );
  expect(names).toEqual(['a-b', 'a.b', 'a']);
});

describe('an address', () => {
  test.each([
    ['https://h/x/m.git/', { kind: 'http', base: 'https://h/x/m.git', secure: true }],
    ['http://127.0.0.1:3000/m.git', { kind: 'http', loopback: true, secure: false }],
    ['ssh://git@h:2222/x/m.git', { kind: 'ssh', host: 'git@h', port: 2222, path: '/x/m.git' }],
    ['git@h.example.org:x/m.git', { kind: 'ssh', host: 'git@h.example.org', port: null, path: 'x/m.git' }],
    ['file:///srv/m%20n.git', { kind: 'local', path: '/srv/m n.git' }],
    ['../m.git', { kind: 'local', path: '/data/m.git' }],
    ['/srv/m.git', { kind: 'local', path: '/srv/m.git' }],
  ])('%s is understood', (text, wanted) => {
    expect(parseRemoteAddress(text, '/data/here')).toMatchObject(wanted);
  });

  test.each([
    '',
    'ftp://h/m',
    'ssh://-oProxyCommand=x/m',
    'ssh://h/',
    'git@h.example.org:-upload',
    'file://other/m',
    'ext::sh -c x://y',
    'https://',
  ])('%j is refused', (text) => {
    expect(() => parseRemoteAddress(text, '/data')).toThrow(CodedError);
  });
});
