// Owns `slipway release`: packages, signs, commits and pushes a version, from a machine that has nothing but the repository.
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { SystemRandom } from '../../base/random.ts';
import { DocumentVerifier } from '../../contract/trust/verifier.ts';
import { checkReferences } from '../../documents/check-references.ts';
import { openPullRequest } from '../../git/hosting/pull-request-host.ts';
import { filesOfCommit, type RepositoryFiles } from '../../git/repository-files.ts';
import { DOCUMENT_LIMIT_BYTES } from '../../requests/find-rollout.ts';
import { ProposalBranch } from '../../requests/proposal-branch.ts';
import {
  type ManifestSignature,
  pushRelease,
  type Released,
  type ReleaseEffects,
} from '../../requests/submit-release.ts';
import type { DocumentSigner } from '../../signing/document-signer.ts';
import { BUNDLE_SUFFIX } from '../../snapshot/folder-cache.ts';
import { readDocuments } from '../../snapshot/repository-documents.ts';
import { openArtifactStore } from '../artifact-places.ts';
import { bomErrors } from '../bom-findings.ts';
import { addSignerOptions, assertSignerGiven, chooseSigner, type SignerOptions } from '../document-signers.ts';
import { assertTrusted, signedKind } from '../judge-document.ts';
import { readLiveView } from '../live-status.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { assertManifests } from '../manifests-here.ts';
import { collected } from '../option-values.ts';
import { printResult } from '../output.ts';
import { draftIn, draftManifest } from '../package-manifest.ts';
import { addPackageOptions, manifestFacts, type PackageOptions, sayProgress } from '../package-options.ts';
import { type PlacedArtifact, type Placing, placeAll } from '../place-artifact.ts';
import { choosePullRequestHost, type HostKind, hostOption } from '../pull-request-hosts.ts';
import { pullRequestText, releaseInWords } from '../release-in-words.ts';
import { findReleasePlace, type ReleasePlace } from '../release-place.ts';
import {
  addAccessOptions,
  type OpenedBranch,
  type RepositoryOptions,
  throwWithTokenHint,
} from '../repository-access.ts';
import { SERVICE_SETTINGS } from '../service-settings.ts';
import { serverOption, sourceTime } from '../settings.ts';

/** Git hosts cut longer titles. */
const MOST_MESSAGE = 200;

interface ReleaseOptions extends PackageOptions, SignerOptions, RepositoryOptions {
  readonly manifest: string;
  readonly trust?: string;
  readonly set?: readonly string[];
  readonly message?: string;
  readonly pullRequest?: boolean;
  readonly host?: HostKind;
  readonly server?: string;
  readonly bom?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The manifest's text, and how its files come to where devices fetch them. */
interface Package {
  readonly text: string | null;
  readonly bom: string | null;
  place(): Promise<readonly PlacedArtifact[]>;
}

/** Out of the files, else the manifest as it lies here; null: the repository may have it. */
async function packageOf(
  files: readonly string[],
  options: ReleaseOptions,
  { at, opened }: { readonly at: Pick<ReleasePlace, 'file' | 'readText' | 'readBom'>; readonly opened: OpenedBranch },
): Promise<Package> {
  if (files.length === 0) {
    const text = await at.readText();
    return { text, bom: text === null ? null : await at.readBom(), place: async () => [] };
  }
  const { dryRun: isDryRun = false, bom: wantsBom = false } = options;
  const store = await openArtifactStore({ ...options, isDryRun });
  const before = (await at.readText()) ?? (await readAtHead(opened, at.file));
  const draft = before === null ? null : draftIn(at.file, Buffer.from(before));
  // The sequence is given on the head of the branch.
  const made = await draftManifest(
    { files, manifest: at.file, ...manifestFacts(options), bom: wantsBom ? { time: sourceTime() } : null, store },
    { sequence: 1, draft },
  );
  if (made.note !== null) sayProgress(made.note);
  const placing: Placing = { store, isDryRun, say: sayProgress };
  let placed: Promise<readonly PlacedArtifact[]> | undefined;
  const place = (): Promise<readonly PlacedArtifact[]> => {
    placed ??= placeAll(made.files, placing);
    return placed;
  };
  return { text: made.text, bom: made.bom, place };
}

/** A draft that somebody else registered need not lie here: its lineage and metrics are those of the version. */
async function readAtHead({ repository, head }: OpenedBranch, file: string): Promise<string | null> {
  const files = await filesOfCommit(repository, await head());
  return files.paths.includes(file) ? (await files.read(file, DOCUMENT_LIMIT_BYTES)).toString('utf8') : null;
}

/** As `slipway validate` finds them, but for signatures: the one that a release makes is judged when it is made. */
async function problemsOf(files: RepositoryFiles): Promise<readonly CodedError[]> {
  const found = await readDocuments(files);
  assertManifests(files, found);
  const broken = found.documents.flatMap(({ parsed }) => (parsed.kind === 'broken' ? parsed.errors : []));
  const bills = await bomErrors(files, found);
  return [...broken, ...found.problems, ...bills, ...checkReferences(found.documents)];
}

/** Signs what the trust policy accepts. An identity token soon expires, so each signature asks for its own. */
async function manifestSigner(
  file: string,
  options: ReleaseOptions,
): Promise<Pick<ReleaseEffects, 'sign' | 'assertSigned'>> {
  const { trust, keyless } = options;
  const policy = trust === undefined ? null : await loadTrustPolicy(trust);
  const verifier = policy === null ? null : new DocumentVerifier(policy);
  const choose = (): Promise<DocumentSigner> => chooseSigner(options, policy?.root ?? null);
  const assertSigned = (bytes: Buffer, bundle: Buffer | string, isDone = false): void => {
    const document = { file, bytes, ...signedKind(file, bytes) };
    if (verifier !== null) assertTrusted(document, bundle.toString(), verifier, isDone ? 'keep' : 'admit');
  };
  let chosen: Promise<DocumentSigner> | undefined;
  const sign = async (bytes: Buffer): Promise<ManifestSignature> => {
    chosen = keyless === true ? choose() : (chosen ?? choose());
    const signed = await (await chosen).sign(bytes);
    assertSigned(bytes, signed.bundle);
    return signed;
  };
  return { sign, assertSigned };
}

/** Known devices of each rollout that is to be set. A token that publishes need not open what others see: then no number is known. */
async function devicesOf(
  { edit }: Released,
  { server, insecureHttp }: Pick<ReleaseOptions, 'server' | 'insecureHttp'>,
): Promise<Map<string, number>> {
  const devices = new Map<string, number>();
  if (server === undefined) return devices;
  try {
    for (const { rollout } of edit.rollouts) {
      const { traffic } = await readLiveView({ server, insecureHttp, rollout });
      if (traffic !== undefined) devices.set(rollout, traffic.devices);
    }
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'SERVER_CREDENTIALS') throw error;
    sayProgress(`Note: the number of devices is not known. ${error.message} Give the token the scope view as well.`);
  }
  return devices;
}

