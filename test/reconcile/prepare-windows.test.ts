// A window that can't be opened is its own rollout's trouble: the others are prepared, and what is only not to be had now stops the cycle.
import { expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { WindowMeasurement } from '../../src/measurement/window-measurement.ts';
import { WindowKeeping } from '../../src/reconcile/prepare-windows.ts';
import { blankStatus } from '../../src/rollout/next-status.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const NAMES = ['damaged', 'sound'];

function prepare(store: FleetStore, kind: 'bug' | 'retry-later') {
  const failing: FleetStore = {
    ...store,
    openWindow: async (spec, nowMs) => {
      if (spec.rollout === 'damaged') throw new CodedError({ code: 'TELEMETRY_ROW_BROKEN', kind, message: 'broken' });
      await store.openWindow(spec, nowMs);
    },
  };
  const status = { ...blankStatus('*', NOW), revision: 1, opened: 1 };
  const windows = NAMES.map((name) => {
    const rollout = { name, model: 'sorter', status, policy: null, classes: [] };
    return { rollout, deviceCount: 0, cohort: null, isUnderWay: false, now: NOW };
  });
  const keeping = new WindowKeeping(failing, new WindowMeasurement(failing, 60_000));
  return keeping.prepare({
    windows,
    fleet: { devices: [], words: { labels: new Map(), readFrom: {} } },
    rollouts: new Set(NAMES),
    isBlind: false,
    now: NOW,
  });
}

test('a damaged window holds up no other rollout', async () => {
  const store = openMemoryFleetStore();
  expect(await prepare(store, 'bug')).toMatchObject([{ rollout: 'damaged', error: { code: 'TELEMETRY_ROW_BROKEN' } }]);
  expect(await store.readWindow('sound', 1)).toBeDefined();
});

test('a store that is busy is asked again with the next cycle', async () => {
  await expect(prepare(openMemoryFleetStore(), 'retry-later')).rejects.toMatchObject({ kind: 'retry-later' });
});
