// Holds the law that real models go from `slipway package` and `sign` to a batch of 8 at the endpoint of the shipped agent, under the limits of its unit.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { findModels, PAPER_MODELS, VOICE_MODELS } from '../support/npm-models.ts';
import { AgentProcess, BuiltAgent, unitLimits } from './agent-process.ts';
import { DeviceWorld, type PublishedModel, until } from './device-world.ts';

const SILERO = 'dist/silero_vad_v5.onnx';
const [RECOGNISER, DETECTOR] = ['assets/ch_PP-OCRv4_rec_infer.onnx', 'assets/ch_PP-OCRv4_det_infer.onnx'];
const folders = await findModels([VOICE_MODELS, PAPER_MODELS]);
const [voices = '', papers = ''] = folders ?? [];

const run = promisify(execFile);
const SLIPWAY = path.join(import.meta.dirname, '../../src/cli/slipway.mjs');
const slipway = async (...args: string[]): Promise<string> => (await run(process.execPath, [SLIPWAY, ...args])).stdout;

const INTERFACES = {
  voice: {
    inputs: [
      { name: 'input', type: 'float32', shape: [-1, -1] },
      { name: 'state', type: 'float32', shape: [2, -1, 128] },
      { name: 'sr', type: 'int64', shape: [] },
    ],
    outputs: [
      { name: 'output', type: 'float32', shape: [-1, 1] },
      { name: 'stateN', type: 'float32', shape: [2, -1, 128] },
    ],
  },
  reader: {
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 3, 48, -1] }],
    outputs: [{ name: 'softmax_11.tmp_0', type: 'float32', shape: [-1, -1, 6625] }],
  },
  finder: {
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 3, -1, -1] }],
    outputs: [{ name: 'sigmoid_0.tmp_0', type: 'float32', shape: [-1, 1, -1, -1] }],
  },
};
type Model = keyof typeof INTERFACES;

const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const EXAMPLES: Readonly<Record<Model, object>> = {
  voice: {
    inputs: { input: zeros(512), state: zeros(256), sr: [16_000] },
    shapes: { input: [1, 512], state: [2, 1, 128] },
    expect: { outputs: { output: [0] }, tolerance: 0.1 },
  },
  reader: { inputs: { x: zeros(3 * 48 * 32) }, shapes: { x: [1, 3, 48, 32] }, expect: { outputs: {} } },
  finder: { inputs: { x: zeros(3 * 32 * 32) }, shapes: { x: [1, 3, 32, 32] }, expect: { outputs: {} } },
};

let built: BuiltAgent;
let world: DeviceWorld;
let agent: AgentProcess;
let url: string;

/** As CI would: the file into the publication, its line into a manifest, and a signature beside that. */
async function release(model: Model, file: string): Promise<PublishedModel> {
  const lines = await slipway('package', file, '--home', world.folder);
  const at = path.join(world.folder, `${model}.yaml`);
  await writeFile(
    at,
    `apiVersion: slipway.dev/v1alpha1
kind: ModelManifest
metadata: { name: ${model}, version: "1.0.0" }
spec:
  framework: onnx
  interface: ${JSON.stringify(INTERFACES[model])}
  variants:
    - platform: any
      files:
${lines.trimEnd()}
  examples: [${JSON.stringify({ name: 'nothing', ...EXAMPLES[model] })}]
`,
  );
  const key = path.join(world.folder, 'ci.key');
  await writeFile(key, world.ci.privatePem);
  await slipway('sign', at, '--key', key);
  const manifest = await readFile(at, 'utf8');
  const digest = digestOf(manifest);
  const published = path.join(world.publication, 'manifests', `${hexOf(digest)}.yaml`);
  await mkdir(path.dirname(published), { recursive: true });
  for (const end of ['', '.sigstore.json']) await copyFile(at + end, published + end);
  return { version: '1.0.0', digest, artifact: digestOf(await readFile(file)), manifest };
}

