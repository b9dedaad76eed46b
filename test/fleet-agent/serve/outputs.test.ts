// Laws of outputs that are no classes: what is declared is summed up exactly and in few bytes, and what can't be seen is told by the application.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFeedback } from '../../../fleet-agent/src/measure/feedback.ts';
import { Measurements } from '../../../fleet-agent/src/measure/measurements.ts';
import { addOutputCounts, summarizeOutputs } from '../../../fleet-agent/src/measure/output-sums.ts';
import type { LoadedModel } from '../../../fleet-agent/src/model/model-host.ts';
import { signatureOf } from '../../../fleet-agent/src/model/model-signature.ts';
import type { Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import { ModelServer } from '../../../fleet-agent/src/serve/model-server.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { declaredOutputs } from '../../../src/contract/declared-outputs.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { countsOfSketch, emptyOutputSketch, outputCount } from '../../../src/contract/output-sketch.ts';
import { parseReport } from '../../../src/contract/parse-report.ts';
import type { ModelManifest, OutputTensor } from '../../../src/contract/types.generated.ts';
import { interval as intervalOf, report } from '../../store/reports.ts';
import { clock } from '../device-world.ts';

const PRICE: OutputTensor = { name: 'price', type: 'float64', shape: [-1, 1], kind: 'scalar' };
const VECTOR: OutputTensor = { name: 'v', type: 'float64', shape: [-1, 32], kind: 'embedding', space: 's1', centre: 5 };
const BOXES: OutputTensor = { name: 'boxes', type: 'float32', shape: [-1, 4], kind: 'detections' };
const TEXT: OutputTensor = { name: 'text', type: 'int64', shape: [-1, -1], kind: 'text' };

function serverWith(outputs: readonly OutputTensor[], answered: readonly Tensor[]) {
  const inputs = [{ name: 'x', type: 'float32', shape: [-1, 1] }];
  const spec = { interface: { inputs, outputs }, confidence: { least: 0.5 } };
  const loaded: LoadedModel = { run: async () => answered, release: async () => undefined };
  const measurements = new Measurements();
  const server = new ModelServer('m', clock, measurements);
  const signature = signatureOf({ spec } as unknown as ModelManifest);
  server.swap({ ...{ slot: 'A', digest: digestOf('m'), version: '1' }, signature, loaded, defaults: {} });
  const infer = (rows: number, id = 'q') =>
    server
      .infer([{ name: 'x', datatype: 'FP32', shape: [rows, 1], data: new Float32Array(rows) }], { id })
      .catch((error: unknown) => error);
  return { server, infer, interval: () => measurements.take(clock.monotonicMs() + 1)[0] };
}

const column = (name: string, values: readonly number[]): Tensor => ({
  ...{ name, datatype: 'FP64', shape: [values.length, 1], data: Float64Array.from(values) },
});

describe('an answer', () => {
  test('is summed up as its manifest declares it, once a row', async () => {
    const boxes = Float32Array.of(0.9, 0.6, 0.4, 0.5, 0, 0, 0, 0);
    const { infer, interval } = serverWith(
      [PRICE, BOXES],
      [column('price', [20, -3]), { name: 'boxes', datatype: 'FP32', shape: [2, 4], data: boxes }],
    );
    await infer(2);
    const { outputs } = interval() ?? {};
    expect(outputs?.scalars?.price).toMatchObject({ centre: 0, zero: 0, odd: 0 });
    expect(outputs?.scalars?.price?.plus).toHaveLength(2);
    expect(outputs?.scalars?.price?.minus).toHaveLength(2);
    expect(outputs?.detections).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  });

  test('never counts more often than the request has rows: the service would refuse the report', async () => {
    const { infer, interval } = serverWith([PRICE], [column('price', [1, 2, 3, 4, 5])]);
    await infer(1);
    const found = interval();
    expect(outputCount(found!.outputs!.scalars!.price!)).toBe(1);
    expect(found?.inferences).toBe(1);
  });

  test('that is NaN or infinite is an error, and an odd output as well', async () => {
    const { infer, interval } = serverWith([PRICE], [column('price', [1, Number.NaN, Number.POSITIVE_INFINITY])]);
    expect(await infer(3)).toMatchObject({ reason: 'bad-value' });
    expect(interval()).toMatchObject({ errors: { 'bad-value': 3 }, outputs: { scalars: { price: { odd: 2 } } } });
  });

  test('without a declared kind says nothing', async () => {
    const { kind: _, ...plain } = PRICE;
    const { infer, interval } = serverWith([plain], [column('price', [1])]);
    await infer(1);
    expect(interval()?.outputs).toBeUndefined();
  });
});

describe('an embedding', () => {
  const vectors = (rows: number): Tensor => {
    const random = seededRandom(1, 'vectors');
    const data = Float64Array.from({ length: rows * 32 }, () => random.next() - 0.5);
    return { name: 'v', datatype: 'FP64', shape: [rows, 32], data };
  };
  const summed = (rows: number, output = VECTOR) =>
    summarizeOutputs(declaredOutputs([output]), { outputs: [vectors(rows)], rows, least: 0 });

  test('has each vector once in each of 8 directions, and its length about the centre', () => {
    const { embedding, scalars } = summed(60)!;
    expect(embedding?.space).toBe('s1');
    for (let direction = 0; direction < 8; direction++) {
      const bins = embedding!.bins.slice(direction * 10, direction * 10 + 10);
      expect(bins.reduce((sum, one) => sum + one)).toBe(60);
    }
    expect(scalars?.v).toMatchObject({ centre: 5, plus: [], odd: 0 });
  });

  test('of a space without a name tells the lengths alone', () => {
    const { space: _, ...own } = VECTOR;
    expect(summed(60, own)).not.toHaveProperty('embedding');
    expect(summed(60, own)).toHaveProperty('scalars.v');
  });

  test('of a very large answer is looked at in a part of its vectors', () => {
    expect(outputCount(summed(10_000)!.scalars!.v!)).toBeLessThanOrEqual(2048);
  });
});

test('a scalar takes 1 kB of a report after 50,000 answers, 2 kB after any number, and none is lost', () => {
  const random = seededRandom(1, 'sizes');
  const values = Array.from({ length: 50_000 }, () => Math.tan(Math.PI * (random.next() - 0.5)) * 1e3);
  const outputs = [column('price', values)];
  const { price } = summarizeOutputs(declaredOutputs([PRICE]), { outputs, rows: values.length, least: 0 })!.scalars!;
  expect(JSON.stringify(price).length).toBeLessThan(1024);
  expect(outputCount(price!)).toBe(values.length);
  const fullest = emptyOutputSketch();
  for (const side of [fullest.plus, fullest.minus])
    for (let bucket = -207; bucket <= 700; bucket += 14) side.set(bucket, 7_600_000);
  const counts = countsOfSketch(fullest, -1234.5678901234567);
  expect(JSON.stringify(counts).length).toBeLessThan(2048);
  expect(outputCount(counts)).toBe(2 * 65 * 7_600_000);
  const usual = summarizeOutputs(declaredOutputs([PRICE]), {
    ...{ outputs: [column('price', values.slice(0, 60))], rows: 60, least: 0 },
  });
  expect(JSON.stringify(usual!.scalars!.price).length).toBeLessThan(350);
});

test('parts of an interval add up to what the whole would say', () => {
  const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constant(Number.NaN));
  const all = [PRICE, { ...BOXES, type: 'int32' as const, shape: [-1, 1] }];
  const summed = (values: readonly number[]) =>
    summarizeOutputs(declaredOutputs(all), {
      ...{ outputs: [column('price', values), column('boxes', values)], rows: values.length, least: 0 },
    })!;
  fc.assert(
    fc.property(fc.array(value, { maxLength: 40 }), fc.array(value, { maxLength: 20 }), (a, b) => {
      expect(addOutputCounts(summed(a), summed(b))).toEqual(summed([...a, ...b]));
    }),
  );
});

