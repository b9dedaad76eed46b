// Laws of values at the endpoint of a real agent: each datatype goes in and out as it was sent, or is refused, and what means nothing is an error of the version.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { elementTypeOf } from '../../../fleet-agent/src/model/tensor.ts';
import type { ModelInterval } from '../../../src/contract/report.ts';
import { ELEMENT, echo } from '../../support/onnx-fixture.ts';
import { DeviceWorld, type ModelOrder, openHost, until } from '../device-world.ts';

const VALUES = {
  BOOL: ['true', 'false'],
  INT8: ['-128', '127'],
  UINT8: ['0', '255'],
  INT16: ['-32768', '32767'],
  UINT16: ['0', '65535'],
  INT32: ['-2147483648', '2147483647'],
  UINT32: ['0', '4294967295'],
  INT64: ['-9223372036854775808', '9007199254740993'],
  UINT64: ['0', '18446744073709551615'],
  FP16: ['65504', '-0.5'],
  FP32: ['3.4028234663852886e+38', '-1.5'],
  FP64: ['1.7976931348623157e+308', '0.1'],
  BYTES: ['"é\\u0001"', '""'],
} as const;
const BEYOND: Readonly<Record<keyof typeof VALUES, string>> = {
  ...{ BOOL: '2', INT8: '128', UINT8: '-1', INT16: '32768', UINT16: '65536', INT32: '3e9', UINT32: '4294967296' },
  ...{ INT64: '9223372036854775808', UINT64: '-1', FP16: '65520', FP32: '1e39', FP64: '1e999', BYTES: '"a\\u0000"' },
};
const DATATYPES = Object.keys(VALUES) as (keyof typeof VALUES)[];
const nameOf = (datatype: string): string => `echo-${datatype.toLowerCase()}`;

function echoOrder(name: string, type: ReturnType<typeof elementTypeOf>, operation?: string): ModelOrder {
  const tensor = (port: string, shape = [-1]) => ({ name: port, type, shape });
  const spec = {
    interface: { inputs: [tensor('x')], outputs: [tensor('y', name === 'misshapen' ? [-1, 2] : [-1])] },
    examples: [],
  };
  return { name, version: '1.0.0', onnx: echo(ELEMENT[type === 'bytes' ? 'string' : type], operation), spec };
}

const host = openHost();
let world: DeviceWorld;
let url: string;
const seen: ModelInterval[] = [];

beforeAll(async () => {
  world = await DeviceWorld.open();
  const ingest = world.store.ingest.bind(world.store);
  world.store.ingest = (batch) => {
    for (const { report } of batch) seen.push(...report.intervals);
    return ingest(batch);
  };
  const orders = DATATYPES.map((datatype) => echoOrder(nameOf(datatype), elementTypeOf(datatype)));
  const all = [
    ...orders,
    echoOrder('log', 'float32', 'Log'),
    echoOrder('refusing', 'int8'),
    echoOrder('misshapen', 'int8'),
  ];
  const entries = [];
  for (const order of all) {
    const { name = '' } = order;
    entries.push(world.entry({ stable: await world.publishModel(order), model: name, rollout: name }));
  }
  await world.direct(...entries);
  const { agent, endpointPort } = await world.startAgent(host, { endpointPort: 0 });
  url = `http://127.0.0.1:${endpointPort}/v2/models`;
  const isReady = (name: string): boolean => agent.status().models.some((one) => one.model === name && one.isServing);
  await until(() => all.every(({ name = '' }) => isReady(name)), 'all models to serve');
}, 120_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await host.close();
});

const post = async (model: string, body: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`${url}/${model}/infer`, { method: 'POST', body });
  return { status: answer.status, text: await answer.text() };
};
const request = (datatype: string, data: string, count: number): string =>
  `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${count}],"data":[${data}]}]}`;
const sum = (model: string, pick: (one: ModelInterval) => number): number =>
  seen.filter((one) => one.model === model).reduce((total, one) => total + pick(one), 0);

test.each(DATATYPES)('%s comes out as it went in, and what it does not hold is refused', async (datatype) => {
  const values = VALUES[datatype];
  const { status, text } = await post(nameOf(datatype), request(datatype, values.join(), values.length));
  expect([status, text]).toEqual([
    200,
    expect.stringContaining(`"datatype":"${datatype}","shape":[2],"data":[${values.join()}]`),
  ]);
  const refused = await post(nameOf(datatype), request(datatype, `${values[0]},${BEYOND[datatype]}`, 2));
  expect([refused.status, JSON.parse(refused.text)]).toEqual([
    400,
    {
      code: 'INFER_SHAPE',
      error: expect.stringContaining(`"x" at 1 is ${BEYOND[datatype]}, which ${datatype} can't hold`),
    },
  ]);
});

test('what means nothing is never an answer: 500, and an error of the version', async () => {
  for (const value of ['-1', '0']) {
    const { status, text } = await post('log', request('FP32', value, 1));
    expect([status, JSON.parse(text)]).toMatchObject([500, { reason: 'bad-value' }]);
  }
  await until(() => sum('log', ({ errors }) => errors['bad-value'] ?? 0) === 2, 'the report');
});

test('an answer of another shape than the manifest promises is an error of the version, not of the caller', async () => {
  const { status, text } = await post('misshapen', request('INT8', '1', 1));
  expect([status, JSON.parse(text)]).toMatchObject([500, { reason: 'bad-shape' }]);
  await until(() => sum('misshapen', ({ errors }) => errors['bad-shape'] ?? 0) === 1, 'the report');
});

test.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number]>([
  ['no JSON', 'x=1', { 'content-type': 'application/x-www-form-urlencoded' }, 400],
  ['a packed body', new Uint8Array([31, 139, 8, 0]), { 'content-encoding': 'gzip' }, 400],
  ['binary data behind the JSON', `${request('INT8', '1', 1)}\u0001`, { 'inference-header-content-length': '70' }, 400],
  ['no data', '{"inputs":[{"name":"x","datatype":"INT8","shape":[1]}]}', {}, 400],
  ['no shape', '{"inputs":[{"name":"x","datatype":"INT8","data":[1]}]}', {}, 400],
  ['no datatype', '{"inputs":[{"name":"x","shape":[1],"data":[1]}]}', {}, 400],
  ['another name', '{"inputs":[{"name":"z","datatype":"INT8","shape":[1],"data":[1]}]}', {}, 400],
  ['no body', '', {}, 400],
])('a request with %s is refused, and counts as rejected alone', async (_, body, headers, status) => {
  const before = sum('refusing', ({ rejected = 0 }) => rejected);
  const answer = await fetch(`${url}/refusing/infer`, { method: 'POST', body, headers });
  expect([answer.status, typeof ((await answer.json()) as { error: unknown }).error]).toEqual([status, 'string']);
  await until(() => sum('refusing', ({ rejected = 0 }) => rejected) === before + 1, 'the report');
  expect(sum('refusing', ({ inferences, errors }) => inferences + Object.keys(errors).length)).toBe(0);
});
