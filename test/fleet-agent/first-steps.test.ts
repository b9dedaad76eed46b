// Owns the proof that a device gets from nothing to a candidate and back, with the real service.
import { afterAll, expect, test } from 'vitest';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { DeviceWorld, MODEL, modelStatus, oneRow, openHost, outcomesOf, until, untilRuns } from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

test('a new device enrols, takes stable, then the candidate, and tells the service of both', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  const answer = await agent.infer(MODEL, oneRow);
  expect(answer.modelVersion).toBe('1.0.0');
  const candidate = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable, candidate }));
  await untilRuns(agent, '2.0.0');
  for (let i = 0; i < 5; i++) await agent.infer(MODEL, oneRow);
  const device = await until(async () => {
    const found = await world.store.findDevice('device-1');
    return outcomesOf(found, candidate.digest).includes('committed') && found;
  }, 'the service to hear of the commit');
  expect(device.models.get(MODEL)?.running?.digest).toBe(candidate.digest);
  expect(device.labels).toEqual({ region: 'eu' });
  expect(outcomesOf(device, stable.digest)).toEqual(['committed']);
});

test('a candidate taken back is gone at once: the kept copy serves, and nothing is downloaded', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const candidate = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate }));
  await untilRuns(agent, '2.0.0');
  world.requests.length = 0;
  await world.direct(world.entry({ stable }));
  await untilRuns(agent, '1.0.0');
  expect(world.requests.filter((request) => /artifacts|manifests/.test(request))).toEqual([]);
  expect(modelStatus(agent)?.previous?.version).toBe('2.0.0');
});
