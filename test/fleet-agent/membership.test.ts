// Device and service compute the same membership, whatever labels are the device's own, its token's or the fleet documents'.
import { expect, test } from 'vitest';
import { FactSource } from '../../fleet-agent/src/fact-source.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { bindLabels, boundLabelsOf } from '../../src/contract/bound-labels.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { assignmentsFor, type Directive } from '../../src/contract/directive.ts';
import { encodeDirective, parseDirective } from '../../src/contract/directive-json.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { entry } from '../distribution/publication-world.ts';

const DEVICES = 1_000;
const NOW = Date.parse('2026-11-20T10:00:00Z');
const REGIONS = ['eu-west', 'us-east', 'ap-south'];

test('for a thousand devices both say the same', async () => {
  const random = seededRandom('membership', 'labels');
  const pick = (): Record<string, string> => {
    const region = REGIONS[Math.floor(random.next() * REGIONS.length)] ?? '';
    return { region, ring: random.next() < 0.5 ? 'inner' : 'outer' };
  };
  const store = openMemoryFleetStore();
  const ids = Array.from({ length: DEVICES }, (_, i) => `dev-${i}`);
  const documented = new Map(ids.filter(() => random.next() < 0.3).map((id) => [id, { region: pick().region ?? '' }]));
  const candidate = { version: '2', digest: digestOf('candidate'), attempt: 1, parameters: {} };
  const directive: Directive = {
    kind: 'Directive',
    entries: [
      entry({
        ...{ target: 'region:eu-west AND NOT ring:none', candidate, salt: 'salt' },
        cohort: { cut: 2 ** 46, select: 'ring:inner', devices: [] },
        stable: { version: '1', digest: digestOf('stable'), parameters: {}, target: 'NOT region:ap-south' },
      }),
    ],
    bound: bindLabels(documented),
  };
  const received = parseDirective(encodeDirective(directive));
  expect(received).toEqual(directive);
  await store.bindLabels(documented);
  const said = new Map<string, unknown>();
  for (const id of ids) {
    const own = pick();
    const labels = random.next() < 0.3 ? { ring: pick().ring ?? '' } : {};
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1, labels });
    const answer = await store.enrol({ token, device: id, publicKey: id, labels: own, nowMs: NOW });
    if (answer.kind !== 'enrolled') throw new Error(answer.reason);
    const device = new FactSource({ id, labels: own, clock: new SystemClock() } as never);
    device.takeEnrolledLabels(answer.labels);
    device.takeDocumentedLabels(boundLabelsOf(received.bound ?? [], id));
    said.set(id, assignmentsFor(received, device.facts()));
  }
  const { devices } = await store.readFleet();
  const arms = new Set<string>();
  for (const [id, record] of devices) {
    const [assignment] = assignmentsFor(directive, record);
    expect(said.get(id)).toEqual(assignment === undefined ? [] : [assignment]);
    arms.add(assignment === undefined ? 'outside' : assignment.kind === 'run' ? assignment.arm : assignment.kind);
  }
  expect([...arms].sort()).toEqual(['candidate', 'outside', 'stable']);
});
