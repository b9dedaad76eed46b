// Owns the proof that the local endpoint speaks the Open Inference Protocol, and that what it answers is measured.
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Agent } from '../../../fleet-agent/src/agent.ts';
import { findPromtool, requireService } from '../../support/prometheus.ts';
import { CLASSES, DeviceWorld, MODEL, openHost, until, untilRuns } from '../device-world.ts';

const host = openHost();
const promtool = findPromtool();
requireService(promtool, 'promtool', 'PROMTOOL_BIN');
let world: DeviceWorld;
let agent: Agent;
let url: string;

beforeAll(async () => {
  world = await DeviceWorld.open();
  const spec = { confidence: { least: 0.99 }, parameters: { threshold: 0.5, language: 'en' } };
  const stable = await world.publishModel({ version: '1.0.0', spec });
  const entry = world.entry({ stable });
  await world.direct({ ...entry, stable: entry.stable && { ...entry.stable, parameters: { threshold: 0.7 } } });
  const started = await world.startAgent(host, { endpointPort: 0 });
  agent = started.agent;
  url = `http://127.0.0.1:${started.endpointPort}`;
  await untilRuns(agent, '1.0.0');
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await host.close();
});

async function call(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const init =
    body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
  const answer = await fetch(`${url}${path}`, init);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const infer = (input: unknown) => call(`/v2/models/${MODEL}/infer`, { id: 'q1', inputs: [input] });

describe('the endpoint', () => {
  test('tells metrics of versions, slots, answers, the directive and reports, as promtool likes them', async () => {
    await infer({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] });
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await answer.text();
    expect(text).toMatch(
      /^slipway_agent_model_info\{model="sorter",version="1.0.0",slot="A",state="committed",in_work=""\} 1$/m,
    );
    expect(text).toMatch(/^slipway_agent_slot_info\{model="sorter",slot="A",version="1.0.0",active="true"\} 1$/m);
    expect(text).toMatch(/^slipway_agent_inferences_total\{model="sorter",version="1.0.0"\} [1-9]/m);
    expect(text).toMatch(/^slipway_agent_rollout_revision\{model="sorter",rollout=".+",arm="stable"\} \d+$/m);
    expect(text).toMatch(/^slipway_agent_directive_timestamp_seconds 1\d{9}/m);
    expect(text).toMatch(/^slipway_agent_directive_refused 0$/m);
    expect(text).toMatch(/^slipway_agent_reports_waiting \d+$/m);
    if (promtool !== undefined)
      expect(execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });

  test('tells of its health, its models and their tensors', async () => {
    expect(await call('/v2/health/live')).toEqual({ status: 200, body: { live: true } });
    expect(await call('/v2/health/ready')).toEqual({ status: 200, body: { ready: true } });
    expect((await call(`/v2/models/${MODEL}/ready`)).status).toBe(200);
    expect((await call('/v2/models/other/ready')).status).toBe(404);
    expect((await call(`/v2/models/${MODEL}`)).body).toMatchObject({
      ...{ name: MODEL, versions: ['1.0.0'], inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] },
    });
  });

  test('answers flat and nested data alike, with the version that answered', async () => {
    const flat = await infer({ name: 'x', datatype: 'FP32', shape: [2, 4], data: [0, 0, 0, 0, 1, 1, 1, 1] });
    expect(flat).toMatchObject({
      status: 200,
      body: {
        id: 'q1',
        model_name: MODEL,
        model_version: '1.0.0',
        outputs: [{ name: 'probabilities', shape: [2, 4] }],
      },
    });
    const nested = await infer({
      name: 'x',
      datatype: 'FP32',
      shape: [2, 4],
      data: [
        [0, 0, 0, 0],
        [1, 1, 1, 1],
      ],
    });
    expect(nested.body.outputs).toEqual(flat.body.outputs);
    expect(
      (
        await call(`/v2/models/${MODEL}/versions/1.0.0/infer`, {
          inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }],
        })
      ).status,
    ).toBe(200);
    expect((await call(`/v2/models/${MODEL}/versions/9/infer`, { inputs: [] })).status).toBe(404);
  });

  test.each<[string, unknown, number]>([
    ['text that is no JSON', '{', 400],
    ['no inputs', { inputs: [] }, 400],
    ['an unknown datatype', { inputs: [{ name: 'x', datatype: 'FP7', shape: [1, 4], data: [0] }] }, 400],
    ['too little data', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0] }] }, 400],
    ['a shape that overflows', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1e9, 1e9], data: [0] }] }, 400],
    ['a negative shape', { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4], data: [0] }] }, 400],
    [
      'words for numbers',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: ['a', 'b', 'c', 'd'] }] },
      400,
    ],
    [
      'another shape than the model takes',
      { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [0, 0, 0] }] },
      400,
    ],
    [
      'an input that the model lacks',
      { inputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }] },
      400,
    ],
    ['null', 'null', 400],
    [
      'a number that the datatype does not hold',
      { inputs: [{ name: 'x', datatype: 'UINT8', shape: [1], data: [300] }] },
      400,
    ],
    ['an empty tensor', { inputs: [{ name: 'x', datatype: 'FP32', shape: [0, 4], data: [] }] }, 400],
    ['a body without end', `{"inputs":"${'x'.repeat(17_000_000)}"}`, 413],
  ])('refuses %s, and answers the next request', async (_, body, status) => {
    const answer = await call(`/v2/models/${MODEL}/infer`, body).catch((error: Error) => error);
    if (!(answer instanceof Error)) expect(answer.status).toBe(status);
    expect((await call('/v2/health/live')).status).toBe(200);
  });

  test('answers no web page: neither another origin nor a foreign name that leads here', async () => {
    const ask = (headers: Readonly<Record<string, string>>): Promise<number> =>
      new Promise((resolve, reject) => {
        const { port } = new URL(url);
        const request = http.request({ host: '127.0.0.1', port, path: '/v2/health/live', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        request.on('error', reject).end();
      });
    expect(await ask({ origin: 'https://attacker.example' })).toBe(403);
    expect(await ask({ host: 'attacker.example' })).toBe(403);
    expect(await ask({ host: 'localhost:1234' })).toBe(200);
  });

  test('knows its paths in full, and no others', async () => {
    const none = [
      '/',
      '/v2/',
      '/v2/nothing',
      '/metrics/more',
      '/v2/health',
      '/v2/health/ready/now',
      '/v2/health/live/',
      '/v2/models',
    ];
    const ofModel = ['/x', '/', '/ready/x', '/infer/x', '/versions', '/versions/', '/versions/1.0.0/labels'];
    for (const path of [...none, ...ofModel.map((rest) => `/v2/models/${MODEL}${rest}`)])
      expect([path, (await call(path)).status, (await call(path, '{}')).status]).toEqual([path, 404, 404]);
    for (const rest of ['/versions/9', '/versions/9/ready'])
      expect([rest, (await call(`/v2/models/${MODEL}${rest}`)).status]).toEqual([rest, 404]);
    for (const rest of ['', '/ready', '/versions/1.0.0', '/versions/1.0.0/ready'])
      expect([rest, (await call(`/v2/models/${MODEL}${rest}`)).status]).toEqual([rest, 200]);
  });

  test('answers HEAD as GET without the body, and other methods with those that it takes', async () => {
    const head = await fetch(`${url}/v2/health/ready`, { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', '14']);
    expect((await fetch(`${url}/v2/models/other`, { method: 'HEAD' })).status).toBe(404);
    const wrong = [
      ['DELETE', '/v2/health/live', 'GET, HEAD'],
      ['POST', `/v2/models/${MODEL}`, 'GET, HEAD'],
      ['GET', `/v2/models/${MODEL}/infer`, 'POST'],
      ['GET', `/v2/models/${MODEL}/labels`, 'POST'],
      ['GET', `/v2/models/${MODEL}/errors`, 'POST'],
      ['GET', `/v2/models/${MODEL}/counters`, 'POST'],
      ['GET', '/v2/gauges', 'POST'],
    ] as const;
    for (const [method, path, allow] of wrong) {
      const answer = await fetch(`${url}${path}`, { method });
      expect([path, answer.status, answer.headers.get('allow')]).toEqual([path, 405, allow]);
    }
  });

  test('tells the parameters in force: those of the directive over those of the manifest', async () => {
    const { body } = await call(`/v2/models/${MODEL}`);
    expect(body.parameters).toEqual({ threshold: 0.7, language: 'en' });
  });

  test('gives the outputs that are asked for, and refuses those that the model lacks', async () => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }];
    const ask = (...names: string[]) =>
      call(`/v2/models/${MODEL}/infer`, { inputs, outputs: names.map((name) => ({ name })) });
    expect((await ask('probabilities')).body.outputs).toHaveLength(1);
    expect((await ask()).body.outputs).toEqual([]);
    expect(await ask('probabilities', 'z')).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('"z"') },
    });
  });

  test('gives an id back as it came, and takes feedback on it', async () => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }];
    for (const id of ['a', 7, true]) {
      expect((await call(`/v2/models/${MODEL}/infer`, { id, inputs })).body.id).toBe(id);
      const told = await call(`/v2/models/${MODEL}/complaints`, { complaints: [{ id }] });
      expect(told.body).toMatchObject({ counted: 1, unknown: 0 });
    }
    expect((await call(`/v2/models/${MODEL}/infer`, { id: [1], inputs })).status).toBe(400);
  });

  test('is not ready without a model', async () => {
    await using empty = await DeviceWorld.open();
    await empty.direct();
    const { endpointPort } = await empty.startAgent(host, { endpointPort: 0 });
    const answer = await fetch(`http://127.0.0.1:${endpointPort}/v2/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([503, { ready: false }]);
  });

  test('what it answers is counted by rows: classes, confidences, unknown ones, latencies, errors by kind', async () => {
    await using other = await DeviceWorld.open();
    const stable = await other.publishModel({ version: '1.0.0', spec: { confidence: { least: 0.99 } } });
    await other.direct(other.entry({ stable }));
    const reports: {
      intervals: {
        inferences: number;
        rejected?: number;
        unknown: number;
        errors: Record<string, number>;
        classes: Record<string, number>;
        confidence: number[];
        latencyMs: { buckets: [number, number][] };
        rollout: string;
        arm: string;
      }[];
    }[] = [];
    const ingest = other.store.ingest.bind(other.store);
    other.store.ingest = (batch) => {
      for (const { report } of batch) reports.push(report as unknown as (typeof reports)[number]);
      return ingest(batch);
    };
    const { agent: device } = await other.startAgent(host);
    await untilRuns(device, '1.0.0');
    const rows = (n: number) => [
      { name: 'x', datatype: 'FP32' as const, shape: [n, 4], data: new Float32Array(4 * n) },
    ];
    for (let i = 0; i < 4; i++) await device.infer(MODEL, rows(5));
    await device
      .infer(MODEL, [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: new Float32Array(3) }])
      .catch(() => undefined);
    const interval = await until(() => {
      const all = reports.flatMap((report) => report.intervals);
      return all.reduce((sum, one) => sum + one.inferences + (one.rejected ?? 0), 0) === 21 && all;
    }, 'all inferences to be reported');
    const sum = (pick: (one: (typeof interval)[number]) => number) =>
      interval.reduce((total, one) => total + pick(one), 0);
    expect(sum((one) => one.classes[CLASSES[0] ?? ''] ?? 0)).toBe(20);
    expect(sum((one) => one.unknown)).toBe(20);
    expect(sum((one) => Object.keys(one.errors).length)).toBe(0);
    expect(sum((one) => one.rejected ?? 0)).toBe(1);
    expect(sum((one) => one.confidence[18] ?? 0)).toBe(20);
    expect(sum((one) => one.latencyMs.buckets.reduce((total, [, count]) => total + count, 0))).toBe(20);
    expect(interval[0]).toMatchObject({ rollout: 'sorter-all', arm: 'stable' });
  });
});
