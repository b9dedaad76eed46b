// Owns `slipway init`: a new manifests repository with its first commit, and the home of its service unless there is one.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { initialiseTuf } from '../../distribution/tuf-roots.ts';
import { findAuthor } from '../../git/isomorphic/find-author.ts';
import { IsomorphicWorkTree } from '../../git/isomorphic/isomorphic-work-tree.ts';
import { CI_HOSTS, type CiHost, ciFiles, ciSteps, ownersOf } from '../ci-files.ts';
import { COMMAND } from '../command-name.ts';
import { createHome } from '../create-home.ts';
import { DEMO_MODEL } from '../demo/example-model.ts';
import { type Home, homeAt } from '../home.ts';
import { assureKeyFolder, findCiKey, folderBeside, isThere, type KeyFolder, keyFolderAt } from '../key-folder.ts';
import { FLEET_TEXT, README_TEXT, rolloutText, settingsText } from '../new-manifests.ts';
import { NEW_POLICIES, type NewPolicy, POLICY_TEXTS } from '../new-policies.ts';
import { printResult } from '../output.ts';
import { schemaFiles, withSchemaLine } from '../schema-lines.ts';
import { homeOption } from '../settings.ts';
import { releaseFiles, signedFiles } from '../signed-files.ts';

interface InitOptions {
  readonly home: string;
  readonly keys?: string;
  readonly policy: NewPolicy;
  readonly ci: CiHost;
  readonly owners?: string;
  readonly example?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = { rollout: `${DEMO_MODEL}-eu`, version: '1.0.0', target: 'region:eu-west' };

function isInside(folder: string, other: string): boolean {
  const relative = path.relative(other, folder);
  return relative === '' || !(relative.startsWith('..') || path.isAbsolute(relative));
}

/** Who pushes to the repository, and who reads the home, must get no key of others. Throws INIT_HOME_INSIDE and INIT_KEYS_INSIDE. */
function assertApart(folder: string, home: Home, keys: KeyFolder): void {
  if (isInside(home.folder, folder)) {
    throw new CodedError({
      code: 'INIT_HOME_INSIDE',
      message: `The home ${home.folder} would be inside the manifests repository, so its keys would be pushed.`,
      remedy: 'Pass a home outside of it with --home, for example --home ../.slipway.',
    });
  }
  const around = isInside(keys.folder, home.folder) ? 'the home' : 'the manifests repository';
  if (!isInside(keys.folder, home.folder) && !isInside(keys.folder, folder)) return;
  throw new CodedError({
    code: 'INIT_KEYS_INSIDE',
    message: `The keys of CI and of the TUF root would be in ${keys.folder}, inside ${around}.`,
    remedy: 'Pass a folder outside of the home and of the manifests repository with --keys.',
  });
}

/** Nothing of anybody's is overwritten: the folder is new, empty, or a clone without a commit. Throws INIT_…. */
async function assertRoom(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new CodedError({
      code: 'INIT_FOLDER',
      message: `${folder} can't be used: ${error.message}.`,
      remedy: 'Pass a new folder.',
      cause: error,
    });
  });
  if (names.includes('slipway.yaml')) {
    throw new CodedError({
      code: 'INIT_EXISTS',
      message: `${folder} is already a manifests repository.`,
      remedy: '`slipway validate` checks it; `slipway run` rolls out from it.',
    });
  }
  const others = names.filter((name) => name !== '.git');
  const hasCommit = names.includes('.git') && (await new IsomorphicWorkTree(folder).hasCommit());
  if (others.length === 0 && !hasCommit) return;
  throw new CodedError({
    code: 'INIT_NOT_EMPTY',
    message: `${folder} is not empty: it has ${hasCommit ? 'commits' : others.slice(0, 3).join(', ')}.`,
    remedy: 'Pass a new or empty folder: manifests need a repository of their own.',
  });
}