describe('a text', () => {
  const tokens: Tensor = { name: 'text', datatype: 'INT64', shape: [1, 3], data: BigInt64Array.of(1n, 2n, 3n) };
  const texts = (...items: readonly object[]) => parseFeedback(Buffer.from(JSON.stringify({ texts: items })), 'texts');

  test('that the application decodes is told by it: how long it is, and how it ended', async () => {
    const { server, infer, interval } = serverWith([TEXT], [tokens]);
    await infer(1, 'a');
    expect(server.takeFeedback(texts({ id: 'a', tokens: 130, end: 'stop' }), 'texts')).toMatchObject({ counted: 1 });
    expect(server.takeFeedback(texts({ id: 'a', tokens: 130, end: 'stop' }), 'texts')).toMatchObject({ repeated: 1 });
    const found = interval();
    expect(found?.outputs).toEqual({ lengths: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], ends: { stop: 1 } });
    const told = { ...intervalOf(), outputs: found!.outputs! };
    expect(parseReport(Buffer.from(JSON.stringify({ ...report(), intervals: [told] }))).intervals[0]).toEqual(told);
  });

  test('that is the answer itself is measured by the agent, and told of twice by nobody', async () => {
    const seen: OutputTensor = { ...TEXT, type: 'bytes', shape: [-1, 1] };
    const answer: Tensor = { name: 'text', datatype: 'BYTES', shape: [2, 1], data: ['', 'abcd'] };
    const { server, infer, interval } = serverWith([seen], [answer]);
    await infer(2, 'a');
    expect(interval()?.outputs?.lengths).toEqual([1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const refused = expect.objectContaining({ code: 'INFER_FEEDBACK' });
    expect(() => server.takeFeedback(texts({ id: 'a', tokens: 4 }), 'texts')).toThrow(refused);
    expect(server.takeFeedback(texts({ id: 'a', end: 'filter' }), 'texts')).toMatchObject({ counted: 1 });
  });

  test('is refused where the model has none, and where nothing is said of it', () => {
    const { server } = serverWith([PRICE], []);
    const refused = expect.objectContaining({ code: 'INFER_FEEDBACK' });
    expect(() => server.takeFeedback(texts({ id: 'a', end: 'stop' }), 'texts')).toThrow(refused);
    for (const item of [{}, { tokens: -1 }, { tokens: 1.5 }, { tokens: '3' }, { end: 'done' }, { tokens: 1, end: 7 }])
      expect(() => texts({ id: 'a', ...item })).toThrow(refused);
  });
});
