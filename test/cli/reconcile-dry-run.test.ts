// Holds that a dry run changes nothing that anybody acts on: the store's rows, the publication and the branch stay as they were.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type ComposedReconciler, composeReconciler } from '../../src/cli/compose-service.ts';
import { generateKeyPair } from '../../src/signing/keys.ts';
import { rolloutText } from '../support/document-texts.ts';
import { type CommandResult, clock, Installation } from '../support/installation.ts';

let place: Installation;

beforeEach(async () => {
  place = await Installation.open();
  const { files } = await place.release('sorter', '1.0.0', 0);
  await place.pushStart([...files, ['rollouts/sorter-eu.yaml', rolloutText('sorter-eu', 'sorter', '1.0.0')]]);
});

afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

async function compose(): Promise<ComposedReconciler> {
  const { set } = place;
  return composeReconciler({
    settings: {
      ...{ home: set.home, repository: set.repositoryUrl, branch: 'main' },
      credentials: () => ({ kind: 'basic', ...set.credentials }),
      ...{ insecureHttp: true, host: '127.0.0.1', port: 0, hookSecret: null, viewerToken: null },
      ...{ reportIntervalMs: 60_000, heartbeatMs: 2_000, leaseMs: 15_000, environment: process.env },
      reconciler: { pollMs: 1_000, tickMs: 1_000, emergencyAfterMs: 120_000 },
    },
    clock,
    random: seededRandom('dry-run', 'reconciler'),
    logger: silentLogger,
    instance: '-once',
  });
}

/** Every row of every table. */
function rows(): Record<string, unknown[]> {
  using db = new DatabaseSync(place.set.home.store, { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const read = (name: unknown): unknown[] => db.prepare(`SELECT * FROM "${name}"`).all();
  return Object.fromEntries(tables.map(({ name }) => [String(name), read(name)]));
}

/** Every file below a folder with its content's digest. */
async function files(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
  const contents = paths.sort().map(async (file): Promise<[string, string]> => {
    return [
      path.relative(folder, file),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ];
  });
  return Object.fromEntries(await Promise.all(contents));
}

async function state() {
  const { home } = place.set;
  return {
    rows: rows(),
    publication: await files(home.publication),
    branch: (await place.ci.git('--git-dir', place.set.repository, 'rev-parse', 'main')).trim(),
  };
}

function dryRun(): Promise<CommandResult> {
  const { home, repositoryUrl, credentials } = place.set;
  const where = ['--home', home.folder, '--repo', repositoryUrl, '--insecure-http', '--git-user', credentials.username];
  return place.slipway('reconcile', '--once', '--dry-run', ...where);
}

test('a dry run leaves store, publication and branch as they were, before the first step and after it', {
  timeout: 300_000,
}, async () => {
  const mirror = `${place.set.home.mirror}-once`;
  {
    await using composed = await compose();
    const [token = ''] = await composed.store.createEnrolmentTokens({ expiresAtMs: clock.now() + 600_000 });
    const { publicPem: publicKey } = generateKeyPair();
    await composed.store.enrol({ token, device: 'd1', publicKey, labels: {}, nowMs: clock.now() });
  }
  const empty = await state();
  const first = await dryRun();
  expect(first.stderr).toBe('');
  expect(first.stdout).toMatch(/The next cycle would:\nsorter-eu: .* → full/);
  expect(await state()).toEqual(empty);

  {
    await using composed = await compose();
    const cycle = await composed.reconciler.cycle(new AbortController().signal);
    expect(cycle.kind).toBe('stepped');
  }
  const stepped = await state();
  const mirrored = await files(mirror);
  await place.push('another version', (await place.release('sorter', '1.1.0', 1)).files);
  const second = await dryRun();
  expect(second.stdout).toMatch(/nothing to do\n\n.*sorter-eu/s);
  const { branch, ...kept } = await state();
  expect(kept).toEqual({ rows: stepped.rows, publication: { ...stepped.publication, ...(await addedArtifact()) } });
  expect(branch).not.toBe(stepped.branch);
  const changed = Object.entries(await files(mirror)).flatMap(([file, digest]) =>
    mirrored[file] === digest ? [] : [file],
  );
  // What was fetched, where it was found, and which process held the mirror.
  const isOfFetching = (file: string): boolean => /^(owner|g-[^/]+\/(objects\/.*|refs\/slipway\/head))$/.test(file);
  expect(changed.filter((file) => !isOfFetching(file))).toEqual([]);
});

/** CI put the second version's file where devices fetch it. */
async function addedArtifact(): Promise<Record<string, string>> {
  const now = await files(place.set.home.publication);
  return Object.fromEntries(Object.entries(now).filter(([file]) => file.startsWith('artifacts/')));
}
