// Owns `slipway rotate reconciler`: in two steps, for devices take steps back from a key only once their trust policy lists it.
import path from 'node:path';
import type { Command } from 'commander';
import { shellWord } from '../../base/shell-word.ts';
import { openHome } from '../home.ts';
import { durationOf } from '../option-values.ts';
import { printResult } from '../output.ts';
import { beginReconciler, finishReconciler, type ReconcilerRotation } from '../rotate/reconciler-key.ts';
import { homeOption } from '../settings.ts';
import { type ClockOptions, clockOption, signingTime } from '../signing-time.ts';

interface Options extends ClockOptions {
  readonly home: string;
  readonly finish?: boolean;
  readonly overlap: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function reconciler(options: Options): Promise<void> {
  const { finish = false, dryRun = false, json = false } = options;
  const overlapMs = durationOf('--overlap', options.overlap, 1_000);
  const home = await openHome(options.home);
  const endMs = (await signingTime(home.publication, options)) + overlapMs;
  const rotation = finish ? await finishReconciler(home, { endMs, dryRun }) : await beginReconciler(home, dryRun);
  const next = finish ? afterFinish(rotation) : afterBegin(rotation, options);
  const text = [...(dryRun ? ['Nothing was changed. Without --dry-run:'] : []), ...next].join('\n');
  printResult({ json: { rotation: 'reconciler', dryRun, finish, ...rotation, next }, text }, json);
}

function afterBegin({ nextKeyId }: ReconcilerRotation, { home }: Options): string[] {
  const policy = shellWord(path.join(home, 'trust-policy.yaml'));
  const at = home === '.slipway' ? '' : ` --home ${shellWord(home)}`;
  return [
    `A new key${nextKeyId === null ? '' : ` (${nextKeyId})`} waits in the home, and ${policy} lists it. The service goes on with the old one.`,
    'Give devices this trust policy: by `slipway trust sign` and `slipway trust publish`, or as the file that they were given.',
    `Once all have it, go on: slipway rotate reconciler${at} --finish`,
  ];
}

function afterFinish({ endsAt }: ReconcilerRotation): string[] {
  return [
    'The service signs with the new key within seconds, without a restart, and publishes all entries anew.',
    `The old key stays listed until ${endsAt}: what it signed before stays verifiable, and counts for nothing that states a later time.`,
    'Give devices the trust policy again, with that end. Back the keys up again: slipway backup --to <folder> --keys-to <another folder>',
  ];
}

export function addRotateReconciler(rotate: Command): void {
  rotate
    .command('reconciler')
    .description('replace the key of steps, evidence and commits: list the new one, then --finish')
    .addOption(homeOption())
    .option('--finish', 'put the new key into its place, once devices have the trust policy that lists it')
    .option('--overlap <duration>', 'how long the old key still counts (with --finish)', '24h')
    .addOption(clockOption())
    .option('--dry-run', 'change nothing; print what would be done')
    .option('--json', 'print JSON')
    .action(reconciler);
}
