// Owns signing by another program, which holds the key: in a KMS, in a token (PKCS #11), in an agent. docs/how-to/sign-in-ci.md has the protocol.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import process from 'node:process';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { asReason } from '../base/plain-text.ts';
import { decodeStrictBase64, hasSigned } from '../contract/trust/dsse.ts';
import { keyIdOf, parsePublicKey } from '../contract/trust/keys.ts';
import type { DocumentSigner } from './document-signer.ts';
import { bundleText, keyBundle } from './sign-document.ts';

/** Long enough for a person to touch a token. */
const TIMEOUT_MS = 120_000;
const MOST_OUTPUT_BYTES = 65_536;
/** What it printed arrives within this after its end, whoever still holds its output open. */
const GRACE_MS = 1000;
/** Secrets of other ways to sign, and of what else a release does; the rest of the environment is what tools of a KMS get their credentials from. */
const KEPT_BACK = [
  ...['COSIGN_PASSWORD', 'SIGSTORE_ID_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN', 'SLIPWAY_SIGNING_KEY'],
  ...['SLIPWAY_TOKEN', 'SLIPWAY_GIT_TOKEN', 'SLIPWAY_UPLOAD_TOKEN'],
];

export interface SignerCommandOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Somebody may type a PIN, and Ctrl-C ends all: the command stays at the terminal. Else it and all that it starts are a group, ended together. */
  readonly hasTerminal: boolean;
}

function failed(what: string, retry = false): CodedError {
  return new CodedError({
    code: 'SIGN_COMMAND',
    kind: retry ? 'retry-later' : 'fix-input',
    message: `The signer command ${what}.`,
    remedy: 'Run it by hand with a request on its standard input; docs/how-to/sign-in-ci.md describes both.',
  });
}

const WORD = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g;

/** Words of a command line, with quotes around what holds spaces; no shell reads it. */
function wordsOf(commandLine: string): [string, ...string[]] {
  if (commandLine.replaceAll(WORD, '').trim() !== '') throw failed('has a quote without its end');
  const words = commandLine.match(WORD)?.map((word) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, '$1$2')) ?? [];
  const [program, ...args] = words;
  if (program === undefined || program === '') throw failed('is empty');
  return [program, ...args];
}

/** Its `sign` throws SIGN_COMMAND, and TRUST_KEY_… for a public key that is none. */
export function createCommandSigner(commandLine: string, options: SignerCommandOptions): DocumentSigner {
  const words = wordsOf(commandLine);
  return {
    name: `the signer command ${words[0]}`,
    async sign(bytes) {
      const digest = createHash('sha256').update(bytes).digest('base64');
      const request = {
        version: 1,
        algorithm: 'ecdsa-p256-sha256',
        digest,
        bytes: Buffer.from(bytes).toString('base64'),
      };
      const { publicKey: pem, signature: text } = parseAnswer(await run(words, JSON.stringify(request), options));
      const publicKey = parsePublicKey(pem, 'The public key of the signer command');
      const signature = decodeStrictBase64(text);
      if (signature === undefined || !hasSigned(publicKey, bytes, signature))
        throw failed('answers a signature (base64 of DER) that its public key did not make over this file');
      return { bundle: bundleText(keyBundle(bytes, publicKey, signature)), signer: `key ${keyIdOf(publicKey)}` };
    },
  };
}

function parseAnswer(output: string): { readonly publicKey: string; readonly signature: string } {
  try {
    const { publicKey, signature } = JSON.parse(output) as Readonly<Record<string, unknown>>;
    if (typeof publicKey === 'string' && typeof signature === 'string') return { publicKey, signature };
  } catch {
    // said below
  }
  throw failed('prints no JSON with `publicKey` and `signature`');
}

/** What the program prints, in bounds: a program that is late, or prints without end, is ended. */
async function run(
  [program, ...args]: [string, ...string[]],
  input: string,
  { clock, environment, hasTerminal }: SignerCommandOptions,
) {
  const env = Object.fromEntries(Object.entries(environment).filter(([name]) => !KEPT_BACK.includes(name)));
  const child = spawn(program, args, { stdio: 'pipe', env, detached: !hasTerminal });
  const done = new AbortController();
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  let length = 0;
  let problem: CodedError | undefined;
  const end = (): void => {
    try {
      if (hasTerminal || child.pid === undefined) child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch {
      // nobody is left in the group
    }
  };
  /** A child of it may hold them open. */
  const letGo = (): void => {
    for (const stream of child.stdio) stream?.destroy();
  };
  const give = (error: CodedError): void => {
    problem ??= error;
    end();
    letGo();
  };
  const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
    length += chunk.length;
    chunks.push(chunk);
    if (length > MOST_OUTPUT_BYTES) give(failed(`prints more than ${MOST_OUTPUT_BYTES} bytes`));
  };
  child.stdout.on('data', keep(output));
  child.stderr.on('data', keep(complaints));
  child.stdin.on('error', () => undefined); // it need not read to the end
  child.stdin.end(`${input}\n`);
  child.once('exit', () => {
    end();
    void clock.sleep(GRACE_MS, done.signal).then(letGo);
  });
  void clock.sleep(TIMEOUT_MS, done.signal).then(() => {
    if (!done.signal.aborted) give(failed(`gives no answer within ${TIMEOUT_MS / 1000} s`, true));
  });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (problem !== undefined) throw problem;
    if (code === 0) return Buffer.concat(output).toString('utf8');
    const how = code === null ? `is ended by ${signal}` : `ends with ${code}`;
    throw failed(`${how}: ${asReason(Buffer.concat(complaints).toString('utf8')).replace(/\.$/, '')}`);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const { code = 'unknown problem' } = error as NodeJS.ErrnoException;
    throw failed(`can't be run: ${asReason(program)} ${code === 'ENOENT' ? 'is not found' : `gives ${code}`}`);
  } finally {
    done.abort();
  }
}
