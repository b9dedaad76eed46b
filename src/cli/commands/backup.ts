// Owns `slipway backup` and `slipway restore`.
import process from 'node:process';
import type { Command } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { shellWord } from '../../base/shell-word.ts';
import { countOf } from '../../wording/amounts.ts';
import { type Backup, makeBackup } from '../backup/make-backup.ts';
import { type Restored, restoreBackup } from '../backup/restore-backup.ts';
import { openHome } from '../home.ts';
import { printResult, type Result } from '../output.ts';
import { homeOption } from '../settings.ts';

interface BackupOptions {
  readonly home: string;
  readonly to: string;
  readonly keysTo?: string;
  readonly withKeys?: boolean;
  readonly withoutArtifacts?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface RestoreOptions {
  readonly home: string;
  readonly keys?: string;
  readonly published?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** On one line of a terminal; nothing where nobody watches. */
function progress(): { readonly onProgress: (what: string) => void; readonly end: () => void } {
  if (process.stderr.isTTY !== true) return { onProgress: () => undefined, end: () => undefined };
  const show = (what: string): void => void process.stderr.write(`\r\x1b[K${what}`);
  return { onProgress: show, end: () => show('') };
}

export function addBackupCommands(program: Command): void {
  program
    .command('backup')
    .description(
      'back up the home of a service, also while it runs: store, publication, trust policy and settings; the keys apart',
    )
    .addOption(homeOption())
    .requiredOption('--to <file|folder>', 'new file for the backup (.tar), or a folder that gets one named by its time')
    .option(
      '--keys-to <file|folder>',
      'where a backup of the keys goes: not beside the other, and rather to another machine',
    )
    .option('--with-keys', 'put the keys into the backup itself: who reads it can act as the service')
    .option('--without-artifacts', 'leave out model files in the publication')
    .option('--dry-run', 'write nothing; print what would be in it, and whether there is room')
    .option('--json', 'print JSON')
    .action(async (options: BackupOptions) => {
      const { keysTo = null, withKeys = false, dryRun = false, json = false } = options;
      const home = await openHome(options.home);
      const { onProgress, end } = progress();
      const order = { home, to: options.to, keysTo, withKeys, dryRun, clock: new SystemClock(), onProgress };
      const backup = await makeBackup({ ...order, withArtifacts: options.withoutArtifacts !== true }).finally(end);
      printResult(backupResult(backup, { withKeys, dryRun }), json);
    });
  program
    .command('restore <file>')
    .description('make a home out of a backup; what it publishes has higher versions than devices have seen')
    .addOption(homeOption())
    .option('--keys <file>', 'backup of the keys, where they are not in the backup itself')
    .option(
      '--published <url|folder>',
      'another copy of the publication, as on a static host: brings newer roots and the versions that it reached',
    )
    .option('--dry-run', 'check the backup and the keys, and keep nothing')
    .option('--json', 'print JSON')
    .action(async (file: string, options: RestoreOptions) => {
      const { home, keys: keysFile = null, published = null, dryRun = false, json = false } = options;
      const { onProgress, end } = progress();
      const order = { file, keysFile, home, published, dryRun, clock: new SystemClock(), onProgress };
      printResult(restoreResult(await restoreBackup(order).finally(end), home, dryRun), json);
    });
}

function backupResult(
  { file, keysFile, files, sizeBytes, list }: Backup,
  { withKeys, dryRun }: { readonly withKeys: boolean; readonly dryRun: boolean },
): Result {
  const { files: _, ...facts } = list ?? { files: [] };
  const verb = dryRun ? 'Would write' : 'Wrote';
  const lines = [`${verb} ${file}: ${countOf(files, 'file')}, ${countOf(sizeBytes, 'byte')}.`];
  if (keysFile !== null) lines.push(`${verb} ${keysFile}: the keys. Take it to another place.`);
  else if (withKeys) lines.push('The keys are in it: who reads it can act as the service.');
  else lines.push('The keys are not in it. Back them up once, and after each rotation: --keys-to.');
  return { json: { file, keysFile, files, sizeBytes, dryRun, ...facts }, text: lines.join('\n') };
}

function restoreResult({ list, isFromFuture, ...start }: Restored, home: string, dryRun: boolean): Result {
  const { takenAt, version, storeId, hasKeys } = list;
  const facts = { home, takenAt, version, storeId, files: list.files.length, hasKeys, ...start, dryRun };
  const lines = [
    `${dryRun ? 'Could restore' : 'Restored'} ${home} from the backup of ${takenAt}: ${countOf(list.files.length, 'file')}.`,
    `It publishes from version ${start.metadataVersion + 1} on, and what Git says now.`,
  ];
  if (start.newRoots > 0)
    lines.push(`Took ${countOf(start.newRoots, 'newer root')} of the publication that you named.`);
  if (isFromFuture)
    lines.push("The backup is from the future by this machine's clock: set the clock before the service starts.");
  if (start.areKeysStale) {
    lines.push(
      'The keys are older than the newest root (TUF_KEYS_STALE): devices refuse what they sign, and keep what they run.',
      'Restore with a newer backup of the keys, or make new ones before the service starts, with the key of the root:',
      `  slipway rotate online --home ${shellWord(home)} --key <root.key>`,
    );
  }
  if (!dryRun) {
    lines.push(
      'Tokens that were revoked or used up since then are valid again: look at `slipway token list`, and revoke them.',
    );
    lines.push(`Make sure that the old service is off, then start this one: slipway run --home ${shellWord(home)}`);
  }
  return { json: facts, text: lines.join('\n') };
}
