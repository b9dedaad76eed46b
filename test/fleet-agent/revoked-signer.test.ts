// A device serves on what a revoked signer vouched for, tells it, and neither switches nor starts into it once another proven version is there.
import { afterAll, expect, test } from 'vitest';
import { SERVES_REVOKED } from '../../src/contract/report.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { makeKey, verifierFor } from '../support/trust.ts';
import { DeviceWorld, modelStatus, openHost, outcomesOf, until, untilRuns } from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

test('a version whose signer is revoked serves on and is told; another one takes its place for good', async () => {
  await using world = await DeviceWorld.open();
  const team = makeKey();
  const old = await world.publishModel({ version: '1.0.0', signer: team });
  const next = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  const trust = (revoked: boolean) =>
    verifierFor([
      { name: 'ci', publicKey: world.ci.publicPem },
      { name: 'team', publicKey: team.publicPem, revoked },
    ]);
  let now = trust(false);
  const options = {
    verifier: { verifyModel: (...asked: Parameters<typeof now.verifyModel>) => now.verifyModel(...asked) },
    intervals: { pollMs: 200, reportMs: 200, wakeSpreadMs: 0 },
  };
  await world.direct(world.entry({ stable: old }));
  const first = await world.startAgent(host, options);
  await untilRuns(first.agent, '1.0.0');
  const told = async () => (await world.store.findDevice(first.agent.id))?.properties[SERVES_REVOKED];
  now = trust(true);
  await until(async () => (await told()) === 'sorter 1.0.0', 'the service to hear of it');
  expect(modelStatus(first.agent)).toMatchObject({ running: { version: '1.0.0' }, isServing: true });
  await first.stop();
  const again = await world.startAgent(host, options);
  await untilRuns(again.agent, '1.0.0');
  await world.direct(world.entry({ stable: old, candidate: next }));
  await untilRuns(again.agent, '2.0.0');
  await until(async () => (await told()) === undefined, 'the service to hear that it is over');
  await world.direct(world.entry({ stable: next }));
  await until(() => modelStatus(again.agent)?.state === 'committed', 'the commit');
  await world.direct(world.entry({ stable: old }));
  await until(
    async () => outcomesOf(await world.store.findDevice(again.agent.id), old.digest).includes('refused'),
    'the refusal',
  );
  expect(modelStatus(again.agent)).toMatchObject({ running: { version: '2.0.0' }, isServing: true });
  expect(modelStatus(again.agent)?.failures.at(-1)?.message).toMatch(/^SIGNER_REVOKED/);
});
