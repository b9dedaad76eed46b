// Owns the proof that a swap under load drops no request and that no request meets a half-loaded model.
import http from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { CLASSES, DeviceWorld, MODEL, openHost, type PublishedModel, until, untilRuns } from '../device-world.ts';

const SWAPS = 20;
const INFERENCES = 10_000;
const host = openHost();
afterAll(() => host.close());

interface Answered {
  readonly status: number;
  readonly version: string;
  readonly best: number;
}

function inferOverHttp(port: number, agent: http.Agent): Promise<Answered> {
  const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }] });
  const options = { host: '127.0.0.1', port, path: `/v2/models/${MODEL}/infer`, method: 'POST', agent };
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const { model_version: version = '', outputs = [] } = JSON.parse(text) as {
          model_version?: string;
          outputs?: { data: number[] }[];
        };
        const data = outputs[0]?.data ?? [];
        resolve({ status: response.statusCode ?? 0, version, best: data.indexOf(Math.max(...data)) });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

test(`${INFERENCES} requests during ${SWAPS} swaps: none fails, and each is answered by one whole version`, {
  timeout: 180_000,
}, async () => {
  await using world = await DeviceWorld.open();
  // Version n always answers class n mod 4: an answer that does not fit its version would be a mixture.
  const versions: PublishedModel[] = [];
  for (let n = 0; n <= SWAPS; n++) {
    const onnx = constantClassifier(n % 4, 1000 + n);
    versions.push(await world.publishModel({ version: `1.${n}.0`, onnx, expects: CLASSES[n % 4] ?? '' }));
  }
  const [first] = versions;
  await world.direct(world.entry({ stable: first ?? null }));
  const { agent, endpointPort } = await world.startAgent(host, {
    endpointPort: 0,
    intervals: { pollMs: 500, reportMs: 500, wakeSpreadMs: 0 },
  });
  await untilRuns(agent, '1.0.0');
  const keepAlive = new http.Agent({ keepAlive: true, maxSockets: 16 });
  const seen = new Map<string, number>();
  const wrong: unknown[] = [];
  let asked = 0;
  let isSwapping = true;
  const ask = async (): Promise<void> => {
    while (isSwapping || asked < INFERENCES) {
      asked += 1;
      const answer = await inferOverHttp(endpointPort ?? 0, keepAlive).catch((error: Error) => error);
      if (answer instanceof Error || answer.status !== 200 || answer.best !== Number(answer.version.split('.')[1]) % 4)
        wrong.push(answer);
      else seen.set(answer.version, (seen.get(answer.version) ?? 0) + 1);
    }
  };
  const load = Array.from({ length: 16 }, ask);
  for (const [n, version] of versions.entries()) {
    if (n === 0) continue;
    const stable = versions[n - 1] ?? null;
    await world.direct(world.entry({ stable, candidate: version }));
    await untilRuns(agent, version.version);
  }
  isSwapping = false;
  await Promise.all(load);
  keepAlive.destroy();
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(asked).toBeGreaterThanOrEqual(INFERENCES);
  expect(seen.size).toBe(SWAPS + 1);
});

test('a version whose examples fail never answers a single request', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const wrong = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(2), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  const { agent, endpointPort } = await world.startAgent(host, { endpointPort: 0 });
  await untilRuns(agent, '1.0.0');
  const keepAlive = new http.Agent({ keepAlive: true });
  const versions = new Set<string>();
  await world.direct(world.entry({ stable, candidate: wrong }));
  await until(async () => {
    versions.add((await inferOverHttp(endpointPort ?? 0, keepAlive)).version);
    return agent.status().models[0]?.failures[0];
  }, 'the version to fail');
  keepAlive.destroy();
  expect([...versions]).toEqual(['1.0.0']);
  expect(agent.status().models[0]?.failures[0]).toMatchObject({
    reason: 'self-test',
    message: expect.stringContaining('expected class "receipt", got "letter"'),
  });
});