async function release(files: readonly string[], options: ReleaseOptions) {
  const { manifest, set: rollouts = [], dryRun: isDryRun = false } = options;
  // What a job passes on may be of others: more lines would be trailers, and no title of a pull request.
  const message = clipped(oneLine(options.message ?? ''), MOST_MESSAGE) || null;
  assertSignerGiven(options);
  const time = { clock: new SystemClock(), random: new SystemRandom() };
  const host = options.pullRequest === true && !isDryRun ? choosePullRequestHost(options) : null;
  const at = await findReleasePlace(manifest, options);
  const signer = await manifestSigner(at.file, options);
  await using opened = await at.open();
  const { text, bom, place } = await packageOf(files, options, { at, opened });
  const proposing = options.pullRequest === true ? new ProposalBranch(opened.repository, at.proposalBranch) : null;
  const branch = { repository: proposing ?? opened.repository, ...time };
  const upload = async (): Promise<void> => {
    await place();
  };
  const wish = { file: at.file, bundle: at.file + BUNDLE_SUFFIX, text, bom, rollouts };
  const order = { ...wish, message, isDryRun, proposal: proposing === null ? undefined : () => proposing.proposal() };
  const released = await pushRelease(branch, order, { problemsOf, ...signer, upload }).catch(throwWithTokenHint);
  const commit = released.commit ?? released.proposed;
  const draft = { branch: at.proposalBranch, base: opened.branch, ...pullRequestText(released, message) };
  const page = host === null || commit === null ? null : await openPullRequest(host, draft, time);
  const isOut = released.commit !== null || (isDryRun && released.problems.length === 0);
  return releaseInWords({
    ...released,
    ...{ file: at.file, branch: opened.branch, isDryRun },
    artifacts: isOut ? await place() : [],
    devices: isDryRun ? await devicesOf(released, options) : new Map<string, number>(),
    proposal: proposing && { branch: at.proposalBranch, opened: page },
  });
}

const EXIT_CODES = `
Exit codes: 0 released, or released before; 1 it would bring errors that \`slipway validate\` shows; 2 fix the input;
3 try again later, with the same command.`;

export function addReleaseCommand(program: Command): void {
  const { repo, branch } = SERVICE_SETTINGS;
  const command = program
    .command('release')
    .description(
      'package, sign, commit and push a version: on the head of the branch as its remote has it, again when others were faster',
    )
    .argument(
      '[files...]',
      'files of one variant, or a folder for each variant (default: the manifest is written already)',
    )
    .requiredOption('--manifest <file>', 'manifest of the version: models/<model>/<version>.yaml')
    .option('--set <rollout>', 'rollout that shall ask for the version; repeated', collected)
    .addOption(new Option(repo.flag, `${repo.help}; of a clone, its origin`).env(repo.variable).default('.'))
    .addOption(new Option(branch.flag, branch.help).env(branch.variable).default(branch.fallback));
  addAccessOptions(command);
  addPackageOptions(command);
  addSignerOptions(command)
    .option('--trust <file>', 'trust policy that must accept the signature before anything is pushed')
    .option('--bom', 'also commit an ML-BOM (CycloneDX 1.7, <version>.cdx.json) that the manifest names')
    .option('--message <text>', 'first line of the commit message')
    .option('--pull-request', 'push a branch of its own, and open a pull request or merge request for --branch')
    .addOption(hostOption())
    .addOption(serverOption('for `--to service`; a dry run says how many devices it knows'))
    .option('--dry-run', 'show what would change; upload, sign and push nothing')
    .option('--json', 'print JSON')
    .addHelpText('after', EXIT_CODES)
    .action(async (files: string[], options: ReleaseOptions) => {
      printResult(await release(files, options), options.json ?? false);
    });
}
