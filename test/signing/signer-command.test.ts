// Laws of signer commands: what they answer is checked before it is believed, and none of them holds up the signing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { keyIdOf } from '../../src/contract/trust/keys.ts';
import { createCommandSigner } from '../../src/signing/signer-command.ts';
import { makeForeignKey, makeKey, verifierFor } from '../support/trust.ts';

const DOCUMENT = Buffer.from('kind: ModelManifest\n');
const key = makeKey();
const folder = mkdtempSync(path.join(tmpdir(), 'slipway signer '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program that runs this body with the request in `request`, and its command line. */
function program(name: string, body: string): string {
  const file = path.join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
const request = JSON.parse(readFileSync(0, 'utf8'));
const publicKey = ${JSON.stringify(key.publicPem)};
const made = sign('sha256', Buffer.from(request.bytes, 'base64'), ${JSON.stringify(key.privatePem)}).toString('base64');
${body}
`,
  );
  return `"${process.execPath}" '${file}' one`;
}

const sign = (command: string, clock = new SystemClock()) => createCommandSigner(command, clock).sign(DOCUMENT);

describe('a signer command', () => {
  test('gets the document and its digest, and what it signs is verified as any signature of its key', async () => {
    const command = program(
      'good',
      `if (request.version !== 1 || request.algorithm !== 'ecdsa-p256-sha256' || process.argv[2] !== 'one') process.exit(9);
       if (Buffer.from(request.digest, 'base64').length !== 32) process.exit(8);
       console.log(JSON.stringify({ publicKey, signature: made }));`,
    );
    const { bundle, signer } = await sign(command);
    expect(signer).toBe(`key ${keyIdOf(key.publicKey)}`);
    const verifier = verifierFor([{ name: 'kms', publicKey: key.publicPem }]);
    const question = { model: 'm', now: 0, purpose: 'admit' as const };
    expect(verifier.verifyModel(DOCUMENT, bundle, question)).toMatchObject({ kind: 'verified' });
  });

  test.each([
    [
      'other bytes',
      `console.log(JSON.stringify({ publicKey, signature: sign('sha256', Buffer.from('x'), ${JSON.stringify(key.privatePem)}).toString('base64') }))`,
      'SIGN_COMMAND',
      /did not make/,
    ],
    ['no base64', `console.log(JSON.stringify({ publicKey, signature: made + '!' }))`, 'SIGN_COMMAND', /did not make/],
    [
      'another key',
      `console.log(JSON.stringify({ publicKey: ${JSON.stringify(makeKey().publicPem)}, signature: made }))`,
      'SIGN_COMMAND',
      /did not make/,
    ],
    [
      'a key of another kind',
      `console.log(JSON.stringify({ publicKey: ${JSON.stringify(makeForeignKey('P-384').publicPem)}, signature: made }))`,
      'TRUST_KEY_KIND',
      /P-384/,
    ],
    [
      'a private key',
      `console.log(JSON.stringify({ publicKey: ${JSON.stringify(key.privatePem)}, signature: made }))`,
      'TRUST_KEY_UNREADABLE',
      /private key/,
    ],
    ['nothing', '', 'SIGN_COMMAND', /prints no JSON/],
    ['null', `console.log('null')`, 'SIGN_COMMAND', /prints no JSON/],
    [
      'an error',
      `console.error('no\\u001b[2J token\\n::error::x'); process.exit(3)`,
      'SIGN_COMMAND',
      /^The signer command ends with 3: no [^\p{C}]*token ::error::x\.$/u,
    ],
    ['words without end', `for (;;) process.stdout.write('x'.repeat(65536))`, 'SIGN_COMMAND', /more than 65536 bytes/],
  ])('that answers with %s is refused', async (name, body, code, message) => {
    await expect(sign(program(name.replaceAll(' ', '-'), body))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      remedy: expect.any(String),
    });
  });

  test('that gives no answer is ended at its limit, together with what it prints', async () => {
    class Late extends SystemClock {
      override sleep(ms: number, signal?: AbortSignal): Promise<void> {
        return super.sleep(ms === 120_000 ? 200 : ms, signal);
      }
    }
    await expect(sign(program('late', 'setInterval(() => undefined, 1000)'), new Late())).rejects.toMatchObject({
      code: 'SIGN_COMMAND',
      kind: 'retry-later',
      message: expect.stringContaining('within 120 s'),
    });
  });

  test('that reads no request, or is none, is told as what it is', async () => {
    await expect(sign(`"${process.execPath}" -e "process.exit(4)"`)).rejects.toThrow(/ends with 4/);
    await expect(sign('/nowhere/kms-sign')).rejects.toThrow(/can't be run \(ENOENT\)/);
    expect(() => createCommandSigner(' ', new SystemClock())).toThrow(/is empty/);
    expect(() => createCommandSigner('kms "a', new SystemClock())).toThrow(/quote without its end/);
  });
});
