// Owns the choice of who signs documents: a key, a command that holds one, or the identity of a CI job.
import process from 'node:process';
import type { Command } from 'commander';
import { readBoundedFile } from '../base/bounded-file.ts';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { SystemRandom } from '../base/random.ts';
import { MOST_ROOT_BYTES, parseTrustedRoot, type SigstoreRoot } from '../contract/trust/trusted-root.ts';
import { createKeySigner, type DocumentSigner } from '../signing/document-signer.ts';
import { isEncrypted } from '../signing/encrypted-key.ts';
import {
  type IdentityToken,
  parseIdentityToken,
  requestGithubToken,
  TOKEN_REMEDY,
} from '../signing/keyless/identity-token.ts';
import { createKeylessSigner } from '../signing/keyless/keyless-signer.ts';
import { PUBLIC_SERVICES, readPublicRoot } from '../signing/keyless/public-sigstore.ts';
import { MOST_CONFIG_BYTES, parseSigningConfig } from '../signing/keyless/signing-config.ts';
import { parsePrivateKey, readKeyText } from '../signing/keys.ts';
import { createCommandSigner } from '../signing/signer-command.ts';
import { readPassphrase } from './passphrase.ts';

export interface SignerOptions {
  readonly key?: string;
  readonly passphraseFile?: string;
  readonly signer?: string;
  readonly keyless?: boolean;
  readonly identityTokenFile?: string;
  readonly audience: string;
  readonly signingConfig?: string;
  readonly trustedRoot?: string;
}

export function addSignerOptions(command: Command): Command {
  return command
    .option('--key <file|env://NAME>', 'private key (P-256, PEM; of cosign too) in a file or an environment variable')
    .option('--passphrase-file <file>', 'passphrase of an encrypted key (default: COSIGN_PASSWORD, or asked for)')
    .option('--signer <command>', 'program that holds the key and signs: a KMS, a token, an agent')
    .option('--keyless', 'sign with the identity of this CI job, by Sigstore')
    .option('--identity-token-file <file>', 'identity token (default: SIGSTORE_ID_TOKEN, or the one of GitHub Actions)')
    .option('--audience <name>', 'audience of the identity token', 'sigstore')
    .option('--signing-config <file>', 'services of a private Sigstore (SigningConfig v0.2; default: the public ones)')
    .option('--trusted-root <file>', 'trusted root that the answers must verify with (default: that of --trust)');
}

/** Throws SIGN_METHOD. */
export function assertSignerGiven({ key, signer, keyless }: SignerOptions): void {
  if ([key, signer, keyless].filter((one) => one !== undefined).length === 1) return;
  throw new CodedError({
    code: 'SIGN_METHOD',
    message: 'One of --key, --signer and --keyless says who signs.',
    remedy: 'Pass exactly one of them, for example --key ci.key; `slipway keygen --out ci` makes a key.',
  });
}

/** `policyRoot`: that of the trust policy, where there is one. Throws SIGN_…, KEY_…, TRUST_… and FILE_…. */
export async function chooseSigner(options: SignerOptions, policyRoot: SigstoreRoot | null): Promise<DocumentSigner> {
  assertSignerGiven(options);
  const { key, signer } = options;
  if (key !== undefined) return keySigner(key, options.passphraseFile);
  if (signer !== undefined) {
    const hasTerminal = process.stdin.isTTY && process.stderr.isTTY;
    return createCommandSigner(signer, { clock: new SystemClock(), environment: process.env, hasTerminal });
  }
  return keylessSigner(options, policyRoot);
}

async function keySigner(key: string, passphraseFile: string | undefined): Promise<DocumentSigner> {
  const variable = /^env:\/\/(.*)$/.exec(key)?.[1];
  const source = variable === undefined ? key : `The environment variable ${variable}`;
  const pem = variable === undefined ? await readKeyText(key, { takesPipes: true }) : process.env[variable];
  if (pem === undefined || pem === '') {
    throw new CodedError({
      code: 'KEY_ENVIRONMENT',
      message: `${source} holds no private key: it is not set, or empty.`,
      remedy: 'Give the job the secret under this name; secrets are kept from pull requests of forks.',
    });
  }
  const passphrase = isEncrypted(pem) ? await readPassphrase(passphraseFile, key) : undefined;
  return createKeySigner(parsePrivateKey(pem, source, passphrase));
}

async function keylessSigner(options: SignerOptions, policyRoot: SigstoreRoot | null): Promise<DocumentSigner> {
  const network = { clock: new SystemClock(), random: new SystemRandom(), signal: new AbortController().signal };
  const nowMs = network.clock.now();
  const { signingConfig, trustedRoot, audience } = options;
  const services =
    signingConfig === undefined
      ? PUBLIC_SERVICES
      : parseSigningConfig(await readBoundedFile(signingConfig, MOST_CONFIG_BYTES), signingConfig, nowMs);
  const root = trustedRoot === undefined ? policyRoot : await readRoot(trustedRoot);
  if (root === null && signingConfig !== undefined) {
    throw new CodedError({
      code: 'SIGN_ROOT_MISSING',
      message:
        'What a private Sigstore answers is checked before it is written, and there is no trusted root for that.',
      remedy: 'Pass --trusted-root, or --trust with a policy that names one.',
    });
  }
  const token = await readToken(options, { audience, nowMs }, (job) => requestGithubToken(job, network));
  return createKeylessSigner({ token, services, root: root ?? (await readPublicRoot()), network });
}

async function readRoot(file: string): Promise<SigstoreRoot> {
  return parseTrustedRoot(await readBoundedFile(file, MOST_ROOT_BYTES), file);
}

async function readToken(
  { identityTokenFile }: SignerOptions,
  expected: { readonly audience: string; readonly nowMs: number },
  request: (job: Parameters<typeof requestGithubToken>[0]) => Promise<string>,
): Promise<IdentityToken> {
  const parse = (text: string, source: string) => parseIdentityToken(text, { source, ...expected });
  if (identityTokenFile !== undefined) {
    const bytes = await readBoundedFile(identityTokenFile, MOST_CONFIG_BYTES, false, { takesPipes: true });
    return parse(bytes.toString('latin1'), identityTokenFile);
  }
  const { SIGSTORE_ID_TOKEN, ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = process.env;
  if (SIGSTORE_ID_TOKEN) return parse(SIGSTORE_ID_TOKEN, 'SIGSTORE_ID_TOKEN');
  if (url && bearer) return parse(await request({ url, bearer, audience: expected.audience }), 'GitHub Actions');
  throw new CodedError({
    code: 'SIGN_TOKEN_MISSING',
    message: 'There is no identity token: this is no job of GitHub or GitLab that may ask for one.',
    remedy: TOKEN_REMEDY,
  });
}
