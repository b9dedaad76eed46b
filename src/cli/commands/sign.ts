// Owns `slipway sign` and `slipway verify`: making and checking signatures of manifests and policies.
import path from 'node:path';
import type { Command } from 'commander';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { writeFileDurably } from '../../base/durable-file.ts';
import type { CodedError } from '../../base/errors.ts';
import { type Digest, digestOf } from '../../contract/digest.ts';
import { keyIdOf, parsePublicKey } from '../../contract/trust/keys.ts';
import { checkBlobSignature } from '../../contract/trust/sigstore.ts';
import { DocumentVerifier, type Refusal } from '../../contract/trust/verifier.ts';
import { spliceSequence } from '../../documents/edit-manifest.ts';
import type { DocumentSigner } from '../../signing/document-signer.ts';
import { readKeyText } from '../../signing/keys.ts';
import { BUNDLE_SUFFIX } from '../../snapshot/folder-cache.ts';
import { codeQualityReport } from '../code-quality.ts';
import { addSignerOptions, chooseSigner, type SignerOptions } from '../document-signers.ts';
import { type FindingsFormat, formatOption } from '../findings-format.ts';
import { openHome } from '../home.ts';
import { assertTrusted, type JudgedDocument, judge, signedKind } from '../judge-document.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { printResult } from '../output.ts';
import { refusalError } from '../refusal-error.ts';
import { highestBeside, MOST_DOCUMENT_BYTES, sequenceIn } from '../sequences.ts';
import { homeOption, trustOption } from '../settings.ts';
import { annotationLine } from '../workflow-annotations.ts';

interface SignOptions extends SignerOptions {
  readonly trust?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly key?: string;
  readonly trust?: string;
  readonly home: string;
  readonly format: FindingsFormat;
  readonly json?: boolean;
}

/** Throws FILE_UNREADABLE or FILE_SIZE. */
async function readDocument(file: string): Promise<Buffer> {
  return readBoundedFile(file, MOST_DOCUMENT_BYTES);
}

/** A document as it will be signed. */
interface Draft extends JudgedDocument {
  readonly written: Buffer;
}

/** Changes nothing. A manifest beside others of the same call counts with the sequence that it will have. */
async function draftAll(files: readonly string[]): Promise<Draft[]> {
  const drafts = new Map<string, Draft>();
  for (const file of files) {
    const written = await readDocument(file);
    const { kind, name } = signedKind(file, written);
    const bytes = kind === 'model' ? await numbered(file, name, written, drafts) : written;
    drafts.set(path.resolve(file), { file, kind, name, written, bytes });
  }
  return [...drafts.values()];
}

/**
 * A manifest that is signed for the first time gets a sequence above those beside it; one that was signed before stays as it is, for devices
 * know it by its digest.
 */
async function numbered(
  file: string,
  model: string,
  bytes: Buffer,
  drafts: ReadonlyMap<string, Draft>,
): Promise<Buffer> {
  if ((await readBoundedFile(file + BUNDLE_SUFFIX, MOST_DOCUMENT_BYTES, true)) !== undefined) return bytes;
  const highest = await highestBeside(file, model, (beside) => drafts.get(path.resolve(beside))?.bytes);
  if (sequenceIn(file, bytes, model) > highest) return bytes;
  return Buffer.from(spliceSequence(bytes.toString('utf8'), highest + 1));
}

/** All or nothing, but for a disk that fails: every signature is made and judged before the first file is written. */
async function signAll(drafts: readonly Draft[], signer: DocumentSigner, verifier: DocumentVerifier | null) {
  const signed = [];
  for (const draft of drafts) {
    const answer = await signer.sign(draft.bytes);
    if (verifier !== null) assertTrusted(draft, answer.bundle, verifier);
    signed.push({ draft, answer });
  }
  for (const { draft, answer } of signed) {
    const { file, written, bytes } = draft;
    if (!bytes.equals(written)) await writeFileDurably(file, bytes);
    await writeFileDurably(file + BUNDLE_SUFFIX, answer.bundle);
  }
  return signed.map(({ draft, answer }) => resultOf(draft, answer.signer));
}

function resultOf({ file, bytes }: Draft, signer: string) {
  return { file, bundle: file + BUNDLE_SUFFIX, digest: digestOf(bytes), signer };
}