/** Keys, trust policy and root of trust; existing ones are kept. Returns whether anything was created. */
async function assureHome(home: Home, keys: KeyFolder): Promise<boolean> {
  const hasTrust = (await readFileIfPresent(home.trustPolicy)) !== undefined;
  const hasRoot = (await readFileIfPresent(path.join(home.publication, 'metadata', '1.root.json'))) !== undefined;
  if (!hasRoot) {
    await assureKeyFolder(keys);
    const { tuf, publication } = home;
    const nowMs = new SystemClock().now();
    await initialiseTuf({ keys: tuf, rootKeysFolder: keys.folder, publication, nowMs });
  }
  if (!hasTrust) await createHome(home, keys);
  return !hasTrust || !hasRoot;
}

/** The key that signs the first policies. Throws INIT_CI_KEY when the home trusts one that was taken elsewhere. */
async function ciKeyFor(home: Home, keys: KeyFolder): Promise<string> {
  const found = await findCiKey(home, keys);
  if (found !== undefined || !(await isThere(home.ciPublicKey))) return found ?? keys.ciKey;
  throw new CodedError({
    code: 'INIT_CI_KEY',
    message: `CI's key signs the first policies, and ${keys.ciKey} is not there.`,
    remedy: 'Bring the key there for this command, or pass the folder that holds it with --keys.',
  });
}

type Places = { readonly home: Home; readonly keys: Pick<KeyFolder, 'ciKey'> };

async function firstFiles(at: Places, policy: NewPolicy, withExample: boolean): Promise<Map<string, string>> {
  const files = new Map<string, string>([
    ['README.md', README_TEXT],
    ...(await schemaFiles()),
    ['slipway.yaml', withSchemaLine('slipway.yaml', 'repository', settingsText(policy))],
    ['fleet/kiosks.yaml', withSchemaLine('fleet/kiosks.yaml', 'device-group', FLEET_TEXT)],
  ]);
  for (const name of NEW_POLICIES) {
    const file = `policies/${name}.yaml`;
    const signed = await signedFiles(at, file, withSchemaLine(file, 'rollout-policy', POLICY_TEXTS[name]));
    for (const [one, text] of signed) files.set(one, text);
  }
  if (!withExample) return files;
  const { rollout: name, version, target } = EXAMPLE;
  for (const [file, text] of await releaseFiles(at, { kind: 'baseline', version, sequence: 1, parent: null }))
    files.set(file, text);
  const file = `rollouts/${name}.yaml`;
  const text = rolloutText({ name, model: DEMO_MODEL, version, target, policy });
  return files.set(file, withSchemaLine(file, 'rollout', text));
}

async function commitFirst(folder: string, files: ReadonlyMap<string, string>): Promise<string> {
  const tree = await IsomorphicWorkTree.create(folder);
  const author = (await findAuthor(folder, process.env)) ?? { name: 'Slipway', email: 'slipway@localhost' };
  return tree.commit(files, 'Begin: settings, policies, a group of devices\n', author);
}

interface Made {
  readonly folder: string;
  readonly home: string;
  readonly homeIsNew: boolean;
  /** Files of the keys that belong to others than the service; empty when the home was there before. */
  readonly keys: readonly string[];
  readonly commit: string;
  readonly files: readonly string[];
  readonly next: readonly string[];
  /** What is to be done at the Git host, in words. */
  readonly atHost: readonly string[];
}

function nextCommands(folder: string, home: string, ciKey: string, withExample: boolean): string[] {
  const repo = shellWord(folder);
  const at = home === '.slipway' ? '' : ` --home ${shellWord(home)}`;
  const manifest = `${repo}/models/<model>/<version>.yaml`;
  const publish = [
    `${COMMAND} release model.onnx --manifest ${manifest} --key ${shellWord(ciKey)} --repo ${repo}${at}`,
  ];
  return [
    `${COMMAND} validate --repo ${repo} --trust ${shellWord(path.join(home, 'trust-policy.yaml'))}`,
    ...(withExample ? [] : publish),
    `${COMMAND} run --repo ${repo}${at}`,
    `${COMMAND} token${at}`,
    `${COMMAND} status --repo ${repo}`,
  ];
}

