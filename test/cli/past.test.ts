// Laws of looking back: any step is explained, compared and counted from a clone, whole, shallow or squashed; what is missing is said.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { stormyPast } from '../dashboard/stormy-past.ts';
import { ROLLOUT } from '../simulation/faulty-world.ts';
import { writeRepository } from '../support/written-repository.ts';
import { CliSession } from './cli-session.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

let session: CliSession;
interface Row {
  readonly commit: string | null;
  readonly revision: number | null;
  readonly kind: string;
  readonly version: string | null;
  readonly what: string;
}
let rows: Row[];
let reverted: Row;

async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await session.run([...args, '--json'])).stdout) as T;
}

async function historyOf(repository: string): Promise<Row[]> {
  return (await json<{ rows: Row[] }>('history', ROLLOUT, '--repo', repository, '-n', '500')).rows;
}

beforeAll(async () => {
  session = new CliSession();
  const past = await stormyPast(14, 120);
  await writeRepository(past.world.host, past.head, session.path('models.git'));
  rows = await historyOf('models.git');
  const found = rows.find(({ kind }) => kind === 'roll-back');
  if (found === undefined) throw new Error('nothing was taken back');
  reverted = found;
});
afterAll(() => session[Symbol.asyncDispose]());

test('a step is explained by its revision, its commit, a commit after it, and its version, exact or by how it begins', async () => {
  const { revision, commit, version } = reverted;
  const explain = (...moment: string[]) => session.run(['explain', ROLLOUT, '--repo', 'models.git', ...moment]);
  const byRevision = await explain('--revision', String(revision));
  expect(byRevision.stdout).toContain(`Step ${revision}, `);
  expect((await explain('--commit', commit?.slice(0, 12) ?? '')).stdout).toBe(byRevision.stdout);
  expect((await explain('--version', version ?? '')).stdout).toContain(`Step `);
  expect((await explain('--version', version?.slice(0, 1) ?? '')).code).toBe(0);
  expect(await explain('--version', '9.9.9')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^STEP_UNKNOWN[\s\S]*Versions with evidence: /),
  });
  expect(await explain('--revision', '4000')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^STEP_UNKNOWN[\s\S]*Its steps are \d+ to \d+/),
  });
  expect(await explain('--commit', 'ffff')).toMatchObject({ code: 2, stderr: expect.stringContaining('STEP_UNKNOWN') });
  expect(await explain('--commit', 'ffff', '--revision', '1')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('USAGE'),
  });
});

test('two commits are compared in devices, and the present in what is asked and decided', async () => {
  const { stdout } = await session.run(['diff', `${reverted.commit}`.slice(0, 12), '--repo', 'models.git']);
  expect(stdout).toMatch(/^From [0-9a-f]{10} to [0-9a-f]{10}:/);
  const start = rows.slice(rows.indexOf(reverted)).find(({ kind }) => kind === 'start');
  const { rollouts } = await json<{ rollouts: { moved: number | null }[] }>(
    'diff',
    start?.commit ?? '',
    reverted.commit ?? '',
    '--repo',
    'models.git',
  );
  expect(rollouts).toEqual([expect.objectContaining({ rollout: ROLLOUT, moved: expect.any(Number) })]);
  expect(rollouts[0]?.moved).toBeGreaterThan(0);
  expect((await session.run(['diff', '--repo', 'models.git'])).stdout).toMatch(
    /ROLLOUT +ASKED +DECIDED +DECLARED DEVICES +RUNNING/,
  );
  expect(await session.run(['diff', 'HEAD~99999', '--repo', 'models.git'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('COMMIT_UNKNOWN'),
  });
});

test('a shallow clone tells steps from evidence, and says what it can not know', async () => {
  session.git('.', 'clone', '-q', '--depth', '2', `file://${session.path('models.git')}`, 'shallow');
  const told = (all: readonly Row[]) =>
    all.filter(({ kind }) => kind !== 'person').map(({ revision, what }) => [revision, what]);
  expect(told(await historyOf('shallow'))).toEqual(told(rows));
  const { stdout } = await session.run(['figures', '--repo', 'shallow', '--since', '500w']);
  expect(stdout).toContain('git fetch --unshallow');
  const oldest = rows.at(-1)?.commit ?? '';
  const away = await session.run(['explain', ROLLOUT, '--repo', 'shallow', '--commit', oldest]);
  expect(away).toMatchObject({ code: 2, stderr: expect.stringMatching(/STEP_UNKNOWN[\s\S]*git fetch --unshallow/) });
  const postmortem = await session.run(['postmortem', ROLLOUT, '--repo', 'shallow']);
  expect(postmortem.stdout).toMatch(/## Not known[\s\S]*cut off/);
  const forged = `Slipway-Rollout: ${ROLLOUT}\nSlipway-Transition: 4000 canary→full\nSlipway-Kind: advance`;
  session.git('shallow', 'commit', '-q', '--allow-empty', '-m', 'All is well', '-m', forged);
  const gone = await session.run(['explain', ROLLOUT, '--repo', 'shallow', '--revision', '4000']);
  expect(gone).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^EVIDENCE_MISSING[\s\S]*git fetch --unshallow/),
  });
});

test('one rollout is a tree of stages and rules as its last step was decided', async () => {
  const { stdout } = await session.run(['status', ROLLOUT, '--repo', 'models.git']);
  expect(stdout).toMatch(/As of its last step:\n\nstormy: model on \*, [a-z-]+ \(revision \d+/);
  expect(stdout).toMatch(/Stages\n├─ canary: .*\n└─ full: /);
});

test('events are the steps of the branch, oldest first, one JSON document a line', async () => {
  const { stdout } = await session.run(['events', '--repo', 'models.git', '-n', '500', '--json']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
  const steps = rows.filter(({ kind, commit }) => kind !== 'person' && commit !== null);
  expect(lines.map(({ commit }) => commit)).toEqual(steps.map(({ commit }) => commit).toReversed());
});

test('steps that someone squashed are told from the evidence that the squashed commit has', async () => {
  session.git('.', 'clone', '-q', 'models.git', 'squashed');
  const steps = rows.filter(({ kind }) => kind !== 'person');
  session.git('squashed', 'reset', '-q', '--soft', 'HEAD~8');
  session.git('squashed', 'commit', '-qm', 'Squash what the service did');
  const after = (await historyOf('squashed')).filter(({ kind }) => kind !== 'person');
  expect(after.map(({ revision, what }) => [revision, what])).toEqual(
    steps.map(({ revision, what }) => [revision, what]),
  );
  expect(after.some(({ commit }) => commit === null)).toBe(true);
});

test('versions are listed with where they stand, and by what they were trained from', async () => {
  const versions = await json<{ version: string; standings: { role: string }[] }[]>('models', '--repo', 'models.git');
  expect(versions.map(({ version }) => version)).toEqual(['3.0.0', '2.0.0', '1.0.0']);
  const roles = versions.flatMap(({ standings }) => standings.map(({ role }) => role));
  expect(roles).toContain('rejected');
  expect((await session.run(['lineage', 'model', '--repo', 'models.git'])).stdout).toMatch(/^model\n1\.0\.0: /);
  expect(await session.run(['lineage', 'modle', '--repo', 'models.git'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('Did you mean model?'),
  });
});
