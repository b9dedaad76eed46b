// Owns `slipway history`: the steps that the reconciler committed, and whether it really was the reconciler.
import type { KeyObject } from 'node:crypto';
import { type Command, Option } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import type { CommitFacts } from '../../git/manifests-repository.ts';
import { verifySshSignature } from '../../signing/ssh-signature.ts';
import { readGitView } from '../git-status.ts';
import { wholeNumberOf } from '../option-values.ts';
import { printResult, table } from '../output.ts';
import { reconcilerKeys } from '../reconciler-keys.ts';
import { addRepositoryOptions, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { SERVICE_SETTINGS } from '../settings.ts';

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
  readonly title: string;
  readonly reason: string;
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

/** A commit as a step; undefined when it does not say that it is one. */
function stepOf(commit: CommitFacts, keys: ReadonlyMap<string, KeyObject> | null): HistoryStep | undefined {
  const trailer = (name: string): string | undefined => commit.trailers.get(`Slipway-${name}`)?.at(-1);
  const rollout = trailer('Rollout');
  const transition = trailer('Transition');
  if (rollout === undefined || transition === undefined) return undefined;
  const [title = '', reason = ''] = commit.message.split(/\n(?:[ \t]*\n)+/);
  return {
    at: toIsoSeconds(commit.atMs),
    rollout,
    transition,
    kind: trailer('Kind') ?? '',
    title: title.replace(/^rollout\([^)]*\): /, ''),
    reason: oneLine(reason.split(/\n(?= {2}|Next: |This reverts )/)[0] ?? ''),
    commit: commit.oid,
    evidence: trailer('Evidence') ?? null,
    signature: judge(commit, keys),
  };
}

function textOf(steps: readonly HistoryStep[], rollout: string | undefined): string {
  if (steps.length === 0) return `No steps${rollout === undefined ? '' : ` of ${oneLine(rollout)}`} yet.`;
  const rows = steps.map((step) => [
    step.at,
    step.rollout,
    step.transition,
    step.commit.slice(0, 10),
    step.signature.kind,
    step.reason,
  ]);
  const header = ['WHEN', 'ROLLOUT', 'STEP', 'COMMIT', 'SIGNATURE', 'REASON'];
  const cells = rows.map((row) => row.map((cell) => clipped(oneLine(cell), MOST_CELL)));
  const bad = steps.flatMap(({ commit, signature }) =>
    signature.kind === 'bad' ? [`${commit.slice(0, 10)} is not the reconciler's: ${oneLine(signature.reason)}.`] : [],
  );
  const unknown = steps.some(({ signature }) => signature.kind === 'unknown')
    ? ['Nobody said whose signatures count: name the trust policy with --trust.']
    : [];
  return [table(header, cells), ...[...bad, ...unknown].map((note) => `\n${note}`)].join('\n');
}

export function addHistoryCommand(program: Command): void {
  const { home } = SERVICE_SETTINGS;
  addRepositoryOptions(
    program
      .command('history')
      .description('the steps of the rollouts, newest first, and whether the reconciler signed them')
      .argument('[rollout]', 'only of this one'),
  )
    .option(
      '--trust <file>',
      'trust policy with the keys of the reconciler (default: that of the home, when it is there)',
    )
    .addOption(new Option(home.flag, 'home of the service').env(home.variable).default(home.fallback))
    .option('-n, --most <n>', 'how many steps', '20')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 shown, 1 shown, and at least one signature is bad.')
    .action(async (rollout: string | undefined, options: HistoryOptions) => {
      const most = wholeNumberOf('-n', options.most, { least: 1, most: 10_000 });
      const keys = await reconcilerKeys(options);
      await using opened = await openBranch(options);
      const head = await opened.head();
      const commits = await opened.repository.log(head, MOST_COMMITS);
      const steps = commits
        .flatMap((commit) => stepOf(commit, keys) ?? [])
        .filter((step) => rollout === undefined || step.rollout === rollout)
        .slice(0, most);
      // No step of it: it may be new, or mistyped. What was removed from the branch still has its history.
      if (steps.length === 0 && rollout !== undefined) await readGitView(opened.repository, head, rollout);
      const exitCode = steps.some(({ signature }) => signature.kind === 'bad') ? 1 : 0;
      printResult({ json: steps, text: textOf(steps, rollout), exitCode }, options.json ?? false);
    });
}
