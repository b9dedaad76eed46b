// What an entry with groups that do not go along asks of one device.
import { expect, test } from 'vitest';
import type { DeviceMemory } from '../../../fleet-agent/src/record/device-memory.ts';
import { takeDirective } from '../../../fleet-agent/src/update/desired-version.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { entry } from '../../distribution/publication-world.ts';

const OLD = { version: '0.9.0', digest: digestOf('old'), parameters: {}, target: '*' };

test('a new device of a group that is behind takes what is stable there first, and not what is stable elsewhere', async () => {
  const exceptions = [{ group: 'hw:rev2', kind: 'behind', cohort: null, stable: OLD }] as const;
  const directive = { kind: 'Directive', entries: [entry({ exceptions })] } as const;
  const memory = { revisionOf: () => 0, accept: async () => {} } as unknown as DeviceMemory;
  const [taken] = await takeDirective(
    directive,
    { id: 'd', labels: { hw: 'rev2' }, properties: {} },
    { memory, logger: silentLogger },
  );
  expect(taken).toMatchObject({
    wish: {
      kind: 'run',
      goal: { version: '2.0.0', arm: 'candidate' },
      stableFirst: { version: '0.9.0', arm: 'stable' },
    },
  });
});
