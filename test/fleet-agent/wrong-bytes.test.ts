// Owns the proof that wrong bytes are held against the host that sent them, and never against the version.
import { afterAll, expect, test } from 'vitest';
import type { AgentOptions } from '../../fleet-agent/src/agent-options.ts';
import { hexOf } from '../../src/contract/digest.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import {
  clock,
  DeviceWorld,
  modelStatus,
  openHost,
  outcomesOf,
  type PublishedModel,
  until,
  untilRuns,
} from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

/** Tries follow each other at once. */
const impatient: Partial<AgentOptions> = {
  random: { next: () => 0.98 },
  intervals: { pollMs: 300, reportMs: 100, wakeSpreadMs: 0 },
};

/** A device on 1.0.0, and 2.0.0 for it to take. */
async function beforeCandidate(over: Partial<AgentOptions> = {}) {
  const world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const next = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1, 30_000), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host, { ...impatient, ...over });
  await untilRuns(agent, '1.0.0');
  return { world, stable, next, agent };
}

const page = (bytes: number): Buffer => Buffer.from('<html>Log in'.padEnd(bytes, '.'));

type Place = (next: PublishedModel) => { readonly part: string; readonly bytes: number };
const manifest: Place = ({ digest, manifest: text }) => ({ part: `${hexOf(digest)}.yaml`, bytes: text.length });
const signature: Place = ({ digest }) => ({ part: `${hexOf(digest)}.yaml.sigstore.json`, bytes: 400 });
const artifact: Place = (next) => ({ part: hexOf(next.artifact), bytes: constantClassifier(1, 30_000).length });

const CASES = Object.entries({ manifest, signature, artifact }).flatMap(([what, place]) =>
  Object.entries({ shorter: -100, 'as long': 0, longer: 100 }).map(([length, more]) => ({ what, place, length, more })),
);

test.each(CASES)(
  'a page in place of the $what, $length, is asked again, and the version runs without a mark',
  async ({ place, more }) => {
    const { world, stable, next, agent } = await beforeCandidate();
    await using _ = world;
    const { part, bytes } = place(next);
    let pages = 3;
    world.mischief = (url) => (url.endsWith(part) && pages-- > 0 ? { body: page(bytes + more) } : undefined);
    await world.direct(world.entry({ stable, candidate: next }));
    const status = await untilRuns(agent, '2.0.0');
    expect(pages).toBeLessThanOrEqual(0);
    expect(status.failures).toEqual([]);
    await until(
      async () => outcomesOf(await world.store.findDevice('device-1'), next.digest).includes('committed'),
      'the service to hear of it',
    );
  },
);

test.each([
  { what: 'artifact', place: artifact, length: 30_000 },
  { what: 'manifest, longer than any', place: manifest, length: 300_000 },
])(
  'hosts that keep sending other bytes for the $what bar the version for a while, named with what they sent, and then are asked again',
  async ({ place, length }) => {
    let aheadMs = 0;
    const { world, stable, next, agent } = await beforeCandidate({
      clock: {
        now: () => clock.now() + aheadMs,
        monotonicMs: () => clock.monotonicMs(),
        sleep: (ms, signal) => clock.sleep(ms, signal),
      },
    });
    await using _ = world;
    const { part } = place(next);
    world.mischief = (url) => (url.endsWith(part) ? { body: page(length) } : undefined);
    await world.direct(world.entry({ stable, candidate: next }));
    const barred = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the bar');
    const { host: name } = new URL(world.mirrorUrl);
    expect(barred.failures[0]).toMatchObject({
      reason: 'corrupt',
      message: expect.stringContaining(`${name} sent text/html`),
    });
    const asked = world.requests.filter((request) => request.includes(part));
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.every((request) => !request.includes('bytes='))).toBe(true);
    await until(
      async () => outcomesOf(await world.store.findDevice('device-1'), next.digest).includes('undelivered'),
      'the service to hear of it',
    );
    world.mischief = () => undefined;
    aheadMs = 61 * 60_000;
    await untilRuns(agent, '2.0.0');
  },
);

test('one changed bit in a signature, wherever it is, is no refusal of the version', async () => {
  const { world, stable, next, agent } = await beforeCandidate();
  await using _ = world;
  let isFirst = true;
  world.mischief = (url) => {
    if (!url.endsWith(`${hexOf(next.digest)}.yaml.sigstore.json`) || !isFirst) return undefined;
    isFirst = false;
    return { body: Buffer.from(world.bundleOf(next).replace(/"hint":"./, '"hint":"#')) };
  };
  await world.direct(world.entry({ stable, candidate: next }));
  const status = await untilRuns(agent, '2.0.0');
  expect(isFirst).toBe(false);
  expect(status.failures).toEqual([]);
});

test('where one host sends other bytes, another source of the same folder is asked', async () => {
  await using good = await DeviceWorld.open();
  const world = good;
  const stable = await world.publishModel({ version: '1.0.0' });
  world.mischief = (url) => (/manifests|artifacts/.test(url) ? { body: page(500) } : undefined);
  await world.direct(world.entry({ stable }));
  const mirrorUrls = [`${world.serverUrl}/distribution`];
  const { agent } = await world.startAgent(host, { ...impatient, mirrorUrls });
  await untilRuns(agent, '1.0.0');
});
