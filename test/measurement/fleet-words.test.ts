// Laws of what the fleet documents say of devices: who is admitted, with which labels, groups and key.
import { expect, test } from 'vitest';
import { boundLabelsOf, MOST_BOUND } from '../../src/contract/bound-labels.ts';
import { chooseVariant } from '../../src/contract/manifest/choose-variant.ts';
import type { ModelManifest } from '../../src/contract/types.generated.ts';
import type { DeviceGroup } from '../../src/documents/types.generated.ts';
import { type FleetDocuments, FleetWords, fleetErrors } from '../../src/measurement/fleet-words.ts';
import { generateKeyPair } from '../../src/signing/keys.ts';

function group(name: string, spec: DeviceGroup['spec']): DeviceGroup {
  return { apiVersion: 'slipway.dev/v1alpha1', kind: 'DeviceGroup', metadata: { name }, spec };
}

function documents(groups: Readonly<Record<string, DeviceGroup | null>>, admitsListedOnly = false): FleetDocuments {
  const read = Object.entries(groups).map(([path, one]) => {
    return [
      path,
      one === null ? { kind: 'broken' as const } : { kind: 'group' as const, group: one, oid: path },
    ] as const;
  });
  return { groups: new Map(read), admitsListedOnly, settingsFrom: null };
}

const KIOSKS = group('kiosks', {
  labels: { region: 'eu-west' },
  devices: [{ id: 'k1' }, { id: 'k2', labels: { hw: 'rev2' } }],
});

test('a member has the labels of its groups and its own, and the names of the groups', () => {
  const tills = group('tills', { devices: [{ id: 'k2' }] });
  const { labels, bound } = new FleetWords().of(documents({ 'fleet/a.yaml': KIOSKS, 'fleet/b.yaml': tills }));
  expect(Object.fromEntries(labels)).toEqual({
    k1: { region: 'eu-west', groups: 'kiosks' },
    k2: { region: 'eu-west', hw: 'rev2', groups: 'kiosks,tills' },
  });
  for (const [device, own] of labels) expect(boundLabelsOf(bound, device)).toEqual(own);
  expect(boundLabelsOf(bound, 'k3')).toEqual({});
  expect(JSON.stringify(bound)).not.toContain('k1');
});

test('a model for a group is for the members that the fleet documents list', () => {
  const { labels } = new FleetWords().of(documents({ 'fleet/a.yaml': KIOSKS }));
  const manifest = {
    spec: { compatibility: { groups: ['kiosks'] }, variants: [{ platform: 'any', files: [] }] },
  } as unknown as ModelManifest;
  const fits = (id: string) => chooseVariant(manifest, { id, labels: labels.get(id) ?? {}, properties: {} }).kind;
  expect([fits('k1'), fits('stranger')]).toEqual(['fits', 'incompatible']);
});

test('where only listed devices are admitted, all others are denied; a deny list always counts', () => {
  const words = new FleetWords();
  const denying = group('denying', { deny: ['k2'] });
  const all = { 'fleet/a.yaml': KIOSKS, 'fleet/b.yaml': denying };
  const denied = (only: boolean) => ['k1', 'k2', 'k3'].filter((id) => words.of(documents(all, only)).isDenied(id));
  expect([denied(false), denied(true)]).toEqual([['k2'], ['k2', 'k3']]);
});

test('a document that is broken for now says what it said before; one that was never read shuts nobody out, and lets nobody new in', () => {
  const words = new FleetWords();
  words.of(documents({ 'fleet/a.yaml': KIOSKS }, true));
  const broken = words.of(documents({ 'fleet/a.yaml': null }, true));
  expect([broken.isDenied('k1'), broken.isDenied('k3')]).toEqual([false, true]);
  const never = new FleetWords().of(documents({ 'fleet/a.yaml': null }, true));
  expect([never.isDenied('k1'), never.isDenied('k3')]).toEqual([false, false]);
  expect([broken.mayEnrol('k1'), broken.mayEnrol('k3'), never.mayEnrol('k1')]).toEqual([true, false, false]);
});

test('names of more groups than a label holds are left out: a report with a longer label would be refused', () => {
  const groups = Array.from({ length: 20 }, (_, i) => group(`group-of-devices-${i}`, { devices: [{ id: 'k1' }] }));
  const { labels } = new FleetWords().of(
    documents(Object.fromEntries(groups.map((one, i) => [`fleet/${i}.yaml`, one]))),
  );
  const names = labels.get('k1')?.groups ?? '';
  expect(names.length).toBeLessThanOrEqual(256);
  expect(names.split(',').length).toBeGreaterThan(10);
});

test('the key of a member is compared in the form that enrolment has it', () => {
  const { publicPem } = generateKeyPair();
  const one = group('keys', { devices: [{ id: 'k1', publicKey: `${publicPem.trim()}\n\n` }] });
  const { keyOf } = new FleetWords().of(documents({ 'fleet/a.yaml': one }));
  expect([keyOf('k1'), keyOf('k2')]).toEqual([publicPem, undefined]);
});

test('labels of more devices than the directive has room for are an error, with how many', () => {
  const words = (count: number) => {
    const devices = Array.from({ length: count }, (_, i) => ({ id: `d${i}` }));
    return new FleetWords().of(documents({ 'fleet/a.yaml': group('all', { labels: { region: 'eu' }, devices }) }));
  };
  expect(fleetErrors(words(MOST_BOUND))).toEqual([]);
  const [error] = fleetErrors(words(MOST_BOUND + 2));
  expect(error).toMatchObject({ code: 'FLEET_LABELS_TOO_MANY', message: expect.stringContaining('no room for 2') });
});
