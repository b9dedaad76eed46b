// Laws of answers: numbers that mean nothing are errors of the version and are never passed on, a judgement is counted once a row, and a refused request says nothing of the version.
import { describe, expect, test } from 'vitest';
import { Measurements } from '../../../fleet-agent/src/measure/measurements.ts';
import { type LoadedModel, ModelError } from '../../../fleet-agent/src/model/model-host.ts';
import { signatureOf } from '../../../fleet-agent/src/model/model-signature.ts';
import { selfTest } from '../../../fleet-agent/src/model/self-test.ts';
import { bytesOf, type Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import { HeldBytes } from '../../../fleet-agent/src/serve/held-bytes.ts';
import { ModelServer } from '../../../fleet-agent/src/serve/model-server.ts';
import { judgeTrial, trialLimitsOf } from '../../../fleet-agent/src/update/trial.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import type { ModelManifest, OutputTensor } from '../../../src/contract/types.generated.ts';
import { clock } from '../device-world.ts';

const NAMES = ['a', 'b', 'c', 'd'];

interface Answering {
  readonly output?: Partial<OutputTensor>;
  readonly shape?: readonly number[];
  readonly values: readonly number[];
  readonly rows?: number;
  readonly datatype?: Tensor['datatype'];
}

function manifestWith(output: Partial<OutputTensor>): ModelManifest {
  const outputs = [{ name: 'y', type: 'float32', shape: [-1, 4], classes: NAMES, ...output }];
  const inputs = [{ name: 'x', type: 'float32', shape: [-1, 2] }];
  return { spec: { interface: { inputs, outputs }, confidence: { least: 0.5 } } } as unknown as ModelManifest;
}

const rowsOfInput = (rows: number): Tensor[] => [
  { name: 'x', datatype: 'FP32', shape: [rows, 2], data: new Float32Array(2 * rows) },
];

/** A server whose model always gives this answer. */
function serverWith({ output = {}, values, shape = [values.length / 4, 4], datatype = 'FP32' }: Answering) {
  const measurements = new Measurements();
  const server = new ModelServer('m', clock, measurements);
  const data = Float32Array.from(values);
  const loaded: LoadedModel = {
    run: async () => [{ name: 'y', datatype, shape, data }],
    release: async () => undefined,
  };
  const signature = signatureOf(manifestWith(output));
  server.swap({ ...{ slot: 'A', digest: digestOf('m'), version: '1' }, signature, loaded, defaults: {} });
  return { server, loaded, signature, interval: () => measurements.take(clock.monotonicMs() + 1)[0] };
}

const ask = async (answering: Answering) => {
  const { server, interval } = serverWith(answering);
  const answer = await server.infer(rowsOfInput(answering.rows ?? 1)).catch((error: unknown) => error);
  return { answer, interval: interval(), counts: server.counts };
};

describe('an answer must be an answer', () => {
  const good = [0.7, 0.1, 0.1, 0.1];
  test.each<[string, Answering]>([
    ['NaN', { values: [0.7, Number.NaN, 0.1, 0.1] }],
    ['infinity', { values: [0.7, Number.POSITIVE_INFINITY, 0.1, 0.1] }],
    ['minus infinity in the second row', { values: [...good, 0.7, Number.NEGATIVE_INFINITY, 0.1, 0.1], rows: 2 }],
    ['NaN without classes', { output: { classes: [] }, values: [0.7, Number.NaN, 0.1, 0.1] }],
    [
      'NaN in another shape than that of classes',
      { output: { classes: [], shape: [-1, 2, 2] }, shape: [1, 2, 2], values: [1, 2, 3, Number.NaN] },
    ],
    [
      'infinite float16',
      { output: { type: 'float16' }, datatype: 'FP16', values: [Number.POSITIVE_INFINITY, 0, 0, 0] },
    ],
    ['a confidence above 1', { values: [7.3, 0.1, 0.1, 0.1] }],
    ['a confidence of hundreds in the second row', { values: [...good, 255, 0, 0, 0], rows: 2 }],
    ['negative scores', { values: [-1, -2, -3, -4] }],
    ['a negative score beside a good one', { values: [0.9, -5, 0.05, 0.05] }],
    ['NaN for logits', { output: { scores: 'logits' }, values: [1, Number.NaN, 0, 0] }],
  ])('%s is an error of every row that was asked, and no class, confidence or answer', async (_, answering) => {
    const { answer, interval, counts } = await ask(answering);
    const rows = answering.rows ?? 1;
    expect(answer).toBeInstanceOf(ModelError);
    expect(answer).toMatchObject({ reason: 'bad-value' });
    expect(interval).toMatchObject({ inferences: rows, errors: { 'bad-value': rows }, classes: {}, unknown: 0 });
    expect(interval?.confidence.every((count) => count === 0)).toBe(true);
    expect(counts).toMatchObject({ inferences: rows, errors: rows });
  });

  test('an example that makes it answer so fails the self-test, though it expects nothing of that value', async () => {
    const { loaded, signature } = serverWith({ output: { classes: [] }, values: [1, Number.NaN, 0, 0] });
    const manifest = { spec: { examples: [{ name: 'e', inputs: { x: [0, 0] }, expect: { outputs: {} } }] } };
    expect(await selfTest(loaded, manifest as unknown as ModelManifest, signature)).toMatchObject({
      kind: 'failed',
      reason: 'self-test',
      message: expect.stringContaining('"y" at 1 is NaN'),
    });
  });

  test('logits are no probabilities, and become some where the manifest says so', async () => {
    const { answer, interval } = await ask({ output: { scores: 'logits' }, values: [12, -3, 11, 0] });
    expect(answer).toMatchObject({ modelVersion: '1' });
    expect(interval).toMatchObject({ inferences: 1, errors: {}, classes: { a: 1 }, unknown: 0 });
    expect(interval?.confidence[14]).toBe(1); // e¹² / (e¹² + e¹¹ + …) = 0.731
  });
});

describe('one judgement a row is counted once a row', () => {
  const row = (best: number): number[] => NAMES.map((_, i) => (i === best ? 0.92 : 0.02));
  test.each<[string, readonly number[], readonly number[], number]>([
    ['[-1, 4]', [-1, 4], [3, 4], 3],
    ['[-1, 1, 4]', [-1, 1, 4], [3, 1, 4], 3],
    ['[-1, 4, 1, 1]', [-1, 4, 1, 1], [3, 4, 1, 1], 3],
    ['[-1, 2, 2]', [-1, 2, 2], [3, 2, 2], 3],
    ['[-1, -1]', [-1, -1], [3, 4], 3],
    ['[3, 4] of a fixed batch', [3, 4], [3, 4], 3],
  ])('%s', async (_, promised, shape, rows) => {
    const values = [0, 1, 1].flatMap(row);
    const { interval } = await ask({ output: { shape: [...promised] }, shape, values, rows });
    expect(interval).toMatchObject({ inferences: 3, errors: {}, classes: { a: 1, b: 2 }, unknown: 0 });
    expect(interval?.confidence[18]).toBe(3);
  });

  test('one row without a batch', async () => {
    const { interval } = await ask({ output: { shape: [4] }, shape: [4], values: row(2) });
    expect(interval).toMatchObject({ inferences: 1, classes: { c: 1 } });
  });

  test('several judgements a row are an error, not a choice among them', async () => {
    const { answer, interval } = await ask({
      output: { shape: [-1, -1, 4] },
      shape: [1, 2, 4],
      values: [0, 1].flatMap(row),
    });
    expect(answer).toMatchObject({ reason: 'bad-shape' });
    expect(interval).toMatchObject({ inferences: 1, errors: { 'bad-shape': 1 } });
  });

  test('unknown answers are counted in all rows of a batch', async () => {
    const { interval } = await ask({ values: [...row(0), 0.3, 0.3, 0.2, 0.2, 0.3, 0.3, 0.2, 0.2], rows: 3 });
    expect(interval).toMatchObject({ inferences: 3, unknown: 2 });
  });

  test('a model without classes counts rows, latencies and nothing that it does not have', async () => {
    const { interval } = await ask({ output: { classes: [] }, values: Array.from({ length: 12 }, () => 70), rows: 3 });
    expect(interval).toMatchObject({ inferences: 3, errors: {}, classes: {}, unknown: 0 });
    expect(interval?.latencyMs.buckets.reduce((sum, [, count]) => sum + count, interval.latencyMs.zero)).toBe(3);
  });
});

test('an answer that finds no room is none: it counts nowhere, and cannot be remarked on', async () => {
  const { server, interval } = serverWith({ values: [0.7, 0.1, 0.1, 0.1] });
  const held = new HeldBytes(1);
  using other = held.open();
  other.set(1);
  using own = held.open();
  const asked = server.infer(rowsOfInput(1), { id: 'q', hold: (answer) => own.set(bytesOf(answer)) });
  await expect(asked).rejects.toMatchObject({ code: 'INFER_BUSY' });
  expect(server.takeFeedback([{ id: 'q', row: 0, className: '' }], 'complaints')).toMatchObject({ unknown: 1 });
  expect([server.counts.inferences, interval()?.inferences ?? 0, interval()?.rejected ?? 0]).toEqual([0, 0, 0]);
});

describe('a refused request', () => {
  const x = rowsOfInput(1)[0] as Tensor;
  test.each<[string, readonly Tensor[], readonly string[] | undefined]>([
    ['another shape', [{ ...x, shape: [1, 3], data: new Float32Array(3) }], undefined],
    ['another datatype', [{ ...x, datatype: 'INT32', data: new Int32Array(2) }], undefined],
    ['another name', [{ ...x, name: 'z' }], undefined],
    ['an input too many', [x, { ...x, name: 'z' }], undefined],
    ['the same input twice', [x, x], undefined],
    ['no input', [], undefined],
    ['an empty tensor', [{ ...x, shape: [0, 2], data: new Float32Array(0) }], undefined],
    ['less data than its shape', [{ ...x, data: new Float32Array(1) }], undefined],
    ['an output that the model lacks', [x], ['z']],
  ])(
    'for %s counts as rejected, never as an inference, an error or a part of the trial',
    async (_, inputs, outputs) => {
      const { server, interval } = serverWith({ values: [0.7, 0.1, 0.1, 0.1] });
      for (let i = 0; i < 30; i++)
        await expect(server.infer(inputs, { outputs })).rejects.toMatchObject({ code: 'INFER_SHAPE' });
      await server.infer([x]);
      const progress = { ...server.counts, elapsedMs: 1, starts: 1, latencyP95BeforeMs: null };
      expect(judgeTrial(trialLimitsOf({ warmUp: { inferences: 1 } }), progress, server.counts).kind).toBe('passed');
      expect(interval()).toMatchObject({ inferences: 1, errors: {}, rejected: 30 });
    },
  );
});
