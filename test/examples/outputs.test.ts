// Proves the examples of models without classes: they are valid, a good version gets through, and one whose answers moved is kept from the fleet.
import { cpSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SCENARIOS } from '../../src/simulation/scenarios.ts';
import { CliSession } from '../cli/cli-session.ts';

vi.setConfig({ testTimeout: 240_000 });

const EXAMPLES = fileURLToPath(new URL('../../examples/outputs', import.meta.url));

const MANIFESTS = fileURLToPath(new URL('../../examples/manifests', import.meta.url));

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

test('a scenario about outputs that the model does not have is not rehearsed, and blames no policy', async () => {
  const options = '--repo outputs --devices 20 --hours 0.05'.split(' ');
  const told = 'missing-class needs an output of kind classes; price has none. Not rehearsed.';
  const one = await session.run(['simulate', 'price', '--scenario', 'missing-class', ...options]);
  expect([one.code, one.stdout]).toEqual([2, '']);
  expect(one.stderr).toContain(told);
  const all = await session.run(['simulate', 'price', '--all', ...options]);
  expect(all.stdout).toMatch(/^missing-class +bad +not rehearsed +- +-$/m);
  expect(all.stdout).toContain(`\n${told}\n`);
  expect(all.stdout).toContain('embedding-space-changed needs an output of kind embedding; price has none.');
  expect(all.stdout).not.toContain('price-drift needs');
  // Each is told as it ends, where no terminal shows how far it is.
  expect(all.stderr.split('\n').length - 1).toBe(SCENARIOS.length);
  expect(all.stderr).toMatch(/^1 of \d+ {2}good: held in canary \(open\)$/m);
  const classifier = ['simulate', 'invoice-ocr-eu', '--scenario', 'price-drift', '--repo', MANIFESTS];
  expect((await session.run(classifier)).stderr).toContain(
    'price-drift needs an output of kind scalar, detections or text; invoice-ocr has none. Not rehearsed.',
  );
});

test('what the manifests of a rollout do not let compare is said before anything rolls', async () => {
  const warned = async (file: string, from: string | RegExp, to: string): Promise<unknown> => {
    const text = readFileSync(session.path('outputs', file), 'utf8');
    session.write(`outputs/${file}`, text.replace(from, to));
    const { stdout } = await session.run(['validate', '--repo', 'outputs', '--json']);
    session.write(`outputs/${file}`, text);
    return (JSON.parse(stdout) as { warnings: { code: string; message: string; remedy: string }[] }).warnings.map(
      ({ code, message, remedy }) => `${code} ${message}${/ Did.*/.exec(` ${remedy}`)?.[0] ?? ''}`,
    );
  };
  const head = 'POLICY_OUTPUTS';
  expect(await warned('models/product-embedding/1.1.0.yaml', 'products-v1', 'products-v2')).toEqual([
    `${head} \`embedding_drift < 0.1\` can't be judged in the rollout "product-embedding" (1.1.0 after 1.0.0): the candidate's vectors are of the space products-v2, stable's of products-v1.`,
  ]);
  expect(await warned('models/price/1.1.0.yaml', 'kind: scalar', 'kind: scalar, centre: 9000')).toEqual([
    `${head} \`output_drift[price] < 0.1\` can't be judged in the rollout "price" (1.1.0 after 1.0.0): the candidate's manifest has centre 9000, stable's has 0.`,
  ]);
  expect(await warned('policies/price.yaml', 'output_drift[price]', 'output_drift[pirce]')).toEqual([
    expect.stringMatching(/the candidate declares no such output\. Did you mean `price`\?$/),
  ]);
  expect(await warned('models/summary/1.0.0.yaml', ', kind: text', '')).toEqual([
    `${head} \`length_drift < 0.1\` can't be judged in the rollout "summary" (1.1.0 after 1.0.0): the manifest of stable declares no such output.`,
  ]);
  expect(await warned('policies/shelf-detections.yaml', 'detections_drift < 0.1', 'odd_outputs < 0.1%')).toEqual([
    expect.stringContaining('POLICY_BLIND'),
    `${head} \`odd_outputs < 0.1%\` can't be judged in the rollout "shelf-detections" (1.1.0 after 1.0.0): the manifest of the candidate declares no such output.`,
  ]);
});
