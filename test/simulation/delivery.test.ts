// Laws of delivery: downloads go on where they were cut and share their links, every device gets the version or is named, and no network is a model's fault.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import type { Digest } from '../../src/contract/digest.ts';
import { makePopulation } from '../../src/simulation/population.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { SharedLink, type Transfer } from '../../src/simulation/shared-link.ts';
import { type TriedDownload, VirtualDownload } from '../../src/simulation/virtual-download.ts';
import { VirtualNetwork } from '../../src/simulation/virtual-network.ts';
import { rehearsed, SEED } from './rehearsed.ts';

const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const NETWORK_TIMEOUT = findScenario('network-timeout');
const CELLULAR = { ...NETWORK_TIMEOUT.population, trafficPerMinute: 1, links: { cellular: 1 } };

function policyOf(rules: readonly string[], first = '1%') {
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: delivery }
spec:
  appliesTo: { rollouts: ["*"] }
  spread: 20m
  stages:
    - { name: first, size: ${first}, soak: 5m, rules: [${rules.join(', ')}] }
    - { name: full, size: 100% }
`;
  return parsePolicy('delivery.yaml', Buffer.from(text));
}

/** 10000 take more than a minute. */
const DEVICES = Number(process.env.SLIPWAY_TEST_DEVICES ?? 2_500);

test(`80 MB to ${DEVICES} cellular devices, each download cut: all have it or are named, and nothing is taken back`, {
  timeout: 600_000,
}, async () => {
  // One in a hundred is out of reach from before the start.
  const isOnline = ({ index }: { readonly index: number }, minute: number) => index % 100 !== 0 || minute < 10;
  const rehearsal = await rehearsed('network-timeout', {
    policy: policyOf(['failed_devices < 5%', 'undelivered_devices < 5% after 45m'], '100%'),
    devices: DEVICES,
    hours: 3,
    scenario: { ...NETWORK_TIMEOUT, population: CELLULAR, network: { ...NETWORK_TIMEOUT.network, isOnline } },
  });
  expect(rehearsal).toMatchObject({ outcome: 'completed', devicesExposed: 0.99 * DEVICES, breaches: [] });
  const end = rehearsal.timeline.findLast(({ kind }) => kind === 'step')?.more.join('\n');
  const [reached, away] = [0.99 * DEVICES, 0.01 * DEVICES];
  expect(end).toMatch(
    new RegExp(
      `undelivered_devices +0 of ${reached} .*not counted: dev-0+1, dev-0*101, dev-0*201 and ${away - 3} more`,
    ),
  );
  expect(end).toContain(`${away} not reached`);
});

test.each([1, 2, 3])('a network that cuts downloads is no fault of a version (seed %i)', async (seed) => {
  const policy = policyOf(['undelivered_devices < 5% after 45m']);
  const rehearsal = await rehearsed('network-timeout', { policy, seed, hours: 3 });
  expect(rehearsal).toMatchObject({ outcome: 'completed', devicesExposed: 200, breaches: [] });
});

test('a rule over tries takes back what every device would have had minutes later', async () => {
  const policy = policyOf(['download_tries > 80%'], '10%');
  expect(await rehearsed('network-timeout', { policy, hours: 3 })).toMatchObject({ outcome: 'reverted' });
});

/** A quarter of the devices hears of the stage after 20 minutes or more, and can't get the file. */
const LATE = {
  ...findScenario('undelivered-tenth'),
  network: {
    ...findScenario('undelivered-tenth').network,
    isOnline: ({ index }: { readonly index: number }, minute: number) => index % 4 !== 0 || minute < 25 || minute > 50,
    refusesFiles: ({ index }: { readonly index: number }) => index % 4 === 0,
  },
};

function lateAtDeadline(onDeadline: string) {
  const rules = '[failed_devices < 50%, undelivered_devices < 5% after 30m]';
  const text = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: late }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: 50%, soak: 30m, deadline: 45m, onDeadline: ${onDeadline}, rules: ${rules} }
    - { name: full, size: 100% }
`;
  const policy = parsePolicy('late.yaml', Buffer.from(text));
  return rehearsed('undelivered-tenth', { policy, scenario: LATE, devices: 60, hours: 0.77 });
}

test('at the deadline deliveries that are still open hold the stage, and who has none is named', async () => {
  const { outcome, timeline } = await lateAtDeadline('hold');
  expect(outcome).toBe('held');
  const held = timeline.find(({ text }) => text.includes('deadline is over'));
  expect(held?.text).toMatch(/a person: the deadline is over without dev-\d+, dev-\d+, dev-\d+ and \d+ more/);
});

