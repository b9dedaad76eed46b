// Owns `slipway prune`: removes artifacts from the publication that nobody may need any more.
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { oneLine } from '../../base/plain-text.ts';
import { type Digest, hexOf } from '../../contract/digest.ts';
import { lastSeenHead } from '../../git/isomorphic/mirror.ts';
import { filesOfCommit } from '../../git/repository-files.ts';
import { openSqliteFleetStore } from '../../store/sqlite/open-sqlite-fleet-store.ts';
import { countOf } from '../../wording/amounts.ts';
import { needInWords } from '../../wording/need-in-words.ts';
import { type Home, openHome } from '../home.ts';
import { durationOf } from '../option-values.ts';
import { printResult, type Result, table } from '../output.ts';
import { type PrunePlan, planPrune, removeUnneeded, type UnneededArtifact } from '../prune-artifacts.ts';
import { addRepositoryOptions, type OpenedBranch, openBranch, type RepositoryOptions } from '../repository-access.ts';
import { homeOption } from '../settings.ts';

const MOST_TRIES = 3;

interface PruneOptions extends RepositoryOptions {
  readonly home: string;
  readonly olderThan: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface Pruned {
  readonly commit: string;
  readonly plan: PrunePlan;
  readonly removed: readonly UnneededArtifact[];
}

export function addPruneCommand(program: Command): void {
  addRepositoryOptions(
    program
      .command('prune')
      .description(
        'remove artifacts from the publication that no rollout, directive, device or desired version may need; safe while the service runs',
      )
      .addOption(homeOption()),
  )
    .addOption(
      new Option(
        '--older-than <duration>',
        'keep artifacts that were uploaded more recently: their manifest may not be on the branch yet',
      ).default('7d'),
    )
    .option('--dry-run', 'remove nothing; print what would be removed, and why the rest stays')
    .option('--json', 'print JSON')
    .action(async (options: PruneOptions) => {
      const { dryRun = false, json = false } = options;
      const clock = new SystemClock();
      const olderThanMs = clock.now() - durationOf('--older-than', options.olderThan, 0);
      const home = await openHome(options.home);
      await using branch = await openBranch(options);
      const pruned = await prune({ home, branch, clock, olderThanMs, dryRun });
      printResult(resultOf(pruned, dryRun), json);
    });
}

interface PruneOrder {
  readonly home: Home;
  readonly branch: OpenedBranch;
  readonly clock: SystemClock;
  readonly olderThanMs: number;
  readonly dryRun: boolean;
}

/** The branch may move while the plan is made: then the plan is made anew. */
async function prune({ home, branch, clock, olderThanMs, dryRun }: PruneOrder): Promise<Pruned> {
  const { store: file, publication, mirror } = home;
  await using store = openSqliteFleetStore({ file, clock });
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const seen = await lastSeenHead(mirror);
    const commit = await branch.head();
    await assertNotBehind(branch, commit, seen);
    const files = await filesOfCommit(branch.repository, commit);
    const { devices } = await store.readFleet();
    const plan = await planPrune({ publication, files, devices: devices.values(), olderThanMs });
    if (dryRun || plan.unneeded.length === 0) return { commit, plan, removed: [] };
    if ((await branch.head()) !== commit) continue;
    return { commit, plan, removed: await removeUnneeded(publication, plan.unneeded) };
  }
  throw new CodedError({
    code: 'PRUNE_BRANCH_MOVES',
    kind: 'retry-later',
    message: 'The branch moved each time that prune looked at it. Nothing was removed.',
    remedy: 'Run it again later.',
  });
}

/** By a clone that lacks what the service has read, versions that somebody asked for since would look unneeded. */
async function assertNotBehind({ repository }: OpenedBranch, commit: string, seen: string | null): Promise<void> {
  if (seen === null || (await repository.isAncestor(seen, commit)) === true) return;
  throw new CodedError({
    code: 'PRUNE_BEHIND',
    message: `The service has read commit ${seen.slice(0, 10)}, and this repository's history does not show it. Nothing was removed.`,
    remedy:
      'Pass the repository and branch that the service follows, with --repo and --branch. If its history was rewritten, let the service read it first.',
  });
}

function resultOf({ commit, plan, removed }: Pruned, dryRun: boolean): Result {
  const going = dryRun ? plan.unneeded : removed;
  const bytes = going.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const why = (one: PrunePlan['kept'][number]): string =>
    one.keeping.kind === 'young' ? 'it was uploaded recently' : needInWords(one.keeping.need);
  const json = {
    commit,
    dryRun,
    removed: going.map(({ digest, sizeBytes, versions }) => ({ digest, sizeBytes, versions })),
    removedBytes: bytes,
    kept: plan.kept.map((one) => ({
      ...{ digest: one.digest, sizeBytes: one.sizeBytes },
      version: one.keeping.kind === 'young' ? null : one.keeping.version,
      why: why(one),
    })),
  };
  const rows = [
    ...going.map((one) => {
      const of = one.versions.length === 0 ? 'no known version' : one.versions.join(', ');
      return [dryRun ? 'would go' : 'removed', ...cellsOf(one), oneLine(of), 'nobody needs it'];
    }),
    ...plan.kept.map((one) => {
      const of = one.keeping.kind === 'young' ? '' : one.keeping.version;
      return ['stays', ...cellsOf(one), oneLine(of), oneLine(why(one))];
    }),
  ];
  const verb = dryRun ? 'Would remove' : 'Removed';
  const summary = `${verb} ${countOf(going.length, 'artifact')}, ${countOf(bytes, 'byte')}, by commit ${commit.slice(0, 10)}.`;
  const list = rows.length === 0 ? [] : [table(['', 'ARTIFACT', 'BYTES', 'VERSION', 'WHY'], rows)];
  return { json, text: [...list, summary].join('\n') };
}

function cellsOf({ digest, sizeBytes }: { readonly digest: Digest; readonly sizeBytes: number }): string[] {
  return [hexOf(digest).slice(0, 12), String(sizeBytes)];
}
