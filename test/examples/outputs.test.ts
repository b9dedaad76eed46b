// Proves the examples of models without classes: they are valid, a good version gets through, and one whose answers moved is kept from the fleet.
import { cpSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CliSession } from '../cli/cli-session.ts';

vi.setConfig({ testTimeout: 240_000 });

const EXAMPLES = fileURLToPath(new URL('../../examples/outputs', import.meta.url));

let session: CliSession;
beforeAll(() => {
  session = new CliSession();
  cpSync(EXAMPLES, session.path('outputs'), { recursive: true });
});
afterAll(() => session[Symbol.asyncDispose]());

test('they are valid, without a warning', async () => {
  const { code, stderr, stdout } = await session.run(['validate', '--repo', 'outputs', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ valid: true, warnings: [] });
});

test.each([
  ['price', 'good', 'completed'],
  ['price', 'price-drift', 'reverted'],
  ['product-embedding', 'good', 'completed'],
  ['product-embedding', 'embedding-space-changed', 'reverted'],
  ['shelf-detections', 'good', 'completed'],
  ['shelf-detections', 'price-drift', 'reverted'],
  ['summary', 'good', 'completed'],
])('%s rehearsed: %s is %s, by all of its rules', async (rollout, scenario, outcome) => {
  const args = ['--repo', 'outputs', '--scenario', scenario, '--devices', '90', '--hours', '4', '--json'];
  const { stdout } = await session.run(['simulate', rollout, ...args]);
  expect(JSON.parse(stdout)).toMatchObject({ outcome, judgement: 'right', notRehearsed: [], breaches: [] });
});

test('what the manifests of a rollout do not let compare is said before anything rolls', async () => {
  const warned = async (file: string, from: string | RegExp, to: string): Promise<unknown> => {
    const text = readFileSync(session.path('outputs', file), 'utf8');
    session.write(`outputs/${file}`, text.replace(from, to));
    const { stdout } = await session.run(['validate', '--repo', 'outputs', '--json']);
    session.write(`outputs/${file}`, text);
    return (JSON.parse(stdout) as { warnings: { code: string; message: string }[] }).warnings.map(
      ({ code, message }) => `${code} ${message}`,
    );
  };
  const head = 'POLICY_OUTPUTS';
  expect(await warned('models/product-embedding/1.1.0.yaml', 'products-v1', 'products-v2')).toEqual([
    `${head} \`embedding_drift < 0.1\` can't be judged in the rollout "product-embedding" (1.1.0 after 1.0.0): the candidate's vectors are of the space products-v2, stable's of products-v1.`,
  ]);
  expect(await warned('models/price/1.1.0.yaml', 'kind: scalar', 'kind: scalar, centre: 9000')).toEqual([
    `${head} \`output_drift[price] < 0.1\` can't be judged in the rollout "price" (1.1.0 after 1.0.0): the candidate's manifest has centre 9000, stable's has 0.`,
  ]);
  expect(await warned('models/summary/1.0.0.yaml', ', kind: text', '')).toEqual([
    `${head} \`length_drift < 0.1\` can't be judged in the rollout "summary" (1.1.0 after 1.0.0): the manifest of stable declares no such output.`,
  ]);
  expect(await warned('policies/shelf-detections.yaml', 'detections_drift < 0.1', 'odd_outputs < 0.1%')).toEqual([
    expect.stringContaining('POLICY_BLIND'),
    `${head} \`odd_outputs < 0.1%\` can't be judged in the rollout "shelf-detections" (1.1.0 after 1.0.0): the manifest of the candidate declares no such output.`,
  ]);
});
