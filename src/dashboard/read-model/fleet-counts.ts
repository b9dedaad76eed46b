// Owns the fleet in numbers: one walk over its devices that counts states and versions, taken again only when the fleet changed.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DIRECTIVE_REFUSED } from '../../contract/report.ts';
import type { KnownFleet } from '../../measurement/known-fleet.ts';
import type { DeviceRecord } from '../../store/device-register.ts';
import { SILENT_INTERVALS } from '../../telemetry/window.ts';
import { MOST_NAME, share, text } from './bounded.ts';
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
  /** Of those as declared: devices that run nothing, as nothing is declared for them yet, or they have not begun. */
  readonly idle: number;
  /** By model, then by digest. */
  readonly models: ReadonlyMap<string, ReadonlyMap<string, DigestCounts>>;
  /** Heard of in the last report intervals. */
  readonly heard: number;
}

export const NO_DEVICES: FleetCounts = { enrolled: 0, states: new Map(), idle: 0, models: new Map(), heard: 0 };

export interface CountingTime {
  /** Listening time of the store now. */
  readonly listenedMs: number;
  readonly reportMs: number;
}

const CHANGING: ReadonlySet<string> = new Set(['fetching', 'verified', 'staged', 'selfTested', 'trial', 'rollingBack']);
const KEPT: ReadonlySet<string> = new Set(['staged', 'selfTested', 'trial']);

function stateOf({ models, properties }: DeviceRecord, isSilent: boolean): DeviceState {
  if (isSilent) return models.size === 0 ? 'unreachable' : 'silent';
  if (properties[DIRECTIVE_REFUSED] !== undefined) return 'refusing';
  let isManaged = false;
  let isChanging = false;
  for (const { rollout, state } of models.values()) {
    if (rollout === null) continue;
    isManaged = true;
    if (state === 'failed') return 'failed';
    isChanging ||= CHANGING.has(state);
  }
  if (isChanging) return 'changing';
  return isManaged ? 'as-declared' : 'not-managed';
}

function isIdle({ models }: DeviceRecord): boolean {
  return models.values().every(({ rollout, running }) => rollout === null || running === null);
}

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

export async function countFleet(
  { devices, contradicting, denied }: KnownFleet,
  { listenedMs, reportMs }: CountingTime,
  named: NamedVersions,
): Promise<FleetCounts> {
  const states = new Map<DeviceState, number>();
  const versions = new VersionCounter(named);
  let [heard, idle] = [0, 0];
  for (const [i, device] of devices.entries()) {
    if (i % DEVICES_IN_A_TURN === DEVICES_IN_A_TURN - 1) await nextTurn();
    const isSilent = listenedMs - device.lastSeenListenedMs > SILENT_INTERVALS * reportMs;
    if (!isSilent) heard += 1;
    const state = stateOf(device, isSilent);
    states.set(state, (states.get(state) ?? 0) + 1);
    if (state === 'as-declared' && isIdle(device)) idle += 1;
    versions.count(device);
  }
  if (denied > 0) states.set('denied', denied);
  if (contradicting.length > 0) states.set('contradiction', contradicting.length);
  return { enrolled: devices.length + contradicting.length + denied, states, idle, models: versions.models, heard };
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

/** `off`: devices that run something else than the directive declares, though nothing is on its way. */
export function fleetSummary({ enrolled, states, idle }: FleetCounts, off: number): FleetSummary {
  const number = (state: DeviceState): number => states.get(state) ?? 0;
  const odd = Math.max(0, Math.min(number('as-declared'), off - number('changing') - number('failed')));
  // Who runs nothing and is not off has nothing declared.
  const waiting = Math.max(0, idle - odd);
  const asDeclared = number('as-declared') - odd - waiting;
  const notManaged = number('not-managed') + waiting;
  const counts = new Map<DeviceState, number>([
    ...states,
    ...([
      ['as-declared', asDeclared],
      ['changing', number('changing') + odd],
      ['not-managed', notManaged],
    ] as const),
  ]);
  return {
    ...{ enrolled, asDeclared },
    states: ORDER.flatMap((state) => {
      const found = counts.get(state) ?? 0;
      return found > 0 ? [{ state, count: found }] : [];
    }),
    share: share(asDeclared, enrolled - notManaged - number('denied')),
    howCounted: HOW,
  };
}
