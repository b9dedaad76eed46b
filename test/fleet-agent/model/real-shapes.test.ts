// Holds the law that models as trainers leave them install, pass their self-test, serve and report: labels files, weights beside the model, float16, no classes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readLabels } from '../../../fleet-agent/src/model/labels-file.ts';
import type { ModelInterval } from '../../../src/contract/report.ts';
import {
  constantClassifier,
  ELEMENT,
  echo,
  modelWithDataFile,
  modelWithSequence,
  writeClassifier,
} from '../../support/onnx-fixture.ts';
import {
  DeviceWorld,
  MODEL,
  type ModelOrder,
  modelStatus,
  oneRow,
  openHost,
  until,
  untilRuns,
} from '../device-world.ts';

const host = openHost();
const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-labels-'));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await host.close();
});

const CLASSES = 21_841;
const labels = Buffer.from(Array.from({ length: CLASSES }, (_, i) => `n${i}, name ${i}\n`).join(''));

function wideClassifier(best: number): Buffer {
  const bias = new Float32Array(CLASSES);
  bias[best] = 20;
  return writeClassifier({ features: 4, classes: CLASSES, weights: new Float32Array(4 * CLASSES), bias });
}

const x = { name: 'x', type: 'float32', shape: [-1, 4] };
const spec = (output: object, example: object, input: object = x) => ({
  interface: { inputs: [input], outputs: [output] },
  examples: [{ name: 'e', inputs: { x: [0, 0, 0, 0] }, ...example }],
});

const ORDERS: Readonly<Record<string, Omit<ModelOrder, 'version'>>> = {
  'named by a file of 21,841 labels': {
    onnx: wideClassifier(21_000),
    files: [{ role: 'labels', name: 'labels.txt', bytes: labels }],
    spec: spec(
      { name: 'probabilities', type: 'float32', shape: [-1, CLASSES], classCount: CLASSES },
      { expect: { class: 'n21000, name 21000' } },
    ),
  },
  'with weights in a file of their own': {
    onnx: modelWithDataFile('model.onnx.data'),
    files: [{ role: 'data', name: 'model.onnx.data', bytes: Buffer.from(Float32Array.of(1, 2, 3, 4).buffer) }],
    spec: spec({ name: 'y', type: 'float32', shape: [-1, 4] }, { expect: { outputs: { y: [1, 2, 3, 4] } } }),
  },
  'with an output that is no tensor': {
    onnx: modelWithSequence(),
    spec: spec({ name: 'y', type: 'float32', shape: [-1, 4] }, { expect: { outputs: { y: [0, 0, 0, 0] } } }),
  },
  'in float16': {
    onnx: echo(ELEMENT.float16),
    spec: spec(
      { name: 'y', type: 'float16', shape: [-1] },
      { inputs: { x: [0.5, -2, 65_504] }, shapes: { x: [3], y: [3] }, expect: { outputs: { y: [0.5, -2, 65_504] } } },
      { name: 'x', type: 'float16', shape: [-1] },
    ),
  },
};

test.each(Object.entries(ORDERS))('a model %s installs and serves', async (_, order) => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0', ...order });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0').catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify(modelStatus(agent))}`);
  });
});

test('classes from a file stand in reports, and a model without classes reports rows and latencies', async () => {
  await using world = await DeviceWorld.open();
  const seen: ModelInterval[] = [];
  const ingest = world.store.ingest.bind(world.store);
  world.store.ingest = (batch) => {
    for (const { report } of batch) seen.push(...report.intervals);
    return ingest(batch);
  };
  const labelled = await world.publishModel({
    name: 'wide',
    version: '1.0.0',
    ...ORDERS['named by a file of 21,841 labels'],
  });
  const bare = await world.publishModel({ version: '1.0.0', ...ORDERS['with an output that is no tensor'] });
  await world.direct(
    world.entry({ stable: labelled, model: 'wide', rollout: 'wide-all' }),
    world.entry({ stable: bare }),
  );
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await until(() => modelStatus(agent, 'wide')?.isServing === true, 'the wide model to serve');
  for (const model of ['wide', MODEL]) for (let i = 0; i < 3; i++) await agent.infer(model, oneRow);
  const of = (model: string) => seen.filter((one) => one.model === model && one.inferences > 0);
  const sum = (model: string) => of(model).reduce((all, one) => all + one.inferences, 0);
  await until(() => sum('wide') === 3 && sum(MODEL) === 3, 'the reports');
  expect(Object.keys(of('wide')[0]?.classes ?? {})).toEqual(['n21000, name 21000']);
  expect(of(MODEL)[0]).toMatchObject({ classes: {}, errors: {}, unknown: 0 });
});

test('a model whose file lacks what its manifest names is refused in words', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const short = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(0),
    files: [{ role: 'labels', name: 'labels.txt', bytes: Buffer.from('a\nb\nc\n') }],
    spec: spec({ name: 'probabilities', type: 'float32', shape: [-1, 4], classCount: 4 }, { expect: { class: 'a' } }),
  });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: short }));
  const failure = await until(() => modelStatus(agent)?.failures[0], 'the refusal');
  expect(failure).toMatchObject({
    reason: 'load',
    message: "It can't be loaded: The labels file has 3 lines for 4 classes.",
  });
});

test('labels are read as trainers write them, and each becomes a name that reports may hold', async () => {
  const file = path.join(folder, 'labels.txt');
  writeFileSync(file, `\uFEFFcat\r\nn01\tdog\r\n\r\n__proto__\r\n${'x'.repeat(300)}\r\n \r\n`);
  expect(await readLabels(file)).toEqual(['cat', 'n01 dog', 'class 2', 'class 3', 'x'.repeat(128), ' ']);
});