interface Output {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

async function infer(model: Model, inputs: readonly object[]): Promise<Output[]> {
  const answer = await fetch(`${url}/v2/models/${model}/infer`, { method: 'POST', body: JSON.stringify({ inputs }) });
  const body = (await answer.json()) as { error?: string; outputs: Output[] };
  expect([answer.status, body.error]).toEqual([200, undefined]);
  return body.outputs;
}

const image = (shape: readonly number[]) => {
  const count = shape.reduce((product, length) => product * length, 1);
  return [
    { name: 'x', datatype: 'FP32', shape, data: Array.from({ length: count }, (_, i) => ((i * 7) % 11) / 10 - 0.5) },
  ];
};

describe.skipIf(folders === undefined)('real models', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    built = await BuiltAgent.build();
    world = await DeviceWorld.open();
    await writeFile(path.join(world.folder, 'trust-policy.yaml'), '');
    const files = {
      voice: path.join(voices, SILERO),
      reader: path.join(papers, RECOGNISER),
      finder: path.join(papers, DETECTOR),
    };
    const entries = [];
    for (const [model, file] of Object.entries(files) as [Model, string][])
      entries.push(world.entry({ stable: await release(model, file), model, rollout: `${model}-all` }));
    await world.direct(...entries);
    agent = await AgentProcess.start(world, built);
    url = await agent.url();
    const isReady = async (): Promise<boolean> => {
      const ready = await Promise.all(Object.keys(files).map((model) => fetch(`${url}/v2/models/${model}/ready`)));
      return ready.every(({ status }) => status === 200);
    };
    await until(isReady, 'three models to serve', 180_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${agent.log}`);
    });
  }, 300_000);

  afterAll(async () => {
    await agent?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
    built?.[Symbol.dispose]();
  });

  test('the voice activity detector hears 8 voices at once, and its state is carried over calls', async () => {
    const wave = Array.from({ length: 8 * 512 }, (_, i) => Math.sin(i / (3 + (i >> 9))) / 2);
    const hear = (state: readonly number[]) =>
      infer('voice', [
        { name: 'input', datatype: 'FP32', shape: [8, 512], data: wave },
        { name: 'state', datatype: 'FP32', shape: [2, 8, 128], data: state },
        { name: 'sr', datatype: 'INT64', shape: [], data: [16_000] },
      ]);
    const [first, state] = await hear(zeros(2048));
    const [second] = await hear(state?.data ?? []);
    const [fresh] = await hear(zeros(2048));
    expect([first?.shape, state?.shape]).toEqual([
      [8, 1],
      [2, 8, 128],
    ]);
    expect(first?.data.every((share) => share >= 0 && share <= 1)).toBe(true);
    expect(fresh?.data).toEqual(first?.data);
    expect(second?.data).not.toEqual(first?.data);
  });

  test('the recogniser reads 8 lines at once: 40 steps of 6,625 characters each', async () => {
    const [output] = await infer('reader', image([8, 3, 48, 320]));
    expect(output?.shape).toEqual([8, 40, 6625]);
    expect(output?.data).toHaveLength(8 * 40 * 6625);
    for (const step of [0, 8 * 40 - 1]) {
      const shares = output?.data.slice(step * 6625, (step + 1) * 6625) ?? [];
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 3);
    }
  });

  test('the detector looks at 8 pictures at once, of two sizes one after the other', async () => {
    for (const [height, width] of [
      [160, 320],
      [320, 192],
    ] as const) {
      const [output] = await infer('finder', image([8, 3, height, width]));
      expect(output?.shape).toEqual([8, 1, height, width]);
      expect(output?.data.every((share) => share >= 0 && share <= 1)).toBe(true);
    }
  });

  test('the agent has not ended, and took no more memory than its unit allows', () => {
    expect(agent.isAlive).toBe(true);
    expect(agent.log).not.toMatch(/heap|crashed|thread ended/);
    expect(agent.resident()).toBeLessThan(unitLimits().memoryMost);
  });
});
