// Laws of signer commands: what they answer is checked before it is believed, and none of them holds up the signing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.ts';
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

const optionsOf = (clock: Clock = new SystemClock(), hasTerminal = false) => {
  const secrets = {
    ...{ COSIGN_PASSWORD: 'p', SIGSTORE_ID_TOKEN: 't', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'r', SLIPWAY_SIGNING_KEY: 'k' },
    ...{ SLIPWAY_TOKEN: 's', SLIPWAY_GIT_TOKEN: 'g', SLIPWAY_UPLOAD_TOKEN: 'u' },
  };
  return { clock, hasTerminal, environment: { ...process.env, ...secrets, KMS_TOKEN: 'mine' } };
};
const sign = (command: string, clock?: Clock, hasTerminal?: boolean) =>
  createCommandSigner(command, optionsOf(clock, hasTerminal)).sign(DOCUMENT);

/** The limit of two minutes comes when the test says so. */
class LimitClock extends SystemClock {
  readonly #limit = Promise.withResolvers<void>();

  expire(): void {
    this.#limit.resolve();
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms !== 120_000) return super.sleep(ms, signal);
    await this.#limit.promise;
  }
}

/** A program that starts another, which lives long and holds its output open, and then does this; and how to learn of the other. */
function parent(name: string, body: string) {
  const file = path.join(folder, `${name}.pid`);
  const command = program(
    name,
    `const { spawn } = await import('node:child_process');
     const { writeFileSync, renameSync } = await import('node:fs');
     const { pid } = spawn('sleep', ['300'], { stdio: ['ignore', 'inherit', 'inherit'] });
     writeFileSync(${JSON.stringify(`${file}.tmp`)}, String(pid));
     renameSync(${JSON.stringify(`${file}.tmp`)}, ${JSON.stringify(file)});
     ${body}`,
  );
  const started = async (): Promise<number> => {
    await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(true);
    return Number(readFileSync(file, 'utf8'));
  };
  return { command, started };
}

/** One that its new parent has yet to bury has ended. */
const isAlive = (pid: number): boolean =>
  /^[^Z]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim());

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

  test('that gives no answer is ended at its limit, together with what it started', async () => {
    const clock = new LimitClock();
    const { command, started } = parent('late', 'setInterval(() => undefined, 1000);');
    const refused = expect(sign(command, clock)).rejects.toMatchObject({
      code: 'SIGN_COMMAND',
      kind: 'retry-later',
      message: expect.stringContaining('within 120 s'),
    });
    const child = await started();
    clock.expire();
    await refused;
    await expect.poll(() => isAlive(child), { timeout: 60_000 }).toBe(false);
  });

  test.each([false, true])('that leaves a child with its output is answered at its end (terminal: %s)', async (has) => {
    const { command, started } = parent(
      `leaves-${has}`,
      'process.stdout.write(JSON.stringify({ publicKey, signature: made }), () => process.exit(0));',
    );
    const { signer } = await sign(command, new LimitClock(), has);
    expect(signer).toBe(`key ${keyIdOf(key.publicKey)}`);
    const child = await started();
    if (has) process.kill(child);
    await expect.poll(() => isAlive(child), { timeout: 60_000 }).toBe(false);
  });

  test('that a signal ends is told with the signal', async () => {
    const dies = program('dies', `process.kill(process.pid, 'SIGTERM'); setInterval(() => undefined, 1000);`);
    await expect(sign(dies)).rejects.toThrow(/^The signer command is ended by SIGTERM: no reason/);
  });

  test('gets the environment without the secrets of other ways to sign, and of the rest of a release', async () => {
    const names = `/^(KMS_TOKEN|PATH|COSIGN_|SIGSTORE_|ACTIONS_|SLIPWAY_)/`;
    const body = `console.error(Object.keys(process.env).filter((name) => ${names}.test(name)).sort().join()); process.exit(1)`;
    await expect(sign(program('tells', body))).rejects.toThrow(/ends with 1: KMS_TOKEN,PATH\.$/);
  });

  test('that reads no request, or is none, is told as what it is', async () => {
    await expect(sign(`"${process.execPath}" -e "process.exit(4)"`)).rejects.toThrow(/ends with 4/);
    await expect(sign('/nowhere/kms-sign')).rejects.toThrow(/can't be run: \/nowhere\/kms-sign is not found/);
    expect(() => createCommandSigner(' ', optionsOf())).toThrow(/is empty/);
    expect(() => createCommandSigner('kms "a', optionsOf())).toThrow(/quote without its end/);
  });
});
