// Owns `slipway trust`: sign a trust policy offline, publish it to devices, and show which one they have.
import path from 'node:path';
import { type Command, Option } from 'commander';
import { SystemClock, toIsoSeconds } from '../../base/clock.ts';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { shellWord } from '../../base/shell-word.ts';
import { digestOf } from '../../contract/digest.ts';
import {
  assertTakeable,
  countSignatures,
  findPublishedTrust,
  publishPolicy,
  readSignedPolicy,
  type Signatures,
  type SignedPolicy,
  signPolicy,
  writeSignedPolicy,
} from '../../distribution/trust-policies.ts';
import { newestRoot } from '../../distribution/tuf-roots.ts';
import { countOf } from '../../wording/amounts.ts';
import { COMMAND } from '../command-name.ts';
import { type Home, homeAt, openHome } from '../home.ts';
import { loadTrust } from '../load-trust.ts';
import { collected, durationOf } from '../option-values.ts';
import { printResult, type Result, table } from '../output.ts';
import { readGivenKeys } from '../rotate/next-root-file.ts';
import { homeOption } from '../settings.ts';
import { type ClockOptions, clockOption, signingTime } from '../signing-time.ts';
import { assertInstallable, installPolicy } from '../trust/install-policy.ts';
import { findRootAtHand, rootFacts, rootLines } from '../trust/root-at-hand.ts';
import { signerRows, signersIn } from '../trust/signers-in.ts';

const DAY_MS = 86_400_000;

