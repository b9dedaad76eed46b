// Owns bringing a release onto the branch: checked, signed and uploaded before the push, and made again on each new head.
import { CodedError } from '../base/errors.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { filesWith } from './files-with.ts';
import { DOCUMENT_LIMIT_BYTES } from './find-rollout.ts';
import { type Proposal, RELEASE_TRAILER } from './proposal-branch.ts';
import { type EditedBranch, type MadeEdit, pushEdit } from './push-edit.ts';
import { editForRelease, type ReleaseEdit, type ReleaseWish } from './release-edit.ts';

/** Longest time in which a lost race is run again: a pipeline waits longer than a person. */
const RACE_MS = 120_000;

/** Far more than a signature with its witnesses has. */
const MOST_BUNDLE_BYTES = 256 * 1024;

export interface ManifestSignature {
  /** Text of the file beside the manifest. */
  readonly bundle: string;
  /** For people. */
  readonly signer: string;
}

/** What a release does besides editing; each may be called again. */
export interface ReleaseEffects {
  /** What is wrong with a repository, of its documents alone. */
  problemsOf(files: RepositoryFiles): Promise<readonly CodedError[]>;
  /** A signature that has been checked. */
  sign(manifest: Buffer): Promise<ManifestSignature>;
  /**
   * Throws for a signature that somebody else brought and that must not count: whoever can push can put anything beside a manifest.
   * `isDone`: nothing will start by it, so that a signer's end date which has come since is no matter.
   */
  assertSigned(manifest: Buffer, bundle: Buffer, isDone?: boolean): void;
  /** Brings the files of the model to where devices find them. */
  upload(): Promise<void>;
}

export interface ReleaseOrder extends ReleaseWish {
  /** First line of the commit; by default it says what is released. */
  readonly message: string | null;
  readonly isDryRun: boolean;
  /** What is proposed already, where the release is a proposal; as of the last look at the branch. */
  readonly proposal?: (() => Promise<Proposal | null>) | undefined;
}

export interface Released {
  readonly edit: ReleaseEdit;
  /** Problems that the release would bring: nothing was changed. */
  readonly problems: readonly CodedError[];
  /** Problems that the branch has without it. */
  readonly oldProblems: readonly CodedError[];
  readonly signer: string | null;
  /** How often the manifest was signed: again for each sequence that somebody else took first. */
  readonly signatures: number;
  /** Null in a dry run, and where there was nothing to do. */
  readonly commit: string | null;
  /** Another run's commit that proposes the same; null otherwise. */
  readonly proposed: string | null;
}

type Made = Omit<Released, 'commit' | 'signatures'>;

/** Throws RELEASE_…, ROLLOUT_UNKNOWN, GIT_…, and what the effects throw. */
export async function pushRelease(
  branch: EditedBranch,
  order: ReleaseOrder,
  effects: ReleaseEffects,
): Promise<Released> {
  const signatures = new Map<string, ManifestSignature>();
  const once = {
    ...effects,
    async sign(manifest: Buffer): Promise<ManifestSignature> {
      const key = manifest.toString('utf8');
      const signature = signatures.get(key) ?? (await effects.sign(manifest));
      signatures.set(key, signature);
      return signature;
    },
  };
  const { result, commit } = await pushEdit(branch, {
    edit: (files) => makeRelease(files, order, once),
    raceMs: RACE_MS,
    raceLost,
    unconfirmed,
  });
  return { ...result, commit, signatures: signatures.size };
}

async function makeRelease(
  files: RepositoryFiles,
  order: ReleaseOrder,
  { problemsOf, sign, assertSigned, upload }: ReleaseEffects,
): Promise<MadeEdit<Made>> {
  const edit = await editForRelease(files, order);
  const changes = new Map(edit.changed.map(({ file, after }) => [file, Buffer.from(after)]));
  const isDone = edit.isReleased && changes.size === 0;
  if (edit.isReleased) assertSigned(edit.manifest, await files.read(order.bundle, MOST_BUNDLE_BYTES), isDone);
  const oldProblems = await problemsOf(files);
  const broken = new Set(oldProblems.map(({ at }) => at?.file ?? ''));
  // What is wrong with a file that was broken before, and that the release leaves as it is, keeps nobody from releasing.
  const isNew = ({ at }: CodedError): boolean => changes.has(at?.file ?? '') || !broken.has(at?.file ?? '');
  const problems = (await problemsOf(filesWith(files, changes))).filter(isNew);
  const made: Made = { edit, problems, oldProblems, signer: null, proposed: null };
  if (order.isDryRun || isDone || problems.length > 0) return { result: made, commit: null };
  const proposal = (await order.proposal?.()) ?? null;
  if (proposal !== null && (await isSame(proposal, order, edit))) {
    if (!edit.isReleased) assertSigned(edit.manifest, await proposal.files.read(order.bundle, MOST_BUNDLE_BYTES));
    return { result: { ...made, proposed: proposal.commit }, commit: null };
  }
  if (proposal !== null && !proposal.isOwn) throw proposalTaken(proposal);
  const signature = edit.isReleased ? null : await sign(edit.manifest);
  if (signature !== null) changes.set(order.bundle, Buffer.from(signature.bundle));
  await upload();
  const signer = signature?.signer ?? null;
  return { result: { ...made, signer }, commit: { changes, message: messageOf(order, edit, signer) } };
}

/** Does it propose what the release would? The signature may be another one over the same bytes. */
async function isSame({ files }: Proposal, { bundle }: ReleaseOrder, edit: ReleaseEdit): Promise<boolean> {
  if (!files.paths.includes(bundle)) return false;
  for (const { file, after } of edit.changed) {
    if (!files.paths.includes(file)) return false;
    if ((await files.read(file, DOCUMENT_LIMIT_BYTES)).toString('utf8') !== after) return false;
  }
  return true;
}

function proposalTaken({ branch }: Proposal): CodedError {
  return new CodedError({
    code: 'RELEASE_BRANCH_TAKEN',
    message: `Branch ${branch} has commits that no release made, and they would be lost.`,
    remedy: 'Merge the branch or delete it, then run the same command again.',
  });
}

function messageOf({ message }: ReleaseOrder, edit: ReleaseEdit, signer: string | null): string {
  const { model, version, sequence, digest, isReleased, rollouts } = edit;
  const set = rollouts.flatMap((one) => (one.kind === 'set' ? [`${one.rollout} (was ${one.from})`] : []));
  const title = isReleased ? `Set rollouts to ${model} ${version}` : `Release ${model} ${version}`;
  const lines = [
    ...(isReleased ? [] : [`Manifest ${digest}, sequence ${sequence}, signed by ${signer}.`]),
    ...(set.length === 0 ? [] : [`Rollouts: ${set.join(', ')}.`]),
  ];
  return `${message ?? title}\n\n${lines.join('\n')}\n\n${RELEASE_TRAILER}: ${model} ${version}\n`;
}

function raceLost(): CodedError {
  return new CodedError({
    code: 'RELEASE_RACE_LOST',
    kind: 'retry-later',
    message: `The release lost the race: others pushed first each time for ${RACE_MS / 1000} s.`,
    remedy: 'Nothing was pushed. Run the same command again.',
  });
}

function unconfirmed(cause: CodedError | undefined): CodedError {
  return new CodedError({
    code: 'RELEASE_UNCONFIRMED',
    kind: 'retry-later',
    message: `The Git host did not confirm the push within ${RACE_MS / 1000} s; the release may have landed.`,
    remedy: 'Run the same command again once the host answers: what landed is found, and not made twice.',
    cause,
  });
}
