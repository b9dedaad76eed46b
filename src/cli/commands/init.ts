// Owns `slipway init`: a new manifests repository with its first commit, and the home of its service unless there is one.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { initialiseTuf } from '../../distribution/tuf-roots.ts';
import { findAuthor } from '../../git/isomorphic/find-author.ts';
import { IsomorphicWorkTree } from '../../git/isomorphic/isomorphic-work-tree.ts';
import { createHome } from '../create-home.ts';
import { DEMO_MODEL } from '../demo/example-model.ts';
import { type Home, homeAt } from '../home.ts';
import { FLEET_TEXT, README_TEXT, rolloutText, settingsText } from '../new-manifests.ts';
import { NEW_POLICIES, type NewPolicy, POLICY_TEXTS } from '../new-policies.ts';
import { printResult } from '../output.ts';
import { homeOption } from '../settings.ts';
import { releaseFiles, signedFiles } from '../signed-files.ts';

interface InitOptions {
  readonly home: string;
  readonly policy: NewPolicy;
  readonly example?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = { rollout: `${DEMO_MODEL}-eu`, version: '1.0.0', target: 'region:eu-west' };

/** Nothing of anybody's is overwritten: the folder is new, empty, or a clone without a commit. Throws INIT_…. */
async function assertRoom(folder: string, home: Home): Promise<void> {
  const relative = path.relative(folder, home.folder);
  if (relative === '' || !(relative.startsWith('..') || path.isAbsolute(relative))) {
    throw new CodedError({
      code: 'INIT_HOME_INSIDE',
      message: `The home ${home.folder} would be inside the manifests repository, so its keys would be pushed.`,
      remedy: 'Pass a home outside of it with --home, for example --home ../.slipway.',
    });
  }
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
async function assureHome(home: Home): Promise<boolean> {
  const hasTrust = (await readFileIfPresent(home.trustPolicy)) !== undefined;
  if (!hasTrust) await createHome(home);
  const root = path.join(home.publication, 'metadata', '1.root.json');
  if ((await readFileIfPresent(root)) !== undefined) return !hasTrust;
  await initialiseTuf({ keys: home.tuf, publication: home.publication, nowMs: new SystemClock().now() });
  return true;
}

async function firstFiles(home: Home, policy: NewPolicy, withExample: boolean): Promise<Map<string, string>> {
  const files = new Map<string, string>([
    ['README.md', README_TEXT],
    ['slipway.yaml', settingsText(policy)],
    ['fleet/kiosks.yaml', FLEET_TEXT],
  ]);
  for (const name of NEW_POLICIES) {
    const signed = await signedFiles({ home }, `policies/${name}.yaml`, POLICY_TEXTS[name]);
    for (const [file, text] of signed) files.set(file, text);
  }
  if (!withExample) return files;
  const { rollout: name, version, target } = EXAMPLE;
  for (const [file, text] of await releaseFiles({ home }, { kind: 'baseline', version, sequence: 1, parent: null }))
    files.set(file, text);
  return files.set(`rollouts/${name}.yaml`, rolloutText({ name, model: DEMO_MODEL, version, target, policy }));
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
  readonly commit: string;
  readonly files: readonly string[];
  readonly next: readonly string[];
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function nextCommands(folder: string, home: string, withExample: boolean): string[] {
  const repo = shellWord(folder);
  const at = home === '.slipway' ? '' : ` --home ${shellWord(home)}`;
  const publish = [
    `slipway package model.onnx --manifest ${repo}/models/<model>/<version>.yaml${at}`,
    `slipway sign ${repo}/models/<model>/<version>.yaml --key ${shellWord(path.join(home, 'keys', 'ci.key'))}`,
  ];
  const commands = [
    `slipway validate --repo ${repo} --trust ${shellWord(path.join(home, 'trust-policy.yaml'))}`,
    ...(withExample ? [] : publish),
    `slipway run --repo ${repo}${at}`,
    `slipway token${at}`,
    `slipway status --repo ${repo}`,
  ];
  // As in a checkout of Slipway, where nothing is installed for the whole machine.
  return commands.map((command) => `npx ${command}`);
}

function textOf(made: Made): string {
  return [
    `${made.folder}  manifests repository, ${made.files.length} files, commit ${made.commit.slice(0, 10)}`,
    `${made.home}  home of the service${made.homeIsNew ? '; keep its keys secret' : ', unchanged'}`,
    '',
    'Next:',
    ...made.next.map((command) => `  ${command}`),
  ].join('\n');
}

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('create a manifests repository with policies to begin with, and a home for its service')
    .argument('<folder>', 'folder of the new repository')
    .addOption(homeOption())
    .addOption(
      new Option('--policy <name>', 'policy of rollouts that name none, and of the example')
        .choices(NEW_POLICIES)
        .default('careful'),
    )
    .option('--example', 'include an example: train a small document classifier now, and add its rollout')
    .option('--json', 'print JSON')
    .action(async (folder: string, { home: homeFolder, policy, example = false, json = false }: InitOptions) => {
      const home = homeAt(homeFolder);
      await assertRoom(path.resolve(folder), home);
      const homeIsNew = await assureHome(home);
      const files = await firstFiles(home, policy, example);
      const commit = await commitFirst(path.resolve(folder), files);
      const next = nextCommands(folder, homeFolder, example);
      const made: Made = { folder, home: homeFolder, homeIsNew, commit, files: [...files.keys()], next };
      printResult({ json: made, text: textOf(made) }, json);
    });
}
