// Owns `slipway rotate`: other keys and tokens while the fleet goes on.
import path from 'node:path';
import type { Command } from 'commander';
import { toIsoSeconds } from '../../base/clock.ts';
import { shellWord } from '../../base/shell-word.ts';
import { changedRoles, type NextRoot, signaturesOf } from '../../distribution/next-root.ts';
import { countOf } from '../../wording/amounts.ts';
import { openHome } from '../home.ts';
import { wholeNumberOf } from '../option-values.ts';
import { printResult, type Result } from '../output.ts';
import { type Rotation, readHandedOver, signNextRoot } from '../rotate/next-root-file.ts';
import { finishRotation, rotateOnline } from '../rotate/online-keys.ts';
import { rotateRootKeys } from '../rotate/root-keys.ts';
import { homeOption } from '../settings.ts';
import { type ClockOptions, clockOption, signingTime } from '../signing-time.ts';
import { addRotateCi } from './rotate-ci.ts';
import { addRotateReconciler } from './rotate-reconciler.ts';
import { addTokenRotations } from './rotate-tokens.ts';

interface RunOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface RootOptions extends RunOptions, ClockOptions {
  readonly home: string;
  readonly key?: readonly string[];
  readonly to?: string;
}

interface NewRootOptions extends RootOptions {
  readonly newKey?: readonly string[];
  readonly replace?: readonly string[];
  readonly threshold?: string;
}

const MOST_ROOT_KEYS = 16;

async function orderOf({ home: folder, key, to, dryRun = false, ...clock }: RootOptions) {
  const home = await openHome(folder);
  return { home, keys: key, to, dryRun, nowMs: await signingTime(home.publication, clock) };
}

async function online(options: RootOptions): Promise<void> {
  const rotation = await rotateOnline(await orderOf(options));
  const after = [
    'A running service signs with the new keys within seconds; it needs no restart.',
    'Devices follow by themselves, also those that are off now: the publication keeps each root for them.',
    'Back the keys up again: slipway backup --to <folder> --keys-to <another folder>',
  ];
  printResult(resultOf('online', rotation, options, after), options.json === true);
}

async function rootRole(role: 'root' | 'trust', options: NewRootOptions): Promise<void> {
  const { newKey = [], replace, threshold } = options;
  const most = { least: 1, most: MOST_ROOT_KEYS };
  const rotation = await rotateRootKeys({
    ...(await orderOf(options)),
    ...{ role, newKeys: newKey, replace },
    threshold: threshold === undefined ? undefined : wholeNumberOf('--threshold', threshold, most),
  });
  printResult(resultOf(role, rotation, options, afterRoot(role, options, rotation.version)), options.json === true);
}

function afterRoot(role: 'root' | 'trust', { home, newKey = [] }: NewRootOptions, version: number): string[] {
  const follow = 'The service goes on as before. Devices follow by themselves, also those that are off now.';
  if (newKey.length === 0) return [follow];
  const keep = 'Keep two copies of each new key offline, and none on the machine of the service.';
  if (role === 'trust') {
    const file = shellWord(path.join(home, 'trust-policy.yaml'));
    return [
      ...[follow, keep],
      'Sign the trust policy again with them, or no device takes it any more:',
      `  slipway trust sign ${file} --publication <copy> --key <new key> --out <folder>`,
      '  slipway trust publish <folder>',
    ];
  }
  const root = path.join(home, 'publication', 'metadata', `${version}.root.json`);
  return [
    ...[follow, `${keep} Destroy the old keys once no device is behind.`],
    `Were the old keys stolen, give new devices this root: ${root}`,
  ];
}

async function finish(file: string, options: RootOptions): Promise<void> {
  const home = await openHome(options.home);
  const how = { dryRun: options.dryRun === true, nowMs: await signingTime(home.publication, options) };
  const rotation = await finishRotation(home, await readHandedOver(file), how);
  const after = [
    'A running service follows within seconds; it needs no restart. Devices follow by themselves, also those that are off now.',
    'Back the keys up again: slipway backup --to <folder> --keys-to <another folder>',
  ];
  printResult(resultOf('finish', rotation, options, after), options.json === true);
}

interface SignOptions extends RunOptions {
  readonly key: readonly string[];
  readonly newSigners?: boolean;
}

async function sign(file: string, options: SignOptions): Promise<void> {
  const { key: keys, newSigners: mayChangeSigners = false, dryRun = false, json = false } = options;
  const rotation = await signNextRoot({ file, keys, mayChangeSigners, dryRun });
  printResult(resultOf('sign', rotation, { ...options, home: '.slipway' }, []), json);
}

const STATES: Readonly<Record<Rotation['state'], (version: number) => string>> = {
  planned: (version) => `Would go on to root ${version}; nothing was changed.`,
  'waits-for-signatures': (version) => `Root ${version} waits for signatures.`,
  ready: (version) => `Root ${version} has its signatures.`,
  done: (version) => `Root ${version} is in force.`,
  'finished-earlier': (version) => `Root ${version} is in force: this finished what an earlier command began.`,
};

