// Owns the proof that the publication's keys alone take no device below what it committed, nor past the end of a signer.
import { afterAll, expect, test } from 'vitest';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { makeKey, verifierFor } from '../support/trust.ts';
import { DeviceWorld, modelStatus, openHost, outcomesOf, until, untilRuns } from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

const reconciler = makeKey();
const { signEntry } = createReconcilerSigner(reconciler.key);
const reconcilerKeys = reconcilerKeysOf([{ key: reconciler.publicKey }]);
const random = { next: () => 0.98 };

async function openWorld(notAfter?: string) {
  const world = await DeviceWorld.open();
  const signer = { name: 'ci', publicKey: world.ci.publicPem, ...(notAfter === undefined ? {} : { notAfter }) };
  const trust = verifierFor([signer]);
  const verifier = { verifyModel: trust.verifyModel.bind(trust), reconcilerKeys };
  const old = await world.publishModel({ version: '1.0.0', sequence: 4 });
  const next = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1),
    expects: 'receipt',
    sequence: 5,
  });
  return { world, old, next, options: { verifier, random } };
}

test('a version that is kept here, and one that is not, are refused unless the reconciler signed the step back', async () => {
  const { world, old, next, options } = await openWorld();
  await using _ = world;
  await world.direct(signEntry(world.entry({ stable: old })));
  const keeps = await world.startAgent(host, { ...options, id: 'keeps' });
  await untilRuns(keeps.agent, '1.0.0');
  await world.direct(signEntry(world.entry({ stable: old, candidate: next })));
  await untilRuns(keeps.agent, '2.0.0');
  await world.direct(signEntry(world.entry({ stable: next })));
  const fresh = await world.startAgent(host, { ...options, id: 'fresh' });
  await untilRuns(fresh.agent, '2.0.0');
  // Whoever has the keys of the publication makes such a directive.
  await world.direct(world.entry({ stable: old }));
  for (const { agent } of [keeps, fresh]) {
    const status = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the refusal');
    expect(status).toMatchObject({ running: { version: '2.0.0' }, isServing: true });
    expect(status.failures[0]).toMatchObject({ reason: 'signature', message: expect.stringMatching(/^STEP_UNSIGNED/) });
    await until(
      async () => outcomesOf(await world.store.findDevice(agent.id), old.digest).includes('refused'),
      'the service to hear of it',
    );
  }
  await world.direct(signEntry({ ...world.entry({ stable: old, candidate: next }), emergency: true }));
  for (const { agent } of [keeps, fresh]) await untilRuns(agent, '1.0.0');
});

test('stable whose signer has ended is installed only where something dates it: here the signature of the reconciler', async () => {
  const { world, old, next, options } = await openWorld('2026-01-01T00:00:00Z');
  await using _ = world;
  await world.direct(world.entry({ stable: old }));
  const { agent } = await world.startAgent(host, options);
  const status = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the refusal');
  expect(status.failures[0]?.message).toMatch(/^SIGNER_EXPIRED/);
  await world.direct(signEntry(world.entry({ stable: old })));
  await untilRuns(agent, '1.0.0');
  // A candidate has no such excuse, whoever signed its entry.
  await world.direct(signEntry(world.entry({ stable: old, candidate: next })));
  const refused = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the refusal');
  expect(refused).toMatchObject({ running: { version: '1.0.0' } });
  expect(refused.failures.at(-1)).toMatchObject({
    digest: next.digest,
    message: expect.stringMatching(/^SIGNER_EXPIRED/),
  });
});
