// Laws of the lists of devices: how each device stands, which a filter leaves, and pages that hold while the fleet changes.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignmentsFor } from '../../../src/contract/directive.ts';
import { BUCKETS, bucketOf } from '../../../src/contract/membership.ts';
import { DIRECTIVE_REFUSED } from '../../../src/contract/report.ts';
import { keyIdOf } from '../../../src/contract/trust/keys.ts';
import { EntryFinder } from '../../../src/dashboard/read-model/entry-finder.ts';
import { countFleet, fleetSummary } from '../../../src/dashboard/read-model/fleet-counts.ts';
import { entry, Fleet, NEW, NOW, OLD, type Words } from '../fleet.ts';

const ajv = new Ajv2020({ strict: false });
ajv.addSchema(JSON.parse(readFileSync('schemas/read-model.schema.json', 'utf8')) as object, 'model');

function fits(name: string, value: unknown): void {
  const check = ajv.compile({ $ref: `model#/$defs/${name}` });
  check(JSON.parse(JSON.stringify(value)));
  expect(check.errors).toBeNull();
}

const words = (over: Partial<Words>): Words =>
  ({ isDenied: () => false, labels: new Map(), agentVersion: null, ...over }) as Words;

/** Ids by arm: those whose bucket is in the first half get the candidate. */
const ids = Array.from({ length: 40 }, (_, n) => `d${String(n).padStart(2, '0')}`);
const inCanary = (id: string): boolean => bucketOf(entry().salt, id) < BUCKETS / 2;
const [canary = '', other = '', third = ''] = ids.filter(inCanary);
const [rest = ''] = ids.filter((id) => !inCanary(id));

