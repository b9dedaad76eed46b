// Owns `slipway sign` and `slipway verify`: making and checking signatures of manifests and policies.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { SystemClock } from '../../base/clock.ts';
import { writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { digestOf } from '../../contract/digest.ts';
import { DocumentVerifier } from '../../contract/trust/verifier.ts';
import { spliceSequence } from '../../documents/edit-manifest.ts';
import { parseDocument } from '../../documents/parse-document.ts';
import { readPrivateKey } from '../../signing/keys.ts';
import { BUNDLE_SUFFIX } from '../../snapshot/folder-cache.ts';
import { homeAt } from '../home.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { printResult } from '../output.ts';
import { homeOption, trustOption } from '../settings.ts';
import { bundleText } from '../signed-files.ts';

interface SignOptions {
  readonly key: string;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly trust?: string;
  readonly home: string;
  readonly json?: boolean;
}

/** Longer files are no documents of Slipway's. */
const MOST_BYTES = 1024 * 1024;

/** Throws FILE_UNREADABLE or FILE_SIZE. */
async function readDocument(file: string): Promise<Buffer> {
  return readBoundedFile(file, MOST_BYTES);
}

/** Model manifest or policy, and its name. Anything else is not signed. */
function signedKind(file: string, bytes: Uint8Array): { readonly kind: 'model' | 'policy'; readonly name: string } {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'broken')
    throw parsed.errors[0] ?? new CodedError({ code: 'DOCUMENT_BROKEN', message: `${file} can't be used.` });
  const { document } = parsed;
  if (document.kind === 'ModelManifest') return { kind: 'model', name: document.metadata.name };
  if (document.kind === 'RolloutPolicy') return { kind: 'policy', name: document.metadata.name };
  throw new CodedError({
    code: 'SIGN_KIND',
    message: `${file} is a ${document.kind}; only model manifests and policies are signed.`,
    remedy: 'Pass a ModelManifest or a RolloutPolicy.',
  });
}

async function sign(file: string, keyFile: string): Promise<{ file: string; bundle: string; digest: string }> {
  const written = await readDocument(file);
  const { kind, name } = signedKind(file, written);
  const bundle = file + BUNDLE_SUFFIX;
  const bytes = kind === 'model' ? await numbered(file, name, written) : written;
  await writeFileDurably(bundle, bundleText(bytes, await readPrivateKey(keyFile, { takesPipes: true })));
  return { file, bundle, digest: digestOf(bytes) };
}

function sequenceIn(file: string, bytes: Uint8Array, model: string): number {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'broken' || parsed.document.kind !== 'ModelManifest') return 0;
  const { metadata } = parsed.document;
  return metadata.name === model ? (metadata.sequence ?? 0) : 0;
}

/**
 * A manifest that is signed for the first time gets a sequence above those beside it, in its file; one that was signed before stays as it is,
 * for devices know it by its digest.
 */
async function numbered(file: string, model: string, bytes: Buffer): Promise<Buffer> {
  if ((await readBoundedFile(file + BUNDLE_SUFFIX, MOST_BYTES, true)) !== undefined) return bytes;
  const folder = path.dirname(file);
  let highest = 0;
  for (const name of await readdir(folder)) {
    if (!/\.(?:ya?ml|json)$/.test(name) || name.endsWith(BUNDLE_SUFFIX) || name === path.basename(file)) continue;
    const beside = await readDocument(path.join(folder, name)).catch(() => Buffer.alloc(0));
    highest = Math.max(highest, sequenceIn(name, beside, model));
  }
  if (sequenceIn(file, bytes, model) > highest) return bytes;
  const text = spliceSequence(bytes.toString('utf8'), highest + 1);
  await writeFileDurably(file, text);
  return Buffer.from(text);
}

interface Verified {
  readonly file: string;
  readonly verified: boolean;
  readonly signer: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

async function verify(file: string, verifier: DocumentVerifier): Promise<Verified> {
  const bytes = await readDocument(file);
  const { kind, name } = signedKind(file, bytes);
  const bundle = await readBoundedFile(file + BUNDLE_SUFFIX, MOST_BYTES, true);
  const question = { now: new SystemClock().now(), purpose: 'admit' as const };
  const answer =
    kind === 'model'
      ? verifier.verifyModel(bytes, bundle, { ...question, model: name })
      : verifier.verifyPolicy(bytes, bundle, { ...question, policy: name });
  if (answer.kind === 'verified') return { file, verified: true, signer: answer.signer, code: null, reason: null };
  return { file, verified: false, signer: null, code: answer.code, reason: answer.reason };
}

export function addSignCommands(program: Command): void {
  program
    .command('sign')
    .description(
      'sign manifests and policies; writes <file>.sigstore.json next to each, and a sequence into a manifest that is signed for the first time',
    )
    .argument('<files...>', 'model manifests or policies')
    .requiredOption('--key <file>', 'private key (P-256, PEM)')
    .option('--json', 'print JSON')
    .action(async (files: string[], { key, json = false }: SignOptions) => {
      const signed = [];
      for (const file of files) signed.push(await sign(file, key));
      printResult({ json: signed, text: signed.map((one) => `signed ${one.file}  ${one.digest}`).join('\n') }, json);
    });
  program
    .command('verify')
    .description('check who signed manifests and policies, and whether the trust policy allows it')
    .argument('<files...>', 'model manifests or policies')
    .addOption(trustOption())
    .addOption(homeOption())
    .option('--json', 'print JSON')
    .action(async (files: string[], { trust, home, json = false }: VerifyOptions) => {
      const verifier = new DocumentVerifier(await loadTrustPolicy(trust ?? homeAt(home).trustPolicy));
      const answers = [];
      for (const file of files) answers.push(await verify(file, verifier));
      const line = (one: Verified): string =>
        one.verified ? `good     ${one.file}  ${one.signer}` : `REFUSED  ${one.file}  ${one.code}: ${one.reason}`;
      const exitCode = answers.every((one) => one.verified) ? 0 : 1;
      printResult({ json: answers, text: answers.map(line).join('\n'), exitCode }, json);
    });
}
