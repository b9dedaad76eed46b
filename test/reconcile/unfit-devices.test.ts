// A stage takes in only devices that can run the version, says how many can't, and waits for none of them.
import { expect, test } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { isOnCandidate } from '../../src/contract/directive.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { KEYS, LoopWorld, NEXT, STABLE } from './loop-world.ts';

const MEMBERS = Array.from({ length: 6 }, (_, i) => `dev-${String(2 * i + 1).padStart(5, '0')}`);
const PATH = 'models/model/2.0.0.yaml';

/** 2.0.0 for the devices of the group `kiosks` alone. */
function forKiosks(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(NEXT.files[PATH] ?? '');
  manifest.spec.compatibility = { groups: ['kiosks'] };
  const text = JSON.stringify(manifest);
  return { [PATH]: text, [`${PATH}.sigstore.json`]: JSON.stringify(signBytes(Buffer.from(text), KEYS.ci)) };
}

const group = (members: readonly string[]): Readonly<Record<string, string>> => ({
  'fleet/kiosks.yaml': `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: kiosks }\nspec:\n  devices: [${members.map((id) => `{ id: ${id} }`).join(', ')}]\n`,
});

test('a canary is drawn from the devices that the manifest is for; before it starts the others are shown', async () => {
  const world = await LoopWorld.stable({ files: { ...forKiosks(), ...group(['stranger']) } });
  await world.tick(2);
  await world.edit({ version: '2.0.0' });
  await world.tick(2);
  expect(world.outlook()?.waitingOn).toMatchObject([{ kind: 'known-devices', have: 0, unfit: 12 }]);
  await world.push(group(MEMBERS));
  await world.untilRolling();
  const entry = world.entry()!;
  expect(entry.candidate?.digest).toBe(digestOf(forKiosks()[PATH] ?? ''));
  const onCandidate = (id: string) => isOnCandidate(entry, { id, labels: {}, properties: {} });
  expect(MEMBERS.filter(onCandidate)).toHaveLength(4);
  for (let i = 0; i < 60 && world.entry()?.candidate !== null; i++) await world.tick();
  expect((await world.rollout()).status?.stable?.version).toBe('2.0.0');
  expect(STABLE.digest).not.toBe(world.entry()?.stable?.digest);
});