describe('a list of devices', () => {
  it('is the same list as long as nothing but time moved', async () => {
    await using fleet = new Fleet();
    await fleet.enrol(canary);
    await fleet.report(canary, NEW);
    const first = await fleet.reader.list();
    fleet.pass();
    await fleet.store.recordListening(NOW + 1_000);
    await fleet.store.recordListening(NOW + 2_000);
    expect(await fleet.reader.list()).toBe(first);
    await fleet.report(canary, OLD);
    fleet.pass();
    expect(await fleet.reader.list()).not.toBe(first);
  });

  it('says how each device stands, and why in one line', async () => {
    await using fleet = new Fleet();
    for (const id of [canary, rest, other, third, 'liar', 'out'])
      await fleet.enrol(id, {}, id === 'liar' ? { site: 's1' } : {});
    fleet.words = words({ isDenied: (id) => id === 'out' });
    await fleet.report(canary, NEW);
    await fleet.report(rest, OLD);
    await fleet.report(other, OLD, {
      outcomes: [
        {
          ...{ model: 'invoice-ocr', rollout: 'ocr', revision: 5, digest: NEW.digest, attempt: 1, kind: 'failed' },
          ...{ reason: 'storage-full', message: 'no room', at: '2026-11-20T10:00:00Z' },
        },
      ],
    });
    await fleet.report(third, OLD, { properties: { [DIRECTIVE_REFUSED]: 'DIRECTIVE_OLD' } });
    await fleet.report('liar', OLD, { labels: { site: 's2' } });
    const list = await fleet.reader.devices({});
    fits('Devices', list);
    const states = Object.fromEntries(list.devices.map(({ device, state, text }) => [device, [state, text]]));
    expect(states).toEqual({
      [canary]: ['as-declared', null],
      [rest]: ['as-declared', null],
      [other]: ['failed', 'invoice-ocr 2.0.0: no room'],
      [third]: ['refusing', 'does not believe the directive: DIRECTIVE_OLD'],
      liar: ['contradiction', 'says site:s2, its token or the fleet documents say site:s1'],
      out: ['denied', 'the fleet documents turn it away'],
    });
    expect(list.counts.find(({ state }) => state === 'as-declared')?.count).toBe(2);
    const summary = fleetSummary(await countFleet(await fleet.reader.list(), new Map()));
    expect(summary, 'the front page counts what lists count').toMatchObject({ enrolled: 6, asDeclared: 2 });
    expect(new Map(summary.states.map(({ state, count }) => [state, count]))).toEqual(
      new Map(list.counts.flatMap(({ state, count }) => (count > 0 ? [[state, count]] : []))),
    );
    expect(list.versions).toEqual([
      { model: 'invoice-ocr', version: '1.0.0', digest: OLD.digest, count: 4 },
      { model: 'invoice-ocr', version: '2.0.0', digest: NEW.digest, count: 1 },
    ]);
    expect(list.devices.find(({ device }) => device === canary)).toMatchObject({
      in: ['canary of ocr'],
      asDeclared: 1,
      declared: 1,
    });
  });

  it('says beside how a device stands that its agent is older than declared', async () => {
    await using fleet = new Fleet();
    for (const id of [canary, rest]) await fleet.enrol(id);
    fleet.words = words({ agentVersion: '0.1.1' });
    await fleet.report(canary, NEW);
    await fleet.report(rest, OLD, { properties: { agent: '0.1.1', [DIRECTIVE_REFUSED]: 'DIRECTIVE_OLD' } });
    await fleet.report(canary, NEW, { properties: { agent: '0.1.0' } });
    const texts = (await fleet.reader.devices({})).devices.map(({ device, text }) => [device, text]);
    expect(Object.fromEntries(texts)).toEqual({
      [canary]: 'agent 0.1.0 is older than the declared 0.1.1',
      [rest]: 'does not believe the directive: DIRECTIVE_OLD',
    });
    expect((await fleet.reader.device(canary))?.text).toContain('0.1.1');
  });

  it('says that a device waits while no version is stable yet', async () => {
    await using fleet = new Fleet();
    fleet.directive = { kind: 'Directive', entries: [entry({ stable: null })] };
    await fleet.enrol(rest);
    const [waiting] = (await fleet.reader.devices({})).devices;
    expect(waiting).toMatchObject({
      state: 'not-managed',
      text: 'no version of invoice-ocr is stable in ocr yet, and it is not in the stage',
    });
  });

  it('follows time, reports, the directive and the fleet documents', async () => {
    await using fleet = new Fleet();
    await fleet.enrol(canary);
    await fleet.enrol(rest);
    await fleet.report(rest, OLD);
    const stateOf = async (id: string): Promise<string | undefined> => {
      fleet.pass();
      return (await fleet.reader.devices({})).devices.find(({ device }) => device === id)?.state;
    };
    expect(await stateOf(canary)).toBe('changing');
    for (let at = 0; at <= 10; at++) await fleet.store.recordListening(NOW + at * 100_000);
    expect(await stateOf(canary)).toBe('unreachable');
    expect(await stateOf(rest)).toBe('silent');
    await fleet.report(canary, NEW);
    expect(await stateOf(canary)).toBe('as-declared');
    fleet.directive = { kind: 'Directive', entries: [entry({ candidate: null })] };
    fleet.sequence += 1;
    expect(await stateOf(canary)).toBe('changing');
    fleet.directive = { kind: 'Directive', entries: [] };
    fleet.sequence += 1;
    expect(await stateOf(canary)).toBe('not-managed');
    fleet.words = words({ isDenied: () => true });
    expect(await stateOf(canary)).toBe('denied');
  });

  it('shows what a filter leaves, and counts every state of it', async () => {
    await using fleet = new Fleet();
    for (const id of ids) {
      await fleet.enrol(id, { region: inCanary(id) ? 'north' : 'south', serial: id });
      await fleet.report(id, inCanary(id) ? NEW : OLD);
    }
    await fleet.store.ingestPlain([
      {
        report: {
          ...{ device: 'plain-1', model: 'invoice-ocr', version: '1.0.0', digest: null, inferences: 1, errors: 0 },
          ...{ figures: {}, statedAtMs: null, key: null },
        },
        ...{ receivedAtMs: NOW, token: 't' },
      },
    ]);
    const named = async (question: Parameters<typeof fleet.reader.devices>[0]): Promise<string[]> =>
      (await fleet.reader.devices(question)).devices.map(({ device }) => device);
    const north = ids.filter(inCanary);
    expect(await named({ selector: 'region:north' })).toEqual(north);
    expect(await named({ model: 'invoice-ocr', version: '2.0.0' })).toEqual(north);
    expect(await named({ digest: NEW.digest })).toEqual(north);
    expect(await named({ rollout: 'ocr', arm: 'candidate' })).toEqual(north);
    expect(await named({ version: '1.0.0', selector: 'region:north' })).toEqual([]);
    expect(await named({ state: 'not-managed' })).toEqual(['plain-1']);
    await expect(named({ selector: 'region:' })).rejects.toMatchObject({ code: 'SELECTOR_SYNTAX' });
    const all = await fleet.reader.devices({ state: 'as-declared' });
    expect(all.total).toBe(ids.length);
    expect(all.counts.find(({ state }) => state === 'not-managed')?.count).toBe(1);
    expect(all.facets.find(({ label }) => label === 'region')?.values.reduce((sum, { count }) => sum + count, 0)).toBe(
      40,
    );
    expect(all.arms).toContainEqual({ rollout: 'ocr', stage: 'canary', arm: 'candidate', count: north.length });
    const plain = (await fleet.reader.devices({ selector: 'id:plain-1' })).devices[0];
    expect(plain).toMatchObject({ isSigned: false, text: expect.stringContaining('without an agent') });
  });

  it('turns pages that neither skip nor repeat a device, whatever comes and goes', async () => {
    await using fleet = new Fleet();
    for (const id of ids) await fleet.enrol(id);
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 20; page++) {
      const { devices, next } = await fleet.reader.devices({ limit: 7, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...devices.map(({ device }) => device));
      await fleet.enrol(`c${page}`);
      fleet.pass();
      if (next === null) break;
      cursor = next;
    }
    expect(seen).toEqual(ids);
    await expect(fleet.reader.devices({ cursor: '!' })).rejects.toThrow(/cursor/);
  });

  it('answers with the view before while a new one takes long, and says of when it is', async () => {
    await using fleet = new Fleet();
    await fleet.enrol(canary);
    const { asOf } = await fleet.reader.devices({});
    await fleet.enrol(rest);
    fleet.pass(5_000);
    fleet.patience = Promise.resolve();
    const late = await fleet.reader.devices({});
    expect(late).toMatchObject({ total: 1, asOf: { atMs: asOf.atMs } });
    fleet.patience = new Promise(() => {});
    fleet.pass(5_000);
    expect((await fleet.reader.devices({})).total).toBe(2);
  });
});

