// Owns `slipway history`: the steps that the reconciler committed, and whether it really was the reconciler.
import type { KeyObject } from 'node:crypto';
import type { Command } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { asSentence, clipped, oneLine } from '../../base/plain-text.ts';
import type { CommitFacts, ManifestsRepository } from '../../git/manifests-repository.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import type { StepReason } from '../../rollout/reasons.ts';
import { verifySshSignature } from '../../signing/ssh-signature.ts';
import { readStep } from '../../snapshot/last-step.ts';
import { readDocuments } from '../../snapshot/repository-documents.ts';
import { stepReasonInWords } from '../../wording/step-reason-in-words.ts';
import { readGitView } from '../git-status.ts';
import { wholeNumberOf } from '../option-values.ts';
import { printResult, table } from '../output.ts';
import { reconcilerKeys } from '../reconciler-keys.ts';
import { addRepositoryOptions, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { homeOption, trustOption } from '../settings.ts';

/** Commits that are looked through for steps. */
const MOST_COMMITS = 20_000;
const MOST_CELL = 120;

interface HistoryOptions extends RepositoryOptions {
  readonly trust?: string;
  readonly home: string;
  readonly most: string;
  readonly json?: boolean;
}

type Signature =
  | { readonly kind: 'good'; readonly keyId: string }
  | { readonly kind: 'bad'; readonly reason: string }
  /** No trust policy says whose keys count. */
  | { readonly kind: 'unknown' };

interface HistoryStep {
  readonly at: string;
  readonly rollout: string;
  /** `8 canary→ramp` */
  readonly transition: string;
  readonly kind: string;
  /** As its evidence has it; null when the evidence is gone. */
  readonly reason: StepReason | null;
  /** The same in words; without evidence the commit's title. */
  readonly why: string;
  readonly commit: string;
  readonly evidence: string | null;
  readonly signature: Signature;
}

function judge({ signature }: CommitFacts, keys: ReadonlyMap<string, KeyObject> | null): Signature {
  if (keys === null) return { kind: 'unknown' };
  if (signature === null) return { kind: 'bad', reason: 'the commit is not signed' };
  const check = verifySshSignature(signature.payload, signature.armored);
  if (check.kind === 'refused') return { kind: 'bad', reason: check.reason };
  if (keys.has(check.keyId)) return { kind: 'good', keyId: check.keyId };
  return { kind: 'bad', reason: `it is signed by another key (${check.keyId})` };
}

/** A step as the trailers of its commit name it; undefined when they name none. */
interface NamedStep extends Omit<HistoryStep, 'reason' | 'why'> {
  readonly title: string;
}

function stepOf(commit: CommitFacts, keys: ReadonlyMap<string, KeyObject> | null): NamedStep | undefined {
  const trailer = (name: string): string | undefined => commit.trailers.get(`Slipway-${name}`)?.at(-1);
  const rollout = trailer('Rollout');
  const transition = trailer('Transition');
  if (rollout === undefined || transition === undefined) return undefined;
  return {
    at: toIsoSeconds(commit.atMs),
    rollout,
    transition,
    kind: trailer('Kind') ?? '',
    title: commit.message.split('\n', 1)[0] ?? '',
    commit: commit.oid,
    evidence: trailer('Evidence') ?? null,
    signature: judge(commit, keys),
  };
}

/** With the reason that the evidence of the step gives. */
async function explained(
  { title, ...step }: NamedStep,
  { repository, head, evidenceFolder }: EvidencePlace,
): Promise<HistoryStep> {
  const name = step.transition.replace(/[ →]/g, '-');
  const path = `${evidenceFolder}/${step.rollout}/${name}.json`;
  const found = await readStep(repository, { head, path, digest: step.evidence });
  if (found === undefined) return { ...step, reason: null, why: title.replace(`rollout(${step.rollout}): `, '') };
  const { transition, verdict, cohort } = found;
  return { ...step, reason: transition.reason, why: stepReasonInWords({ ...transition, verdict, cohort }) };
}

/** A step is one commit, the first that names its evidence: a person may have copied the trailers into a later one. */
function withoutCopies(steps: readonly NamedStep[]): NamedStep[] {
  const first = new Map(steps.map((step) => [step.evidence, step.commit]));
  return steps.filter(({ evidence, commit }) => evidence === null || first.get(evidence) === commit);
}

const NO_COMMIT = '0'.repeat(40);

/** Does the repository lack the beginning of its history, as a shallow clone does? */
async function isCutOff(repository: ManifestsRepository, head: string): Promise<boolean> {
  return (await repository.isAncestor(NO_COMMIT, head)) === 'unknown';
}

function historyCut(): CodedError {
  return new CodedError({
    code: 'HISTORY_CUT',
    message: 'The history of this clone is cut off, so earlier steps are missing.',
    remedy: 'Run `git fetch --unshallow` in it, or pass the URL of the repository with --repo.',
  });
}

interface EvidencePlace {
  readonly repository: ManifestsRepository;
  readonly head: string;
  readonly evidenceFolder: string;
}

function textOf(steps: readonly HistoryStep[], rollout: string | undefined): string {
  if (steps.length === 0) return `No steps${rollout === undefined ? '' : ` of ${oneLine(rollout)}`} yet.`;
  const rows = steps.map((step) => [
    step.at,
    step.rollout,
    step.transition,
    step.commit.slice(0, 10),
    step.signature.kind,
    asSentence(step.why),
  ]);
  const header = ['WHEN', 'ROLLOUT', 'STEP', 'COMMIT', 'SIGNATURE', 'REASON'];
  const cells = rows.map((row) => row.map((cell) => clipped(oneLine(cell), MOST_CELL)));
  const bad = steps.flatMap(({ commit, signature }) =>
    signature.kind === 'bad'
      ? [`${commit.slice(0, 10)} was not signed by the reconciler: ${oneLine(signature.reason)}.`]
      : [],
  );
  const unknown = steps.some(({ signature }) => signature.kind === 'unknown')
    ? ['Signatures were not checked: pass the trust policy with --trust.']
    : [];
  return [table(header, cells), ...[...bad, ...unknown].map((note) => `\n${note}`)].join('\n');
}

export function addHistoryCommand(program: Command): void {
  addRepositoryOptions(
    program
      .command('history')
      .description('show the steps of all rollouts, newest first, and whether the reconciler signed them')
      .argument('[rollout]', 'show only this rollout'),
  )
    .addOption(trustOption())
    .addOption(homeOption())
    .option('-n, --most <n>', 'number of steps to show', '20')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 every signature shown is good or unknown, 1 at least one is bad.')
    .action(async (rollout: string | undefined, options: HistoryOptions) => {
      const most = wholeNumberOf('-n', options.most, { least: 1, most: 10_000 });
      const keys = await reconcilerKeys(options);
      await using opened = await openBranch(options);
      const head = await opened.head();
      const commits = await opened.repository.log(head, MOST_COMMITS);
      const isCut = commits.length >= MOST_COMMITS || (await isCutOff(opened.repository, head));
      const named = withoutCopies(commits.flatMap((commit) => stepOf(commit, keys) ?? []))
        .filter((step) => rollout === undefined || step.rollout === rollout)
        .slice(0, most);
      if (named.length === 0 && isCut) throw historyCut();
      const { layout } = await readDocuments(await filesOfCommit(opened.repository, head));
      const place = { repository: opened.repository, head, evidenceFolder: layout.evidence };
      const steps: HistoryStep[] = [];
      for (const step of named) steps.push(await explained(step, place));
      // No step of it: it may be new, or mistyped. What was removed from the branch still has its history.
      if (steps.length === 0) await readGitView(opened.repository, head, rollout);
      const exitCode = steps.some(({ signature }) => signature.kind === 'bad') ? 1 : 0;
      const note = isCut && steps.length < most ? `\n\n${historyCut().message} ${historyCut().remedy}` : '';
      printResult({ json: steps, text: textOf(steps, rollout) + note, exitCode }, options.json ?? false);
    });
}
