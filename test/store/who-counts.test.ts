// Laws of who counts where: the service's own word on a device's arm and labels, whatever the device says.
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS, listedHash } from '../../src/contract/membership.ts';
import { type DeviceReport, type Outcome, outcomeKey } from '../../src/contract/report.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { CANDIDATE, enrolled, interval, LABELS, NOW, report, STABLE, spec } from './reports.ts';
import { STORES } from './stores.ts';

const ROLLOUT = 'invoice-ocr-eu';
const INSIDE = 'in';
const OUTSIDE = 'out';

/** The candidate goes to one listed device of eu-west. */
function entry(over: Partial<DirectiveEntry> = {}): DirectiveEntry {
  const version = { version: '1', parameters: {} };
  return {
    ...{ rollout: ROLLOUT, revision: 5, model: 'invoice-ocr', target: 'region:eu-west', stage: 'canary', salt: 's' },
    cohort: { cut: 0, select: null, devices: [listedHash('s', INSIDE)] },
    candidate: { ...version, digest: CANDIDATE, attempt: 1 },
    stable: { ...version, digest: STABLE, target: 'region:eu-west' },
    ...{ spreadMs: 0, emergency: false },
    ...over,
  };
}

const AT_REST: Partial<DirectiveEntry> = {
  candidate: null,
  stage: null,
  cohort: { cut: 0, select: null, devices: [] },
};

const ON_STABLE = { arm: 'stable', digest: STABLE } as const;

function stateOf(digest: typeof CANDIDATE, revision = 5): DeviceReport['states'][number] {
  const running = { digest, version: '1', slot: 'A' as const };
  return { model: 'invoice-ocr', rollout: ROLLOUT, revision, running, state: 'committed', subject: null };
}

function outcome(kind: Outcome['kind'], over: Partial<Outcome> = {}): Outcome {
  return {
    ...{ model: 'invoice-ocr', rollout: ROLLOUT, revision: 5, digest: CANDIDATE, attempt: 1, kind },
    ...{ reason: null, message: '', at: '2026-11-20T10:00:00Z' },
    ...over,
  };
}

/** Devices that report to a store, each with its own numbering. */
class Fleet {
  readonly #store: FleetStore;
  readonly #epochs = new Map<string, number>();
  #sequence = 0;

  constructor(store: FleetStore) {
    this.#store = store;
  }

  async enrol(device: string, labels: Readonly<Record<string, string>> = LABELS): Promise<void> {
    this.#epochs.set(device, await enrolled(this.#store, device, 'key', labels));
  }

