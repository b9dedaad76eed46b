// Proves that private keys are made, kept and read with care.
import { spawnSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { keyIdOf } from '../../src/contract/trust/keys.ts';
import { generateKeyPair, parsePrivateKey, readPrivateKey, writeKeyPair } from '../../src/signing/keys.ts';
import { makeForeignKey, makeKey } from '../support/trust.ts';

const root = mkdtempSync(path.join(tmpdir(), 'slipway-keys-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let files: { privateFile: string; publicFile: string };
beforeEach(() => {
  const folder = mkdtempSync(path.join(root, 'x'));
  files = { privateFile: path.join(folder, 'ci.key'), publicFile: path.join(folder, 'ci.pub') };
});

describe('a key pair on disk', () => {
  test('is read back as it was made, and only its owner can read the private half', async () => {
    const pair = generateKeyPair();
    await writeKeyPair(pair, files);
    expect((await readPrivateKey(files.privateFile)).export({ type: 'pkcs8', format: 'pem' })).toBe(pair.privatePem);
    expect(readFileSync(files.publicFile, 'utf8')).toBe(pair.publicPem);
    if (process.platform !== 'win32') expect(statSync(files.privateFile).mode & 0o777).toBe(0o600);
  });

  test.each(['privateFile', 'publicFile'] as const)(
    'is not overwritten, not even in half, when the %s exists',
    async (existing) => {
      writeFileSync(files[existing], 'precious');
      await expect(writeKeyPair(generateKeyPair(), files)).rejects.toMatchObject({ code: 'KEY_FILE_EXISTS' });
      expect(readFileSync(files[existing], 'utf8')).toBe('precious');
      const other = existing === 'privateFile' ? files.publicFile : files.privateFile;
      expect(() => statSync(other)).toThrow(/ENOENT/);
    },
  );

  test('is replaced when that is asked for, again readable by its owner alone', async () => {
    writeFileSync(files.privateFile, 'old', { mode: 0o644 });
    await writeKeyPair(generateKeyPair(), files, { force: true });
    await expect(readPrivateKey(files.privateFile)).resolves.toBeDefined();
    if (process.platform !== 'win32') expect(statSync(files.privateFile).mode & 0o777).toBe(0o600);
  });

  test('can not be written where there is no folder, and says so', async () => {
    const nowhere = { ...files, privateFile: path.join(root, 'absent', 'ci.key') };
    await expect(writeKeyPair(generateKeyPair(), nowhere)).rejects.toMatchObject({ code: 'KEY_FILE_UNWRITABLE' });
  });
});

describe('a private key', () => {
  test('in the older form of OpenSSL is read too', (context) => {
    const { key, publicKey } = makeKey();
    const sec1 = key.export({ type: 'sec1', format: 'pem' }).toString();
    expect(parsePrivateKey(sec1, 'key').asymmetricKeyType).toBe('ec');
    const made = spawnSync('openssl', ['ec', '-pubout'], { input: sec1 });
    if (made.error !== undefined) return context.skip('openssl was not found');
    expect(keyIdOf(publicKey)).toHaveLength(44);
    expect(made.stdout.toString()).toBe(publicKey.export({ type: 'spki', format: 'pem' }));
  });

  test.each(['ed25519', 'P-384', 'rsa'] as const)('of kind %s is refused with a remedy', (kind) => {
    expect(() => parsePrivateKey(makeForeignKey(kind).privatePem, 'ci.key')).toThrow(
      expect.objectContaining({ code: 'TRUST_KEY_KIND', remedy: expect.stringContaining('P-256') }),
    );
  });

  const { key } = makeKey();
  const ofOpenssl = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
  // The files of cosign were made with PyNaCl, by the format of cosign 1 and of cosign 2.
  const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8');

  test('with a passphrase, of OpenSSL or of cosign, is refused without it, with a remedy in whole sentences', () => {
    for (const pem of [ofOpenssl, fixture('cosign.key'), fixture('cosign-2021.key')]) {
      expect(() => parsePrivateKey(pem, 'ci.key')).toThrow(
        expect.objectContaining({ code: 'KEY_ENCRYPTED', remedy: expect.stringMatching(/^[A-Z`].*\.$/) }),
      );
    }
  });

  test('with a passphrase is read with it, and with no other', () => {
    const publicPem = (pem: string, passphrase: string) =>
      createPublicKey(parsePrivateKey(pem, 'ci.key', passphrase)).export({ type: 'spki', format: 'pem' });
    expect(publicPem(ofOpenssl, 'x')).toBe(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
    expect(publicPem(fixture('cosign.key'), 'correct horse')).toBe(fixture('cosign.pub'));
    expect(publicPem(fixture('cosign-2021.key'), '')).toBe(fixture('cosign.pub'));
    for (const pem of [ofOpenssl, fixture('cosign.key'), fixture('cosign-2021.key')])
      expect(() => publicPem(pem, 'wrong')).toThrow(expect.objectContaining({ code: 'KEY_PASSPHRASE' }));
  });

  test('of cosign that asks for more memory or time than cosign does is refused before a byte of it is derived', () => {
    const body = fixture('cosign.key').replaceAll(/-----.*-----|\n/g, '');
    const box = JSON.parse(Buffer.from(body, 'base64').toString());
    const bent = (params: object) => {
      const json = JSON.stringify({ ...box, kdf: { ...box.kdf, params: { ...box.kdf.params, ...params } } });
      const text = Buffer.from(json).toString('base64');
      return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${text}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
    };
    expect(parsePrivateKey(bent({}), 'ci.key', 'correct horse')).toBeDefined();
    for (const params of [{ N: 2 ** 30 }, { r: 2 ** 20 }, { p: 1000 }, { N: 1.5 }, { N: -2 }, { N: '65536' }]) {
      expect(() => parsePrivateKey(bent(params), 'ci.key', 'correct horse')).toThrow(
        expect.objectContaining({ code: 'KEY_UNREADABLE' }),
      );
    }
  });

  test('that is none is refused without a word of what was given', () => {
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ';
    for (const text of [
      secret,
      `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
      makeKey().publicPem,
    ]) {
      try {
        parsePrivateKey(text, 'SLIPWAY_KEY');
        expect.unreachable();
      } catch (error) {
        expect(error).toMatchObject({
          code: 'KEY_UNREADABLE',
          message: expect.stringContaining('SLIPWAY_KEY'),
        });
        expect((error as Error).cause).toBeUndefined();
        expect(JSON.stringify(error)).not.toContain(secret);
      }
    }
  });

  test('that is absent is reported with its file', async () => {
    await expect(readPrivateKey(files.privateFile)).rejects.toMatchObject({
      code: 'KEY_FILE_UNREADABLE',
      message: expect.stringContaining('ci.key'),
    });
  });
});
