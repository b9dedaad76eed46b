// Owns `slipway rotate ci`: another signer of models and policies, beside the old one until that ends.
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { parseInstant, toIsoSeconds } from '../../base/clock.ts';
import { writeFileDurably } from '../../base/durable-file.ts';
import { shellWord } from '../../base/shell-word.ts';
import { parseTrustPolicy } from '../../documents/parse-trust-policy.ts';
import { countOf } from '../../wording/amounts.ts';
import { COMMAND } from '../command-name.ts';
import { homeAt, openHome } from '../home.ts';
import { loadTrust } from '../load-trust.ts';
import { readManifests } from '../manifests-here.ts';
import { durationOf, valueError } from '../option-values.ts';
import { printResult, type Result } from '../output.ts';
import { addRepositoryOptions, type RepositoryOptions, withFiles } from '../repository-access.ts';
import { addCiSigner, type NewSigner, type NextPolicy } from '../rotate/ci-signer.ts';
import { findToSignAgain, type ToSignAgain } from '../rotate/to-sign-again.ts';
import { homeOption, trustOption } from '../settings.ts';
import { type ClockOptions, clockOption, signingTime } from '../signing-time.ts';

interface CiOptions extends RepositoryOptions, ClockOptions {
  readonly home: string;
  readonly trust?: string;
  readonly signer?: string;
  readonly newKey?: string;
  readonly issuer?: string;
  readonly identity?: string;
  readonly ends: string;
  readonly out?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Files that the text names; the others are counted. */
const MOST_SHOWN = 20;
const MOST_POLICY_BYTES = 1024 * 1024;

function endOf(text: string, nowMs: number): number {
  const endsAtMs = parseInstant(text) ?? nowMs + durationOf('--ends', text, 0);
  if (endsAtMs > nowMs) return endsAtMs;
  throw valueError('--ends', text, 'a time to come', 'To end a signer now, set `revoked: true` in the trust policy.');
}

function newSigner({ newKey, issuer, identity }: CiOptions): NewSigner {
  if (newKey !== undefined && issuer === undefined && identity === undefined) return { kind: 'key', file: newKey };
  if (newKey === undefined && issuer !== undefined && identity !== undefined)
    return { kind: 'identity', issuer, identity };
  const given = newKey ?? issuer ?? identity ?? '';
  throw valueError('--new-key', given, 'one new signer', 'Pass --new-key, or --issuer and --identity.');
}

/** An earlier next policy is written anew; the one in force and what is no policy are somebody's. */
async function assertFree(out: string, inForce: string): Promise<void> {
  const bytes = await readBoundedFile(out, MOST_POLICY_BYTES, true);
  if (bytes === undefined) return;
  const isInForce = (await realpath(out)) === (await realpath(inForce));
  if (!isInForce && isPolicy(bytes, out)) return;
  throw valueError(
    '--out',
    out,
    'a new file',
    isInForce
      ? 'That is the policy in force: the next one takes its place when it is published.'
      : 'Something else lies there, and is kept.',
  );
}

function isPolicy(bytes: Uint8Array, file: string): boolean {
  try {
    parseTrustPolicy(bytes, file);
    return true;
  } catch {
    return false;
  }
}

async function rotate(options: CiOptions): Promise<Result> {
  const { dryRun = false, signer: old } = options;
  const nowMs = await signingTime(homeAt(options.home).publication, options);
  const endsAtMs = endOf(options.ends, nowMs);
  const file = options.trust ?? (await openHome(options.home, 'Pass the trust policy with --trust. ')).trustPolicy;
  const out = options.out ?? path.join(path.dirname(file), 'trust-policy.next.yaml');
  await assertFree(out, file);
  const before = await loadTrust(file);
  const again = (next: NextPolicy): Promise<ToSignAgain> =>
    withFiles(options, async (files) =>
      findToSignAgain(files, await readManifests(files), next.trust.policy, endsAtMs),
    );
  const order = { file, before, old, next: newSigner(options), endsAtMs };
  // Whatever can fail without a new key fails before there is one.
  await again(await addCiSigner({ ...order, dryRun: true }));
  const next = await addCiSigner({ ...order, dryRun });
  const toSign = await again(next);
  if (!dryRun) await writeFileDurably(out, next.text, 0o600);
  const facts = {
    signer: next.old,
    endsAt: toIsoSeconds(endsAtMs),
    newSigner: next.name,
    policy: out,
    made: next.made,
  };
  return { json: { ...facts, ...toSign, dryRun }, text: textOf(facts, toSign, options).join('\n') };
}

interface Facts {
  readonly signer: string;
  readonly endsAt: string;
  readonly newSigner: string;
  readonly policy: string;
  readonly made: string | null;
}

function textOf(
  { signer, endsAt, newSigner: name, policy, made }: Facts,
  toSign: ToSignAgain,
  options: CiOptions,
): string[] {
  const { needed, older, rolling } = toSign;
  const verb = options.dryRun === true ? 'Would write' : 'Wrote';
  const shown = (files: readonly string[]): string[] => [
    ...files.slice(0, MOST_SHOWN).map((file) => `    ${file}`),
    ...(files.length > MOST_SHOWN ? [`    and ${files.length - MOST_SHOWN} more (--json lists them)`] : []),
  ];
  const key = shellWord(options.newKey ?? '<key>');
  const signing = options.newKey === undefined ? '--keyless' : `--key ${key}`;
  return [
    `${verb} ${policy}: "${name}" may sign what "${signer}" may, and "${signer}" signs nothing new after ${endsAt}. Nothing else changes yet.`,
    ...(made === null ? [] : [`${made}  new private key: make it a secret of your CI, and delete it here`]),
    '',
    'Next:',
    `  ${COMMAND} trust sign ${shellWord(policy)} --publication <copy of the publication> --key <trust.key> --out signed-trust`,
    `  ${COMMAND} trust publish signed-trust`,
    `  Let CI sign as "${name}" once devices have it, and then, before ${endsAt}:`,
    ...(needed.length === 0
      ? ['  Nothing has to be signed again.']
      : [`  ${COMMAND} sign ${signing} <files> for these, and push them:`, ...shown(needed)]),
    ...(rolling.length === 0
      ? []
      : [
          '',
          'In the middle of a rollout; let it end before then, or devices that get it later refuse it:',
          ...shown(rolling),
        ]),
    ...(older.length === 0
      ? []
      : [
          '',
          `${countOf(older.length, 'other version')} by "${signer}" can't start anew after then, unless signed again. What is stable stays so.`,
        ]),
  ];
}

export function addRotateCi(group: Command): void {
  const command = group
    .command('ci')
    .description('write the next trust policy: a new signer of models and policies, beside the old one until that ends')
    .requiredOption('--ends <time>', 'when the old signer ends, such as 30d or 2027-01-31T00:00:00Z')
    .option('--signer <name>', 'the signer that ends (default: the only one without an end)')
    .option('--new-key <file>', 'key of the new signer: made where it is not there, and its public half will do')
    .option('--issuer <url>', 'issuer of the identity of a new keyless signer')
    .option('--identity <text>', 'exact identity of a new keyless signer')
    .option('--out <file>', 'the next policy (default: trust-policy.next.yaml beside the present one)')
    .addOption(trustOption())
    .addOption(homeOption())
    .addOption(clockOption());
  addRepositoryOptions(command, { readsFolder: true })
    .option('--dry-run', 'make and write nothing; print what would be done')
    .option('--json', 'print JSON')
    .action(async (options: CiOptions) => printResult(await rotate(options), options.json === true));
}