  async say(device: string, over: Partial<DeviceReport> = {}): Promise<void> {
    const sequence = ++this.#sequence;
    const one = report({ device, epoch: this.#epochs.get(device) ?? 0, sequence, ...over });
    expect(await this.#store.ingest([{ report: one, receivedAtMs: NOW }])).toEqual(['accepted']);
  }

  async open(openedRevision = 5, over: Partial<DirectiveEntry> = {}): Promise<void> {
    await this.#store.keepEntries([entry({ revision: openedRevision, ...over })]);
    const isRolling = over.candidate === undefined;
    await this.#store.openWindow(
      spec({ openedRevision, ...(isRolling ? {} : { candidateDigest: null, candidateAttempt: 0 }) }),
      NOW,
    );
  }

  /** Devices that count in each arm. */
  async arms(revision = 5): Promise<{ candidate: readonly string[]; stable: readonly string[] }> {
    const tallies = (await this.#store.readWindow(ROLLOUT, revision))?.tallies;
    return { candidate: tallies?.candidate.names ?? [], stable: tallies?.stable.names ?? [] };
  }
}

describe.each(STORES)('in $name', ({ makePlace }) => {
  it('a device counts only in the arm that the directive gives it, and a false claim is shown until it ends', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.enrol(OUTSIDE);
    await fleet.enrol('abroad', { region: 'us-east' });
    await fleet.open();
    const abroad = { labels: { region: 'us-east' } };
    await fleet.say(INSIDE, { intervals: [interval(ON_STABLE)] });
    await fleet.say(OUTSIDE);
    await fleet.say('abroad', abroad);
    await fleet.say('abroad', { ...abroad, intervals: [interval(ON_STABLE)] });
    await fleet.say('abroad', { ...abroad, intervals: [interval({ revision: 900_000 })] });
    expect(await fleet.arms()).toEqual({ candidate: [], stable: [] });
    const claimOf = async (device: string) => (await store.findDevice(device))?.claim;
    expect(await claimOf(INSIDE)).toMatchObject({ says: 'stable', given: 'candidate' });
    expect(await claimOf(OUTSIDE)).toMatchObject({ says: 'candidate', given: 'stable', revision: 5 });
    expect(await claimOf('abroad')).toMatchObject({ says: 'candidate', given: 'unpublished', revision: 900_000 });
    await fleet.say(INSIDE);
    await fleet.say(OUTSIDE, { intervals: [interval(ON_STABLE)], states: [stateOf(STABLE)] });
    expect(await fleet.arms()).toEqual({ candidate: [INSIDE], stable: [OUTSIDE] });
    expect([await claimOf(INSIDE), await claimOf(OUTSIDE)]).toEqual([null, null]);
  });

  it('what a device tells of an install counts only if it was told to take the version', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.enrol(OUTSIDE);
    await fleet.open();
    const known = async (device: string) => [...((await store.findDevice(device))?.outcomes.values() ?? [])];
    for (const kind of ['failed', 'refused', 'committed', 'rolled-back'] as const)
      await fleet.say(OUTSIDE, { intervals: [], outcomes: [outcome(kind)] });
    await fleet.say(INSIDE, { intervals: [], outcomes: [outcome('failed', { attempt: 2 })] });
    expect([await known(OUTSIDE), await known(INSIDE)]).toEqual([[], []]);
    expect((await store.findDevice(OUTSIDE))?.claim).toMatchObject({ says: 'outcome', given: 'stable' });
    await fleet.say(INSIDE, { intervals: [], outcomes: [outcome('failed')] });
    expect((await store.findDevice(INSIDE))?.outcomes.get(outcomeKey(ROLLOUT, CANDIDATE))?.kind).toBe('failed');
  });

  it('an emergency rollback gives its devices stable, under the same revision', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.open();
    await store.keepEntries([entry({ emergency: true })]);
    await fleet.say(INSIDE, { intervals: [interval(ON_STABLE)] });
    expect((await fleet.arms()).stable).toEqual([INSIDE]);
  });

  it('a device that enrolled after a stage opened counts in neither arm until the next one opens', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.open();
    await fleet.enrol(INSIDE);
    await fleet.say(INSIDE);
    expect((await fleet.arms()).candidate).toEqual([]);
    await fleet.open(6);
    await fleet.say(INSIDE, { intervals: [interval({ revision: 6 })] });
    expect((await fleet.arms(6)).candidate).toEqual([INSIDE]);
  });