const WHERE_KEYS_BELONG: Readonly<Record<string, string>> = {
  'ci.key': 'signs models and policies: make it a secret of your CI, or import it into a KMS, and delete it here',
  'root.key': 'replaces stolen or lost keys of the service: keep two copies offline, and delete it here',
  'trust.key': 'signs for devices who may sign models: keep two copies offline, and delete it here',
};

function keysText(files: readonly string[]): string[] {
  const [first] = files;
  if (first === undefined) return [];
  const names = files.map((file) => path.basename(file));
  return [
    `${path.dirname(first)}  keys that the service does not need; move them off its machine:`,
    ...names.map((name) => `  ${name.padEnd(9)}  ${WHERE_KEYS_BELONG[name]}`),
  ];
}

function textOf(made: Made): string {
  return [
    `${made.folder}  manifests repository, ${made.files.length} files, commit ${made.commit.slice(0, 10)}`,
    `${made.home}  home of the service${made.homeIsNew ? '; keep its keys secret' : ', unchanged'}`,
    ...keysText(made.keys),
    '',
    'Next:',
    ...made.next.map((command) => `  ${command}`),
    ...(made.atHost.length === 0 ? [] : ['', 'At your Git host:', ...made.atHost.map((step) => `  ${step}`)]),
  ].join('\n');
}

async function make(folder: string, options: Omit<InitOptions, 'json'>): Promise<Made> {
  const { home: homeFolder, keys: keysFolder = folderBeside(homeFolder), policy, example = false, ci } = options;
  const owners = ownersOf(options.owners);
  const home = homeAt(homeFolder);
  const keys = keyFolderAt(keysFolder);
  assertApart(path.resolve(folder), home, keys);
  await assertRoom(path.resolve(folder));
  const ciKey = await ciKeyFor(home, keys);
  const homeIsNew = await assureHome(home, keys);
  const files = new Map([
    ...(await firstFiles({ home, keys: { ciKey } }, policy, example)),
    ...(await ciFiles(ci, owners)),
  ]);
  const commit = await commitFirst(path.resolve(folder), files);
  const shown = ciKey === keys.ciKey ? path.join(keysFolder, 'ci.key') : ciKey;
  return {
    ...{ folder, home: homeFolder, homeIsNew, keys: homeIsNew ? await keysThere(keysFolder) : [] },
    ...{ commit, files: [...files.keys()], next: nextCommands(folder, homeFolder, shown, example) },
    atHost: ciSteps(ci, owners),
  };
}

async function keysThere(folder: string): Promise<string[]> {
  const there = [];
  for (const name of Object.keys(WHERE_KEYS_BELONG))
    if (await isThere(path.join(folder, name))) there.push(path.join(folder, name));
  return there;
}

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('create a manifests repository with policies to begin with, and a home for its service')
    .argument('<folder>', 'folder of the new repository')
    .addOption(homeOption())
    .option(
      '--keys <folder>',
      "folder for CI's key and the keys of the TUF root and of trust policies (default: <home>-keys, beside the home)",
    )
    .addOption(
      new Option('--policy <name>', 'policy of rollouts that name none, and of the example')
        .choices(NEW_POLICIES)
        .default('careful'),
    )
    .addOption(
      new Option('--ci <host>', 'add a job that checks each change, and CODEOWNERS').choices(CI_HOSTS).default('none'),
    )
    .option('--owners <list>', 'who has to approve changes, for CODEOWNERS, such as @acme/ml-leads')
    .option('--example', 'include an example: train a small document classifier now, and add its rollout')
    .option('--json', 'print JSON')
    .action(async (folder: string, { json = false, ...options }: InitOptions) => {
      const made = await make(folder, options);
      printResult({ json: made, text: textOf(made) }, json);
    });
}
