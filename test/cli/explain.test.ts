// Laws of explaining by command: the service explains a rollout in progress, evidence in Git explains past steps, in the same words and facts.
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession, until } from './cli-session.ts';

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

const ROLLOUT = 'document-classifier-eu';
const VIEWER = { SLIPWAY_VIEWER_TOKEN: 'look' };
const ASK = ['explain', ROLLOUT, '--repo', 'models.git'];

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--example']);
  session.git('.', 'clone', '-q', '--bare', 'models', 'models.git');
});
afterEach(() => session[Symbol.asyncDispose]());

interface Told {
  readonly from: 'service' | 'git';
  readonly explanation: { readonly rules: readonly unknown[]; readonly certainty: string };
  readonly terms: unknown;
  readonly window: { readonly listenedMs: number };
  readonly measured: { readonly revision: number; readonly commit: string; readonly signature: unknown };
}

async function told(...more: string[]): Promise<Told> {
  const { stdout } = await session.run([...ASK, ...more, '--json'], VIEWER);
  return JSON.parse(stdout) as Told;
}

test('one rollout is explained while it rolls, by the service, and after it was taken back, by its evidence', async () => {
  await session.say(ASK.join(' '));
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003'], { region: 'eu-west' });
  const { url } = await session.serve(['--repo', 'models.git'], VIEWER);
  const live = ['--server', url];
  const state = (word: string) =>
    until(async () => (await session.run(['status', ...live], VIEWER)).stdout.includes(word));
  await state('canary 1.0.0');
  await session.say([...ASK, ...live].join(' '), VIEWER);
  await session.say(ASK.join(' '));
  const rolling = await told(...live);
  const response = await fetch(`${url}/v1/outlooks/${ROLLOUT}`, { headers: { authorization: 'Bearer look' } });
  const answer = (await response.json()) as { readonly rollouts: readonly Told[]; readonly explanation: unknown };
  expect(rolling).toMatchObject({
    from: 'service',
    terms: { stage: 'canary', soakMs: 1_800_000, minimumInferences: 1000 },
  });
  expect(answer.rollouts[0]).toMatchObject({ terms: rolling.terms });
  expect(answer.explanation).toMatchObject({ certainty: rolling.explanation.certainty });

  await session.run(['abort', ROLLOUT, '--repo', 'models.git', '--reason', 'customers call']);
  await state('was rejected');
  await session.say(ASK.join(' '));
  const back = await told(...live);
  expect(back).toMatchObject({
    from: 'git',
    measured: { revision: 2, signature: { kind: 'good' } },
    terms: rolling.terms,
  });
  expect(back.window.listenedMs).toBeGreaterThan(0);
  expect(back.explanation.rules).toHaveLength(rolling.explanation.rules.length);
  expect(session.git('models.git', 'log', '-1', '--format=%H', 'main')).toBe(back.measured.commit);
  const text = session
    .text()
    .replaceAll(/watched for [\d a-z]+ of at least/g, 'watched for N s of at least')
    .replaceAll(/Deadline: (1 d|23 h \d+ min) of/g, 'Deadline: N h of')
    .replaceAll(/N s of soak|(\d+ min )?\d+ (min|s) of soak/g, 'N min of soak');
  await expect(text).toMatchFileSnapshot('golden/explain.txt');
});

test('evidence that the reconciler did not sign is ignored, and a rollout that is not there is an error', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003'], { region: 'eu-west' });
  await session.run(['reconcile', '--repo', 'models.git']);
  session.git('.', 'clone', '-q', 'models.git', 'mine');
  const folder = session.path('mine/evidence', ROLLOUT);
  const [name = ''] = readdirSync(folder).filter((file) => /^1-.*\.json$/.test(file));
  const envelope = JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as { payload: string };
  const statement = Buffer.from(envelope.payload, 'base64').toString('utf8').replaceAll('"revision":1', '"revision":9');
  const forged = { ...envelope, payload: Buffer.from(statement).toString('base64') };
  session.write(`mine/evidence/${ROLLOUT}/9-canary-stable.json`, JSON.stringify(forged));
  session.write(`mine/evidence/${ROLLOUT}/8-canary-stable.json`, '{"payload":"bm90IGpzb24="}');
  session.write(`mine/evidence/${ROLLOUT}/7-canary-stable.json`, `"${'x'.repeat(3 * 1024 * 1024)}"`);
  session.git('mine', 'add', '-A');
  session.git('mine', 'commit', '-qm', 'All is well');
  session.git('mine', 'push', '-q');
  const known = await session.run(ASK);
  expect(known.stdout).toContain('9-canary-stable.json is ignored');
  expect(known.stdout).toContain('Step 1, start → canary');
  expect(known.stdout).not.toContain('Step 9');
  const unknown = await session.run([...ASK, '--home', 'elsewhere']);
  expect(unknown.stdout).toContain('Step 9');
  expect(unknown.stdout).toContain('signature not checked');
  const missing = await session.run(['explain', 'nothing', '--repo', 'models.git']);
  expect(missing).toMatchObject({ code: 2, stdout: '' });
  expect(missing.stderr).toContain('ROLLOUT_UNKNOWN');
});