interface Verified {
  readonly file: string;
  readonly digest: Digest;
  readonly verified: boolean;
  readonly signer: string | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** Who signed these bytes, as one way of trusting says. */
type Judge = (
  file: string,
  bytes: Buffer,
  bundle: Buffer | undefined,
) => { readonly kind: 'verified'; readonly signer: string } | Refusal;

async function verify(file: string, judgeBytes: Judge): Promise<{ judged: Verified; error: CodedError | null }> {
  const bytes = await readDocument(file);
  const bundle = await readBoundedFile(file + BUNDLE_SUFFIX, MOST_DOCUMENT_BYTES, true);
  const answer = judgeBytes(file, bytes, bundle);
  const of = { file, digest: digestOf(bytes) };
  if (answer.kind === 'verified') {
    return { judged: { ...of, verified: true, signer: answer.signer, code: null, reason: null }, error: null };
  }
  const judged = { ...of, verified: false, signer: null, code: answer.code, reason: answer.reason };
  return { judged, error: refusalError(answer, file) };
}

/** Whatever the files are, this key alone may have signed them. Throws KEY_FILE_UNREADABLE, TRUST_KEY_UNREADABLE or TRUST_KEY_KIND. */
async function judgeByKey(keyFile: string): Promise<Judge> {
  const key = parsePublicKey(await readKeyText(keyFile), keyFile);
  const expected = { keys: new Map([[keyIdOf(key), key]]), root: null, proofs: null };
  return (_, bytes, bundle) => {
    if (bundle === undefined) return { kind: 'refused', code: 'SIGNATURE_MISSING', reason: 'There is no signature.' };
    const check = checkBlobSignature(bundle.toString('latin1'), bytes, expected);
    if (check.kind === 'signed') return { kind: 'verified', signer: `key ${keyIdOf(key)}` };
    if (check.code !== 'SIGNER_UNKNOWN') return check;
    return { ...check, reason: `It is not signed with the key of ${keyFile}.` };
  };
}

async function judgeByPolicy(trust: string): Promise<Judge> {
  const verifier = new DocumentVerifier(await loadTrustPolicy(trust));
  return (file, bytes, bundle) => judge({ ...signedKind(file, bytes), bytes }, bundle, verifier);
}

function verdictLine(one: Verified): string {
  return one.verified ? `good     ${one.file}  ${one.signer}` : `REFUSED  ${one.file}  ${one.code}: ${one.reason}`;
}

export function addSignCommands(program: Command): void {
  const sign = program
    .command('sign')
    .description(
      'sign manifests and policies; writes <file>.sigstore.json next to each, and a sequence into a manifest that is signed for the first time',
    )
    .argument('<files...>', 'model manifests or policies');
  addSignerOptions(sign)
    .option('--trust <file>', 'trust policy that must accept the signatures before they are written')
    .option('--dry-run', 'say who would sign what; sign and write nothing')
    .option('--json', 'print JSON')
    .action(async (files: string[], options: SignOptions) => {
      const { trust, dryRun = false, json = false } = options;
      const policy = trust === undefined ? null : await loadTrustPolicy(trust);
      const signer = await chooseSigner(options, policy?.root ?? null);
      const drafts = await draftAll(files);
      const signed = dryRun
        ? drafts.map((draft) => resultOf(draft, signer.name))
        : await signAll(drafts, signer, policy === null ? null : new DocumentVerifier(policy));
      const verb = dryRun ? 'would sign' : 'signed';
      printResult(
        { json: signed, text: signed.map((one) => `${verb} ${one.file}  ${one.digest}  ${one.signer}`).join('\n') },
        json,
      );
    });
  program
    .command('verify')
    .description('check who signed manifests and policies, and whether the trust policy allows it')
    .argument('<files...>', 'model manifests or policies; with --key any files')
    .option('--key <file>', 'public key that must have signed the files, in place of a trust policy, as for a release')
    .addOption(trustOption())
    .addOption(homeOption())
    .addOption(formatOption())
    .option('--json', 'print JSON')
    .action(async (files: string[], { key, trust, home, format, json = false }: VerifyOptions) => {
      const judgeBytes =
        key === undefined
          ? await judgeByPolicy(trust ?? (await openHome(home, 'Pass the trust policy with --trust. ')).trustPolicy)
          : await judgeByKey(key);
      const answers = [];
      for (const file of files) answers.push(await verify(file, judgeBytes));
      const lines = answers.map(({ judged, error }) =>
        format === 'github' && error !== null ? annotationLine('error', error, String) : verdictLine(judged),
      );
      const errors = answers.flatMap(({ error }) => error ?? []);
      const exitCode = errors.length === 0 ? 0 : 1;
      const text = format === 'gitlab' ? codeQualityReport(errors, [], String) : lines.join('\n');
      const all = answers.map(({ judged }) => judged);
      printResult({ json: all, text, exitCode }, json || format === 'json');
    });
}