test('or let it go on where the policy promotes and few are without it so far', async () => {
  const { timeline } = await lateAtDeadline('promote');
  const step = timeline.find(({ text }) => text.includes('canary → full'));
  expect(step?.minute).toBe(45);
  expect(step?.more.join(' ')).toMatch(/canary reached its deadline of 45 min with every open rule within its limit/i);
});

test('retries cost a full link next to nothing: each goes on where it was cut, and waits as the agent does', () => {
  const [count, modelBytes, cellBytesPerSecond] = [50, 80_000_000, 2_500_000];
  const network = new VirtualNetwork(
    { ...NETWORK_TIMEOUT.network, cellBytesPerSecond },
    { seed: SEED, startMs: 0 },
    () => {},
  );
  const everyone = makePopulation(CELLULAR, 300, SEED);
  const cell = everyone.filter(({ index, facts }) => index < 100 && facts.labels.region === 'eu-west').slice(0, count);
  const downloads = cell.map((traits) => {
    const random = seededRandom(SEED, `tries ${traits.index}`);
    const download = new VirtualDownload(traits, { network, modelBytes }, random);
    download.begin(DIGEST, null, 0);
    return { download, tries: [] as TriedDownload[] };
  });
  const isDone = ({ tries }: (typeof downloads)[number]): boolean => tries.at(-1)?.kind === 'done';
  let seconds = 0;
  for (; seconds < 10_000 && !downloads.every(isDone); seconds += 5) {
    for (const { download, tries } of downloads) {
      const tried = download.look(seconds * 1000);
      if (tried !== null) tries.push(tried);
      if (tried?.kind === 'cut') download.begin(DIGEST, tried.part, seconds * 1000);
    }
    network.flowUntil((seconds + 5) * 1000);
  }
  expect(cell.length).toBeGreaterThan(30);
  expect(downloads.every(isDone)).toBe(true);
  const leastSeconds = (cell.length * modelBytes) / cellBytesPerSecond;
  expect(seconds).toBeGreaterThanOrEqual(leastSeconds);
  expect(seconds).toBeLessThan(1.25 * leastSeconds);
  for (const { tries } of downloads) {
    const reached = tries.flatMap((tried) => (tried.kind === 'cut' ? [tried.part.offset] : []));
    expect(reached.length).toBeGreaterThan(3);
    expect(reached).toEqual([...reached].sort((a, b) => a - b));
  }
});

test('a shared link carries no more than it can, gives nobody more than a device takes, and favours nobody', () => {
  const transfers = fc.array(
    fc.record({
      sinceMs: fc.integer({ min: 0, max: 5000 }),
      bytes: fc.integer({ min: 1, max: 100_000 }),
      lastsMs: fc.integer({ min: 1, max: 20_000 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  const [perSecond, mostOfOne] = [20_000, 8000];
  fc.assert(
    fc.property(transfers, fc.integer({ min: 1, max: 3000 }), (wanted, stepMs) => {
      const link = new SharedLink(perSecond, mostOfOne, 0);
      const all = wanted.map(({ sinceMs, bytes, lastsMs }): Transfer => {
        return { sinceMs, leftBytes: bytes, cutAtMs: sinceMs + lastsMs, endedAtMs: null };
      });
      for (const one of all) link.add(one);
      const endMs = 30_000;
      for (let atMs = stepMs; atMs < endMs + stepMs; atMs += stepMs) link.flowUntil(atMs);
      const carried = all.map(({ leftBytes }, i) => wanted[i]!.bytes - leftBytes);
      const lastMs = Math.max(...all.map(({ endedAtMs }) => endedAtMs!));
      expect(carried.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(
        (perSecond * lastMs) / 1000 + all.length,
      );
      all.forEach((one, i) => {
        const tookMs = one.endedAtMs! - one.sinceMs;
        expect(tookMs).toBeLessThanOrEqual(wanted[i]!.lastsMs + 1e-6);
        expect(carried[i]).toBeLessThanOrEqual((mostOfOne * tookMs) / 1000 + 1);
        // Ends for one reason: everything came, or it was cut.
        expect(one.leftBytes === 0 || Math.abs(one.endedAtMs! - one.cutAtMs) < 1e-6).toBe(true);
        const alike = all.findIndex(
          ({ sinceMs }, j) => j !== i && sinceMs === one.sinceMs && carried[j]! > carried[i]! + 1,
        );
        // Whoever began with it and got more had more time.
        if (alike >= 0) expect(all[alike]!.endedAtMs!).toBeGreaterThan(one.endedAtMs!);
      });
    }),
  );
});