function resultOf(
  command: 'online' | 'root' | 'trust' | 'finish' | 'sign',
  rotation: Rotation,
  { home, dryRun = false }: Pick<RootOptions, 'home' | 'dryRun'>,
  after: readonly string[],
): Result {
  const { state, both, version, file, made } = rotation;
  const isInForce = state === 'done' || state === 'finished-earlier';
  const next = isInForce || (dryRun && file === null) ? after : file === null ? [] : handingOver(rotation, file, home);
  const facts = both === null ? null : factsOf(both);
  const json = { rotation: command, dryRun, state, root: version, ...facts, file, made, next };
  const lines = [STATES[state](version), ...(both === null ? [] : linesOf(both)), ...made.map(madeLine(dryRun))];
  return { json, text: [...lines, '', ...next].join('\n') };
}

function madeLine(dryRun: boolean): (file: string) => string {
  return (file) => `${dryRun ? 'Would make' : 'Made'} the key ${file}.`;
}

function factsOf(both: NextRoot) {
  const { expires } = both.next.signed;
  return { changes: changedRoles(both), expiresAt: expires, signatures: signaturesOf(both) };
}

function linesOf(both: NextRoot): string[] {
  const { changes, expiresAt, signatures } = factsOf(both);
  const what = changes.length === 0 ? 'no key changes' : `new keys for ${changes.join(', ')}`;
  const { present, next } = signatures;
  const of = ({ by, needed }: typeof present): string => `${by.length} of ${countOf(needed, 'signature')}`;
  return [
    `  changes     ${what}`,
    `  valid until ${toIsoSeconds(Date.parse(expiresAt))}`,
    `  signed      ${of(present)} by the present root's keys${changes.includes('root') ? `, ${of(next)} by its own` : ''}`,
  ];
}

/** What is to be done with the file. */
function handingOver({ both, state }: Rotation, file: string, home: string): string[] {
  const isNew = both !== null && changedRoles(both).some((role) => role === 'root' || role === 'trust');
  const at = home === '.slipway' ? '' : ` --home ${shellWord(home)}`;
  return [
    ...(state === 'ready'
      ? []
      : [
          `Take ${file} to each machine that holds a key of the root, and sign it there:`,
          `  slipway rotate sign ${shellWord(path.basename(file))} --key <root.key>${isNew ? ' --new-signers' : ''}`,
        ]),
    'Then take it to the machine of the service:',
    `  slipway rotate finish ${shellWord(state === 'ready' ? path.basename(file) : file)}${at}`,
  ];
}

const DRY_RUN = 'change nothing; print what would be done';
const KEY = 'private key of the root, which signs; repeatable (default: those in <home>-keys, beside the home)';

function addRunOptions(command: Command): Command {
  return command.option('--dry-run', DRY_RUN).option('--json', 'print JSON');
}

function addRootOptions(command: Command): Command {
  const signed = command
    .addOption(homeOption())
    .option('--key <file...>', KEY)
    .option('--to <file>', 'hand the next root over in this file, to be signed where its keys are')
    .addOption(clockOption());
  return addRunOptions(signed);
}

function addNewKeyOptions(command: Command): Command {
  return addRootOptions(command)
    .option('--new-key <file...>', 'new key: made where it is not there, and its public half will do')
    .option('--replace <id...>', 'beginning of the id of a key that is replaced; repeatable (default: all)')
    .option('--threshold <n>', 'how many keys must sign from then on (default: as many as now)');
}

export function addRotateCommand(program: Command): void {
  const rotate = program
    .command('rotate')
    .description('replace keys and tokens while the fleet goes on; each step may be cut off and repeated');
  addRootOptions(
    rotate.command('online').description('replace the three keys that the service signs the publication with'),
  ).action(online);
  addRotateCi(rotate);
  const root = rotate
    .command('root')
    .description('replace keys of the TUF root; without --new-key, renew it for a year');
  addNewKeyOptions(root).action((options: NewRootOptions) => rootRole('root', options));
  const trust = rotate.command('trust').description('replace the keys that sign trust policies');
  addNewKeyOptions(trust).action((options: NewRootOptions) => rootRole('trust', options));
  addRotateReconciler(rotate);
  addTokenRotations(rotate);
  addRunOptions(
    rotate
      .command('sign')
      .description('sign a next root where a key of the root is; needs no home')
      .argument('<file>', 'file that --to of `rotate online`, `rotate root` or `rotate trust` wrote')
      .requiredOption('--key <file...>', 'private key of the root; repeatable')
      .option('--new-signers', 'agree that other keys sign roots or trust policies from then on'),
  ).action(sign);
  addRunOptions(
    rotate
      .command('finish')
      .description('put a signed next root into force, in the home where the rotation began')
      .argument('<file>', 'file with the signatures')
      .addOption(homeOption())
      .addOption(clockOption()),
  ).action(finish);
}