interface SignOptions extends ClockOptions {
  readonly publication: string;
  readonly key: readonly string[];
  readonly out: string;
  readonly expires: string;
  readonly root?: string;
  readonly home: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function sign(file: string, options: SignOptions): Promise<Result> {
  const { publication, key, out, dryRun = false } = options;
  const lifetimeMs = durationOf('--expires', options.expires, DAY_MS);
  const trust = await loadTrust(file);
  const root = await findRootAtHand(publication, { file: options.root, home: homeAt(options.home) });
  const hasBefore = (await readFileIfPresent(path.join(out, 'trust.json'))) !== undefined;
  const policy = await signPolicy({
    ...{ trust, publication, lifetimeMs, nowMs: await signingTime(publication, options) },
    before: hasBefore ? await readSignedPolicy(out) : undefined,
    keys: await readGivenKeys(key),
  });
  if (!dryRun) await writeSignedPolicy(out, policy);
  const { given, needed } = policy.signatures;
  const lacking = needed - given;
  const next =
    lacking > 0
      ? `${countOf(lacking, 'signature')} more: take ${out} to the next key, and run this command there with the policy in ${out}.`
      : `Take it to the service: ${COMMAND} trust publish ${shellWord(out)}`;
  const lines = [
    `${dryRun ? 'Would write' : 'Wrote'} ${out}: version ${policy.version}, until ${toIsoSeconds(policy.expiresAtMs)}, ${signed(policy.signatures)}.`,
    ...rootLines(root),
    ...signerLines(policy),
    next,
  ];
  return {
    json: { out, ...factsOf(policy, policy.signatures), root: rootFacts(root), dryRun },
    text: lines.join('\n'),
  };
}

function signed({ given, needed, keys }: Signatures): string {
  return `signed by ${given} of ${countOf(keys, 'key')}, ${needed} must`;
}

function signerLines({ trust }: SignedPolicy): string[] {
  return table(['SIGNER', 'WHO', 'MODELS', 'POLICIES', 'UNTIL'], signerRows(trust.policy)).split('\n');
}

function factsOf({ version, expiresAtMs, trust }: SignedPolicy, signatures: Signatures) {
  const { digest, policy } = trust;
  return { version, expiresAt: toIsoSeconds(expiresAtMs), digest, signatures, signers: signersIn(policy) };
}

interface PublishOptions extends ClockOptions {
  readonly home: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function publish(folder: string, { home: at, dryRun = false, ...clock }: PublishOptions): Promise<Result> {
  const home = await openHome(at);
  const nowMs = await signingTime(home.publication, clock);
  const policy = await readSignedPolicy(folder);
  await assertTakeable(home.publication, policy, nowMs);
  await assertInstallable(home, policy.trust);
  if (!dryRun) {
    await publishPolicy(home.publication, policy, nowMs);
    await installPolicy(home, policy.trust);
  }
  const signatures = countSignatures(await newestRoot(home.publication), policy.metadata);
  const text = [
    `${dryRun ? 'Would publish' : 'Published'} version ${policy.version}, until ${toIsoSeconds(policy.expiresAtMs)}, ${signed(signatures)}.`,
    ...signerLines(policy),
    `${home.trustPolicy} ${dryRun ? 'would be' : 'is'} the same. Devices take it with their next look, once a service that runs has signed it into its pointer.`,
    `Devices that lack it: ${COMMAND} devices 'NOT trustVersion:>=${policy.version}'`,
  ];
  return { json: { ...factsOf(policy, signatures), dryRun }, text: text.join('\n') };
}

async function show(publication: string, home: Home | null): Promise<Result> {
  const policy = await findPublishedTrust(publication);
  const root = await newestRoot(publication);
  const digest = digestOf(root.bytes);
  const rootLine = `Root ${root.version}, ${digest}`;
  const json = { root: { version: root.version, digest } };
  if (policy === undefined) {
    const text = 'No trust policy is published: each device goes by the file that it was given.';
    return { json: { published: null, ...json }, text: `${text}\n${rootLine}` };
  }
  const signatures = countSignatures(root, policy.metadata);
  const own = home === null ? null : (await loadTrust(home.trustPolicy)).digest === policy.trust.digest;
  const hasEnded = policy.expiresAtMs <= new SystemClock().now();
  const lines = [
    `Version ${policy.version}, until ${toIsoSeconds(policy.expiresAtMs)}${hasEnded ? ' (it has ENDED: no device takes it any more)' : ''}, ${signed(signatures)}.`,
    ...signerLines(policy),
    rootLine,
    ...(signatures.given < signatures.needed ? ['Its keys were replaced: sign and publish it anew.'] : []),
    ...(own === false ? [`The service's own ${home?.trustPolicy} says something else: devices don't have that.`] : []),
  ];
  return { json: { published: factsOf(policy, signatures), sameAsHome: own, ...json }, text: lines.join('\n') };
}

interface ShowOptions {
  readonly home: string;
  readonly publication?: string;
  readonly json?: boolean;
}

export function addTrustCommands(program: Command): void {
  const trust = program
    .command('trust')
    .description('the trust policy of devices: sign it offline, publish it, show it');
  trust
    .command('sign')
    .description('sign a trust policy with offline keys, over files: this machine need not reach the service')
    .argument('<policy>', 'the trust policy; key files that it names lie beside it')
    .requiredOption('--publication <folder>', 'copy of the publication; its `metadata` folder suffices')
    .addOption(
      new Option('--key <file>', 'private key that signs trust policies; repeatable')
        .argParser(collected)
        .makeOptionMandatory(),
    )
    .requiredOption(
      '--out <folder>',
      'where the signed policy goes; one that others signed before gets a signature more',
    )
    .option('--expires <duration>', 'how long devices may take it', '365d')
    .option(
      '--root <file>',
      'root that devices were given; that of the publication must follow from it (default: the roots in the home, if there is one)',
    )
    .addOption(homeOption())
    .addOption(clockOption())
    .option('--dry-run', 'write nothing; print what would be signed')
    .option('--json', 'print JSON')
    .action(async (file: string, options: SignOptions) => {
      printResult(await sign(file, options), options.json === true);
    });
  trust
    .command('publish')
    .description(
      "check a signed trust policy as devices do, put it into the publication, and make it the service's own",
    )
    .argument('<folder>', 'what `slipway trust sign` wrote')
    .addOption(homeOption())
    .addOption(clockOption())
    .option('--dry-run', 'check it and change nothing')
    .option('--json', 'print JSON')
    .action(async (folder: string, options: PublishOptions) => {
      printResult(await publish(folder, options), options.json === true);
    });
  trust
    .command('show')
    .description('show the trust policy that devices get, who may sign, and whether the service goes by the same')
    .addOption(homeOption())
    .option('--publication <folder>', 'a copy of the publication, instead of the one in the home')
    .option('--json', 'print JSON')
    .action(async ({ home, publication, json = false }: ShowOptions) => {
      const own = publication === undefined ? await openHome(home) : null;
      printResult(await show(publication ?? homeAt(home).publication, own), json);
    });
}