describe('one device', () => {
  it('shows what is declared and why, with a command that works the bucket out', async () => {
    await using fleet = new Fleet();
    await fleet.enrol(canary, { hw: 'rev1' }, { region: 'north' });
    await fleet.report(canary, OLD);
    await fleet.report(canary, NEW);
    const view = (await fleet.reader.device(canary))!;
    fits('DeviceView', view);
    const bucket = bucketOf(entry().salt, canary) / BUCKETS;
    expect(view.models).toMatchObject([
      {
        ...{ arm: 'candidate', isSame: true, bucket, cut: 0.5 },
        why: `bucket ${bucket.toFixed(4)} < cut 0.5000: canary`,
        workOut: `printf 'ocr\\nnew\\n1\\nnonce\\n${canary}' | sha256sum | cut -c1-12`,
        slots: [
          { slot: 'A', version: '2.0.0' },
          { slot: 'B', version: '1.0.0', state: 'ran before' },
        ],
      },
    ]);
    expect(view.labelSources).toEqual([
      { name: 'hw', value: 'rev1', source: 'stated' },
      { name: 'region', value: 'north', source: 'token' },
    ]);
    expect(view.changes.map(({ version, how }) => [version, how])).toEqual([
      ['2.0.0', 'declared'],
      ['1.0.0', 'declared'],
    ]);
    expect(view.identity).toMatchObject({ agent: '0.1.0', platform: 'linux/arm64', newestSequence: 2 });
    expect(await fleet.reader.device('nobody')).toBeUndefined();
  });

  it('names the key of a device as keys of signers are named', async () => {
    await using fleet = new Fleet();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await fleet.enrol(canary, {}, {}, String(publicKey.export({ type: 'spki', format: 'pem' })));
    expect((await fleet.reader.device(canary))?.identity.key).toBe(keyIdOf(publicKey));
  });

  it('holds whatever it says of itself', async () => {
    await using fleet = new Fleet();
    const hostile = '<script>alert(1)</script>\u202e\n\u{1f4a5}'.repeat(300);
    await fleet.enrol(canary, { hw: hostile.slice(0, 200) });
    await fleet.report(canary, OLD, {
      properties: { [DIRECTIVE_REFUSED]: hostile, agentProblem: hostile },
      outcomes: [
        {
          ...{ model: 'invoice-ocr', rollout: 'ocr', revision: 5, digest: NEW.digest, attempt: 1, kind: 'failed' },
          ...{ reason: null, message: hostile, at: '2026-11-20T10:00:00Z' },
        },
      ],
    });
    const view = (await fleet.reader.device(canary))!;
    fits('DeviceView', view);
    for (const text of [view.text ?? '', ...view.refusals, ...view.failures.map((one) => one.text)]) {
      expect(text.length).toBeLessThanOrEqual(501);
      expect(text).not.toMatch(/[\n\u202e]/);
    }
  });
});

it('the entries that are found for a device say the same to it as all of them', () => {
  const terms = fc.constantFrom(
    '*',
    'a:1',
    'a:(1 OR 2)',
    'b:x AND a:1',
    'NOT a:1',
    'a:1 OR b:x',
    'n:5',
    'b:x*',
    'id:d1',
  );
  const facts = fc.record({
    id: fc.constantFrom('d1', 'd2'),
    labels: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2', 'x', 'xy')),
    properties: fc.dictionary(
      fc.constantFrom('a', 'n', 'constructor'),
      fc.constantFrom<string | number>('1', 1, 5, '5'),
    ),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(terms, terms), { maxLength: 8 }), facts, (targets, device) => {
      const entries = targets.map(([target, stable], n) =>
        entry({ rollout: `r${n}`, model: `m${n % 3}`, target, stable: { ...OLD, target: stable } }),
      );
      const directive = { kind: 'Directive', entries } as const;
      const onTrial = new Set(['r1']);
      const found = new EntryFinder(directive).entriesFor(device, onTrial);
      expect(assignmentsFor({ kind: 'Directive', entries: found }, device, onTrial)).toEqual(
        assignmentsFor(directive, device, onTrial),
      );
    }),
  );
});
