// Owns one measurement of memory in a process that does nothing else: a store that is opened, and the fleet read from it.
import { SystemClock } from '../src/base/clock.ts';
import { KnownFleets } from '../src/measurement/known-fleet.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { heapBytes } from './measure.ts';
import { ROLLOUT } from './report-load.ts';

export interface MemoryMeasured {
  readonly fleetBytes: number;
  readonly matchedBytes: number;
  readonly windowBytes: number;
  readonly residentBytes: number;
  readonly readMs: number;
  readonly refreshMs: number;
}

const [file = ''] = process.argv.slice(2);
const store = openSqliteFleetStore({ file, clock: new SystemClock() });
const empty = heapBytes();
const resident = process.memoryUsage().rss;
const start = performance.now();
const picture = await store.readFleet();
const readMs = performance.now() - start;
const withFleet = heapBytes();
const fleet = new KnownFleets().of(picture, { groups: new Map(), admitsListedOnly: false, settingsFrom: null });
fleet.matching('region:eu-west AND hw:rev2');
const withMatching = heapBytes();
const window = await store.readWindow(ROLLOUT, 5);
const withWindow = heapBytes();
const again = performance.now();
await store.readFleet();
const refreshMs = performance.now() - again;
if (fleet.devices.length !== picture.devices.size || window === undefined)
  throw new Error('the store is not as expected');
process.send?.({
  fleetBytes: withFleet - empty,
  matchedBytes: withMatching - withFleet,
  windowBytes: withWindow - withMatching,
  residentBytes: process.memoryUsage().rss - resident,
  ...{ readMs, refreshMs },
} satisfies MemoryMeasured);
process.disconnect?.();
