// Holds the law that no request and no answer ends the shipped agent or its other models, under the limits of its unit.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { constantClassifier, recogniser } from '../support/onnx-fixture.ts';
import { AgentProcess, BuiltAgent, unitLimits } from './agent-process.ts';
import { DeviceWorld, until } from './device-world.ts';

const CHARACTERS = 6625;
let built: BuiltAgent;
let world: DeviceWorld;
let agent: AgentProcess;
let url: string;

beforeAll(async () => {
  built = await BuiltAgent.build();
  world = await DeviceWorld.open();
  const reader = await world.publishModel({
    name: 'reader',
    version: '1.0.0',
    onnx: recogniser(CHARACTERS),
    spec: {
      interface: {
        inputs: [{ name: 'x', type: 'float32', shape: [-1, -1, 4] }],
        outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, -1, CHARACTERS] }],
      },
      examples: [],
    },
  });
  const sorter = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0) });
  await world.direct(
    world.entry({ stable: reader, model: 'reader', rollout: 'reader-all' }),
    world.entry({ stable: sorter }),
  );
  agent = await AgentProcess.start(world, built);
  url = await agent.url();
  await until(async () => (await post('reader', tensor([1, 1, 4], zeros(4)))).status === 200, 'the reader to serve');
  await until(async () => (await post('sorter', tensor([1, 4], zeros(4)))).status === 200, 'the sorter to serve');
}, 240_000);

afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
  built[Symbol.dispose]();
});

const zeros = (count: number): string => `[${'0,'.repeat(count - 1)}0]`;
const tensor = (shape: readonly number[], data: string): string =>
  `{"inputs":[{"name":"x","datatype":"FP32","shape":[${shape}],"data":${data}}]}`;
const post = (model: string, body: string) => fetch(`${url}/v2/models/${model}/infer`, { method: 'POST', body });

describe('the shipped agent', () => {
  test('answers a batch of 8 of a text recogniser whole, several at once', { timeout: 240_000 }, async () => {
    const body = tensor([8, 40, 4], zeros(8 * 40 * 4));
    const ask = async (): Promise<void> => {
      const answer = await post('reader', body);
      const text = await answer.text();
      expect([answer.status, text.slice(-3)]).toEqual([200, ']}]}'.slice(-3)]);
      expect(text.split(',').length).toBeGreaterThan(8 * 40 * CHARACTERS);
    };
    await ask();
    await Promise.all([ask(), ask(), ask()]);
  });

  test.each<[string, string, number]>([
    ['an answer of 30 million values', tensor([8, 567, 4], zeros(8 * 567 * 4)), 400],
    [
      '16 MB of texts',
      `{"inputs":[{"name":"x","datatype":"BYTES","shape":[5000000],"data":[${'"",'.repeat(4_999_999)}""]}]}`,
      400,
    ],
    ['16 MB of lists', tensor([1, 1, 4], `[${'[],'.repeat(5_000_000)}[]]`), 400],
    ['16 MB of lists beside the data', `{"note":[${'[],'.repeat(5_000_000)}[]],"inputs":[]}`, 400],
    ['16 MB of brackets', '['.repeat(16_000_000), 400],
    ['16 MB of numbers for another shape', tensor([1, 1, 4], zeros(7_900_000)), 400],
    ['16 MB of numbers that the model has no memory for', tensor([1, 1_900_000, 4], zeros(7_600_000)), 500],
  ])('refuses %s, and its models answer on', { timeout: 120_000 }, async (_, body, status) => {
    const answer = await post('reader', body);
    expect([answer.status, typeof (await answer.json())]).toEqual([status, 'object']);
    expect((await post('sorter', tensor([1, 4], zeros(4)))).status).toBe(200);
    expect((await post('reader', tensor([1, 1, 4], zeros(4)))).status).toBe(200);
  });

  test('refuses to judge a million rows at once', { timeout: 120_000 }, async () => {
    expect((await post('sorter', tensor([1_000_000, 4], zeros(4_000_000)))).status).toBe(400);
    expect((await post('sorter', tensor([1, 4], zeros(4)))).status).toBe(200);
  });

  test('has not ended, nor come near what the unit allows', () => {
    expect([agent.isAlive, agent.log]).toEqual([true, expect.not.stringContaining('heap')]);
    expect(agent.resident()).toBeLessThan(unitLimits().memoryMost);
  });
});
