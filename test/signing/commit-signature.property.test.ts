// Proves that Git and OpenSSH call our commit signatures good, and that we call theirs good, and no others.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { signSsh } from '../../src/signing/ssh-sign.ts';
import {
  formatAllowedSigner,
  splitSignedCommit,
  verifySignedCommit,
  verifySshSignature,
} from '../../src/signing/ssh-signature.ts';
import { makeForeignKey, makeKey } from '../support/trust.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-ssh-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const reconciler = makeKey();
const signer = createReconcilerSigner(reconciler.key);
const trusted = reconcilerKeysOf([{ key: reconciler.publicKey }]);

function hasProgram(name: string, argument: string): boolean {
  const found = spawnSync(name, [argument]).error === undefined;
  if (!found && process.env.REQUIRE_SERVICES === '1') throw new Error(`${name} is required and was not found`);
  if (!found) console.warn(`SKIPPED: ${name} was not found, so nothing is proven about it`);
  return found;
}
const hasSshKeygen = hasProgram('ssh-keygen', '-?');
const hasGit = hasProgram('git', '--version');

const COMMIT =
  'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\ngrüße\n\nbody\n';

function signedCommit(payload: string): Buffer {
  const signature = signer.signCommit(payload).trimEnd().replaceAll('\n', '\n ');
  return Buffer.from(payload.replace('\n\n', `\ngpgsig ${signature}\n\n`));
}

describe.skipIf(!hasSshKeygen)('ssh-keygen', () => {
  test.each(['P-256', 'ed25519'] as const)('calls our signatures with a %s key good', (kind) => {
    const { key, publicKey } = kind === 'P-256' ? reconciler : makeForeignKey(kind);
    const allowed = path.join(folder, `allowed-${kind}`);
    writeFileSync(allowed, `${formatAllowedSigner('slipway', publicKey)}\n`);
    for (let round = 0; round < 12; round++) {
      const message = `message ${round}\n`;
      const file = path.join(folder, 'message.sig');
      writeFileSync(file, signSsh(message, key));
      const arguments_ = ['-Y', 'verify', '-f', allowed, '-I', 'slipway', '-n', 'git', '-s', file];
      expect(execFileSync('ssh-keygen', arguments_, { input: message }).toString()).toMatch(/^Good "git" signature/);
      expect(spawnSync('ssh-keygen', arguments_, { input: 'another message' }).status).not.toBe(0);
    }
  });

  test.each(['ecdsa', 'ed25519'])('makes signatures with %s keys that we call good', (type) => {
    const file = path.join(folder, `id-${type}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
    for (let round = 0; round < 12; round++) {
      const message = path.join(folder, `by-${type}-${round}`);
      writeFileSync(message, `message ${round}`);
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', 'git', '-f', file, message], { stdio: 'ignore' });
      const signature = readFileSync(`${message}.sig`, 'utf8');
      expect(verifySshSignature(`message ${round}`, signature).kind).toBe('verified');
      expect(verifySshSignature(`message ${round}!`, signature)).toEqual({
        kind: 'refused',
        reason: 'the signature does not match',
      });
      expect(verifySshSignature(`message ${round}`, signature, 'file')).toMatchObject({
        reason: 'it was not made for "file"',
      });
    }
  });
});

describe.skipIf(!hasGit || !hasSshKeygen)('git', () => {
  test('says good of a commit that the reconciler signed', () => {
    const repository = path.join(folder, 'repository');
    const allowed = path.join(folder, 'allowed');
    writeFileSync(allowed, `${signer.allowedSignersLine}\n`);
    execFileSync('git', ['init', '-q', repository]);
    const git = (...arguments_: string[]) =>
      spawnSync('git', ['-C', repository, '-c', `gpg.ssh.allowedSignersFile=${allowed}`, ...arguments_]);
    const tree = execFileSync('git', ['-C', repository, 'mktree'], { input: '' }).toString().trim();
    const raw = signedCommit(COMMIT.replace(/^tree \w+/, `tree ${tree}`));
    const id = execFileSync('git', ['-C', repository, 'hash-object', '-t', 'commit', '-w', '--stdin'], { input: raw })
      .toString()
      .trim();
    const seen = git('verify-commit', id);
    expect(seen.stderr.toString()).toMatch(/^Good "git" signature for slipway/);
    expect(seen.status).toBe(0);
    expect(git('log', '--show-signature', '-1', id).stdout.toString()).toContain('Good "git" signature');
    expect(git('fsck', '--strict').status).toBe(0);
  });
});

describe('a signed commit', () => {
  test('splits into the very bytes that were signed and the signature', () => {
    const { payload, signature } = splitSignedCommit(signedCommit(COMMIT));
    expect(payload.toString()).toBe(COMMIT);
    expect(signature?.startsWith('-----BEGIN SSH SIGNATURE-----\n')).toBe(true);
    expect(splitSignedCommit(Buffer.from(COMMIT))).toEqual({ payload: Buffer.from(COMMIT), signature: null });
  });

  test('is verified when a trusted key signed it', () => {
    expect(verifySignedCommit(signedCommit(COMMIT), trusted)).toMatchObject({ kind: 'verified', keyId: signer.keyId });
  });

  test('is refused when unsigned, signed by a stranger, signed twice, or changed', () => {
    expect(verifySignedCommit(Buffer.from(COMMIT), trusted)).toEqual({
      kind: 'refused',
      reason: 'the commit is not signed',
    });
    expect(verifySignedCommit(signedCommit(COMMIT), new Map())).toMatchObject({
      reason: expect.stringContaining('not trusted'),
    });
    const twice = signedCommit(signedCommit(COMMIT).toString());
    expect(verifySignedCommit(twice, trusted)).toMatchObject({ reason: expect.stringContaining('more than one') });
    const raw = signedCommit(COMMIT);
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(raw);
        changed[at]! ^= flip;
        const check = verifySignedCommit(changed, trusted);
        // A changed line break inside the armor is no change of what was signed.
        const same = splitSignedCommitSafely(changed) === COMMIT;
        expect(check.kind === 'refused' || same).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

function splitSignedCommitSafely(raw: Buffer): string | undefined {
  try {
    return splitSignedCommit(raw).payload.toString();
  } catch {
    return undefined;
  }
}

describe('an SSH signature', () => {
  test('of random bytes is refused and nothing is thrown', () => {
    const armor = (bytes: Uint8Array) =>
      `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(bytes).toString('base64')}\n-----END SSH SIGNATURE-----\n`;
    const good = Buffer.from(signer.signCommit('m').split('\n').slice(1, -2).join(''), 'base64');
    expect(verifySshSignature('m', armor(good)).kind).toBe('verified');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => verifySshSignature('m', armor(bytes)).kind === 'refused',
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => verifySshSignature('m', text).kind === 'refused'));
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        (length) => verifySshSignature('m', armor(good.subarray(0, length))).kind === 'refused',
      ),
    );
    expect(verifySshSignature('m', armor(Buffer.concat([good, Buffer.of(0)])))).toMatchObject({ kind: 'refused' });
  });
});