  it('a device that enrols during the steady state is part of the baseline at once', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.open(5, AT_REST);
    await fleet.enrol(OUTSIDE);
    await fleet.say(OUTSIDE, { intervals: [interval(ON_STABLE)] });
    expect((await fleet.arms()).stable).toEqual([OUTSIDE]);
  });

  it('labels that a token binds win over what the device says, and saying otherwise is counted in neither arm', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1, labels: { customer: 'acme' } });
    const labels = { ...LABELS, customer: 'globex' };
    const answer = await store.enrol({ token, device: OUTSIDE, publicKey: 'key', labels, nowMs: NOW });
    expect(answer).toMatchObject({ kind: 'enrolled', labels: { customer: 'acme' } });
    const { epoch } = answer as { epoch: number };
    await fleet.open(5, { cohort: { cut: 0, select: 'customer:globex', devices: [] } });
    const say = async (sequence: number, own: Readonly<Record<string, string>>, over = {}): Promise<void> => {
      const one = report({ device: OUTSIDE, epoch, sequence, labels: own, ...over });
      await store.ingest([{ report: one, receivedAtMs: NOW }]);
    };
    await say(1, labels);
    await say(2, labels, { intervals: [interval(ON_STABLE)] });
    expect(await fleet.arms()).toEqual({ candidate: [], stable: [] });
    expect(await store.findDevice(OUTSIDE)).toMatchObject({ labels: { customer: 'acme' }, stated: labels });
    await say(3, { ...LABELS, customer: 'acme' }, { intervals: [interval(ON_STABLE)] });
    expect((await fleet.arms()).stable).toEqual([OUTSIDE]);
  });

  it('labels of its token stay bound beside those of the fleet documents, which win', async () => {
    using place = makePlace();
    await using store = place.open();
    const labels = { customer: 'acme', region: 'eu-west' };
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1, labels });
    await store.enrol({ token, device: OUTSIDE, publicKey: 'key', labels: {}, nowMs: NOW });
    await store.bindLabels(new Map([[OUTSIDE, { region: 'us-east' }]]));
    const bound = { customer: 'acme', region: 'us-east' };
    expect(await store.findDevice(OUTSIDE)).toMatchObject({ bound, labels: bound });
  });

  it('a device counts only with the very version that its group is given, not with that of another group', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(OUTSIDE);
    const other = digestOf('stable of another group');
    await store.keepEntries([entry()]);
    await store.openWindow(spec({ otherStable: [other] }), NOW);
    await fleet.say(OUTSIDE, { intervals: [interval({ arm: 'stable', digest: other })] });
    expect((await fleet.arms()).stable).toEqual([]);
  });

  it('labels of the fleet documents bind devices that are enrolled and those to come, and are taken back with the documents', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol('early');
    await store.bindLabels(new Map(['early', 'late'].map((id) => [id, { region: 'us-east' }])));
    await fleet.enrol('late');
    await fleet.enrol('other');
    const labelsOf = async (device: string) => (await store.findDevice(device))?.labels.region;
    expect(await Promise.all(['early', 'late', 'other'].map(labelsOf))).toEqual(['us-east', 'us-east', 'eu-west']);
    const { version } = await store.readFleet();
    await store.bindLabels(new Map(['early', 'late'].map((id) => [id, { region: 'us-east' }])));
    expect((await store.readFleet()).version).toBe(version);
    await store.bindLabels(new Map());
    await fleet.say('early', { intervals: [] });
    expect(await labelsOf('early')).toBe('eu-west');
  });

  it('a device on the candidate keeps the labels under which it got it, and counts under them', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.open();
    await fleet.say(INSIDE);
    const moved = { labels: { region: 'us-east' } };
    await fleet.say(INSIDE, moved);
    expect(await store.findDevice(INSIDE)).toMatchObject({ labels: LABELS, stated: moved.labels, claim: null });
    const reading = await store.readWindow(ROLLOUT, 5);
    expect(reading?.tallies.candidate.summary.inferences).toBe(20);
    // Taken back, it still has to return; only then is it let go.
    await fleet.open(6, AT_REST);
    await fleet.say(INSIDE, { ...moved, intervals: [] });
    expect((await store.findDevice(INSIDE))?.labels).toEqual(LABELS);
    await fleet.say(INSIDE, { ...moved, intervals: [], states: [stateOf(STABLE, 6)] });
    await fleet.say(INSIDE, { ...moved, intervals: [], states: [stateOf(STABLE, 6)] });
    expect((await store.findDevice(INSIDE))?.labels).toEqual(moved.labels);
  });

  it('a device on the candidate that leaves the target by a property makes no false claim', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.open(5, { target: 'fw:1' });
    const states = [stateOf(CANDIDATE)];
    await fleet.say(INSIDE, { states, properties: { fw: '1' }, outcomes: [outcome('committed')] });
    for (let i = 0; i < 2; i++) await fleet.say(INSIDE, { states, properties: { fw: '2' } });
    expect((await store.findDevice(INSIDE))?.claim).toBeNull();
  });

  it('a device that changes its labels has no say in an attempt that was under way, whatever stage opens', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol('mover', { region: 'us-east' });
    const all = { cohort: { cut: BUCKETS, select: null, devices: [] } };
    await fleet.open(5, all);
    await fleet.say('mover');
    await fleet.open(6, all);
    await fleet.say('mover', { intervals: [interval({ revision: 6 })] });
    expect([await fleet.arms(5), await fleet.arms(6)].map(({ candidate }) => candidate)).toEqual([[], []]);
    const again = { ...all, candidate: { version: '1', parameters: {}, digest: CANDIDATE, attempt: 2 } };
    await store.keepEntries([entry({ revision: 7, ...again })]);
    await store.openWindow(spec({ openedRevision: 7, candidateAttempt: 2 }), NOW);
    await fleet.say('mover', { intervals: [interval({ revision: 7 })] });
    expect((await fleet.arms(7)).candidate).toEqual(['mover']);
  });

  it('a report of both arms counts in neither, but the one in which the device switches', async () => {
    using place = makePlace();
    await using store = place.open();
    const fleet = new Fleet(store);
    await fleet.enrol(INSIDE);
    await fleet.open();
    await store.keepEntries([entry({ emergency: true })]);
    const both = [interval(), interval(ON_STABLE)];
    await fleet.say(INSIDE, { intervals: [interval()], states: [stateOf(CANDIDATE)] });
    await fleet.say(INSIDE, { intervals: both, states: [stateOf(CANDIDATE)] });
    const inferences = async () => {
      const tallies = (await store.readWindow(ROLLOUT, 5))?.tallies;
      return [tallies?.candidate.summary.inferences, tallies?.stable.summary.inferences];
    };
    expect(await inferences()).toEqual([10, 0]);
    await fleet.say(INSIDE, { intervals: both, states: [stateOf(STABLE)] });
    expect(await inferences()).toEqual([20, 10]);
  });
});
