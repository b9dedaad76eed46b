// Owns the fleet in numbers: one walk over the list of its devices that counts states and versions, taken again only when that changed.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DeviceRecord } from '../../store/device-register.ts';
import { MOST_NAME, share, text } from './bounded.ts';
import type { FleetList } from './fleet-index.ts';
import type { DeviceState, FleetSummary } from './types.generated.ts';

/** Devices by the digest that they run, or keep ready beside it. */
export interface DigestCounts {
  readonly version: string;
  running: number;
  kept: number;
}

export interface FleetCounts {
  readonly enrolled: number;
  readonly states: ReadonlyMap<DeviceState, number>;
  /** By model, then by digest. */
  readonly models: ReadonlyMap<string, ReadonlyMap<string, DigestCounts>>;
  /** Heard of in the last report intervals. */
  readonly heard: number;
}

export const NO_DEVICES: FleetCounts = { enrolled: 0, states: new Map(), models: new Map(), heard: 0 };

const KEPT: ReadonlySet<string> = new Set(['staged', 'selfTested', 'trial']);

/** Versions beyond this of one model are lost devices, or lies. What rollouts name always has its own place: no lie may take it. */
const MOST_DIGESTS = 200;
const MOST_MODELS = 1_000;

/** Digests that rollouts name, by model. */
export type NamedVersions = ReadonlyMap<string, { has(digest: string): boolean }>;

class VersionCounter {
  readonly models = new Map<string, Map<string, DigestCounts>>();
  readonly #named: NamedVersions;

  constructor(named: NamedVersions) {
    this.#named = named;
  }

  count({ models }: DeviceRecord): void {
    for (const { model, running, subject, state } of models.values()) {
      if (running !== null) this.#of(model, running.digest, running.version).running += 1;
      if (subject !== null && KEPT.has(state) && subject.digest !== running?.digest)
        this.#of(model, subject.digest, '').kept += 1;
    }
  }

  #of(model: string, digest: string, version: string): DigestCounts {
    const isNamed = this.#named.has(model);
    const name = isNamed || this.models.has(model) || this.models.size < MOST_MODELS ? model : '(others)';
    const digests = this.models.get(name) ?? new Map<string, DigestCounts>();
    this.models.set(name, digests);
    const isKept = digests.has(digest) || digests.size < MOST_DIGESTS;
    const key = isKept || this.#named.get(name)?.has(digest) === true ? digest : '(others)';
    const known = digests.get(key);
    if (known !== undefined && (known.version !== '' || version === '')) return known;
    const fresh = {
      version: key === digest ? text(version, MOST_NAME) : '',
      running: known?.running ?? 0,
      kept: known?.kept ?? 0,
    };
    digests.set(key, fresh);
    return fresh;
  }
}

/** So many devices are counted before others have their turn. */
const DEVICES_IN_A_TURN = 5_000;

/** Devices that report without an agent are in no number: nothing is declared for them, and nothing vouches for them. */
export async function countFleet(
  { devices, states: stateAt, silentBefore }: FleetList,
  named: NamedVersions,
): Promise<FleetCounts> {
  const states = new Map<DeviceState, number>();
  const versions = new VersionCounter(named);
  let [enrolled, heard] = [0, 0];
  for (const [i, { record }] of devices.entries()) {
    if (i % DEVICES_IN_A_TURN === DEVICES_IN_A_TURN - 1) await nextTurn();
    const state = stateAt[i];
    if (record === null || state === undefined) continue;
    enrolled += 1;
    if (record.lastSeenListenedMs >= silentBefore) heard += 1;
    states.set(state, (states.get(state) ?? 0) + 1);
    versions.count(record);
  }
  return { enrolled, states, models: versions.models, heard };
}

const ORDER: readonly DeviceState[] = [
  'as-declared',
  'changing',
  'failed',
  'refusing',
  'contradiction',
  'silent',
  'unreachable',
  'denied',
  'not-managed',
];

const HOW =
  'Devices that run what is declared for them, of all enrolled devices with something declared. A silent device counts as not as declared.';

export function fleetSummary({ enrolled, states }: FleetCounts): FleetSummary {
  const number = (state: DeviceState): number => states.get(state) ?? 0;
  const asDeclared = number('as-declared');
  return {
    ...{ enrolled, asDeclared },
    states: ORDER.flatMap((state) => (number(state) > 0 ? [{ state, count: number(state) }] : [])),
    share: share(asDeclared, enrolled - number('not-managed') - number('denied')),
    howCounted: HOW,
  };
}
