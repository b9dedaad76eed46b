// Owns which devices a list shows: filters, counts by state, facets, and pages whose cursor holds while the fleet changes.
import { matchesSelector, parseSelector } from '../../contract/selector.ts';
import type { FleetList, IndexedDevice } from './fleet-index.ts';
import type { ArmCount, DeviceState, Facet, StateCount, VersionCount } from './types.generated.ts';

export interface DeviceFilter {
  readonly selector?: string;
  readonly state?: DeviceState;
  readonly model?: string;
  /** Of that model where one is given, else of any. */
  readonly version?: string;
  readonly digest?: string;
  readonly rollout?: string;
  /** In that rollout where one is given, else in any. */
  readonly arm?: 'candidate' | 'stable';
}

/** What a filter leaves. */
export interface FoundDevices {
  /** Places in the list. */
  readonly places: readonly number[];
  /** By state, whichever of them the filter asks for. */
  readonly counts: readonly StateCount[];
  readonly facets: readonly Facet[];
  readonly versions: readonly VersionCount[];
  readonly arms: readonly ArmCount[];
}

const STATES: readonly DeviceState[] = [
  ...(['as-declared', 'changing', 'failed', 'refusing', 'contradiction'] as const),
  ...(['silent', 'unreachable', 'denied', 'not-managed'] as const),
];
const MOST_KNOWN = 8;
const MOST_FACETS = 24;
const MOST_VALUES = 24;
/** A label of more values tells devices apart, and is no facet. */
const MOST_COUNTED_VALUES = 500;
const MOST_COUNTS = 500;

/** Answers are kept for as long as the list stays as it is: whoever turns pages costs nothing. */
export class DeviceFinder {
  readonly #known = new Map<string, FoundDevices>();
  #version = -1;

  /** Throws SELECTOR_SYNTAX. */
  find(list: FleetList, filter: DeviceFilter): FoundDevices {
    if (list.version !== this.#version) this.#known.clear();
    this.#version = list.version;
    const key = JSON.stringify(filter);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = findDevices(list, filter);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, found);
    return found;
  }
}

function findDevices({ devices, states }: FleetList, filter: DeviceFilter): FoundDevices {
  const passes = passesOf(filter);
  const byState = new Map<DeviceState, number>();
  const byLabels = new Map<IndexedDevice['labels'], number>();
  const byModels = new Map<IndexedDevice['models'], number>();
  const byAssignments = new Map<IndexedDevice['assignments'], number>();
  const places: number[] = [];
  for (let place = 0; place < devices.length; place++) {
    const device = devices[place];
    const state = states[place];
    if (device === undefined || state === undefined || !passes(device)) continue;
    add(byState, state, 1);
    if (filter.state !== undefined && filter.state !== state) continue;
    places.push(place);
    add(byLabels, device.labels, 1);
    add(byModels, device.models, 1);
    add(byAssignments, device.assignments, 1);
  }
  const counts = STATES.map((state) => ({ state, count: byState.get(state) ?? 0 }));
  return { places, counts, facets: facetsOf(byLabels), versions: versionsOf(byModels), arms: armsOf(byAssignments) };
}

function add<T>(counts: Map<T, number>, key: T, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

/** Devices share their lists of models and of what is declared: each list is held against the filter once. */
function passesOf({
  selector,
  model,
  version,
  digest,
  rollout,
  arm,
}: DeviceFilter): (device: IndexedDevice) => boolean {
  const parsed = selector === undefined || selector.trim() === '' ? undefined : parseSelector(selector);
  const runs = once<IndexedDevice['models']>((models) =>
    [...models].some(
      ([name, { running }]) =>
        (model === undefined || name === model) &&
        (version === undefined || running?.version === version) &&
        (digest === undefined || running?.digest === digest),
    ),
  );
  const isGiven = once<IndexedDevice['assignments']>((assignments) =>
    assignments.some((one) => {
      const claims = one.kind === 'conflict' ? one.claims : [one];
      return claims.some(
        (claim) =>
          (rollout === undefined || claim.entry.rollout === rollout) &&
          (arm === undefined || (claim.kind === 'run' && claim.arm === arm)),
      );
    }),
  );
  const asksRuns = model !== undefined || version !== undefined || digest !== undefined;
  const asksGiven = rollout !== undefined || arm !== undefined;
  return (device) =>
    (!asksRuns || runs(device.models)) &&
    (!asksGiven || isGiven(device.assignments)) &&
    (parsed === undefined || matchesSelector(parsed, device));
}

function once<T extends object>(test: (value: T) => boolean): (value: T) => boolean {
  const known = new Map<T, boolean>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const answer = test(value);
    known.set(value, answer);
    return answer;
  };
}

function facetsOf(byLabels: ReadonlyMap<IndexedDevice['labels'], number>): Facet[] {
  const facets = new Map<string, Map<string, number>>();
  const distinct = new Set<string>();
  for (const [labels, count] of byLabels) {
    for (const label in labels) {
      if (distinct.has(label)) continue;
      const values = facets.get(label) ?? new Map<string, number>();
      facets.set(label, values);
      add(values, labels[label] ?? '', count);
      if (values.size <= MOST_COUNTED_VALUES) continue;
      distinct.add(label);
      facets.delete(label);
    }
  }
  return [...facets]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MOST_FACETS)
    .map(([label, values]) => ({
      label,
      values: byCount([...values].map(([value, count]) => ({ value, count }))).slice(0, MOST_VALUES),
    }));
}

function byCount<T extends { readonly count: number }>(counted: T[]): T[] {
  return counted.sort((a, b) => b.count - a.count);
}

function versionsOf(byModels: ReadonlyMap<IndexedDevice['models'], number>): VersionCount[] {
  const counts = new Map<string, VersionCount>();
  for (const [models, count] of byModels) {
    for (const [model, { running }] of models) {
      if (running === null) continue;
      const key = `${model}\n${running.version}\n${running.digest}`;
      const before = counts.get(key)?.count ?? 0;
      counts.set(key, { model, version: running.version, digest: running.digest, count: before + count });
    }
  }
  const sorted = byCount([...counts.values()]).slice(0, MOST_COUNTS);
  return sorted.sort((a, b) => (a.model === b.model ? b.count - a.count : a.model < b.model ? -1 : 1));
}

function armsOf(byAssignments: ReadonlyMap<IndexedDevice['assignments'], number>): ArmCount[] {
  const counts = new Map<string, ArmCount>();
  for (const [assignments, count] of byAssignments) {
    for (const one of assignments) {
      if (one.kind !== 'run') continue;
      const { rollout, stage } = one.entry;
      const key = `${rollout}\n${one.arm}`;
      const before = counts.get(key)?.count ?? 0;
      counts.set(key, { rollout, stage: one.arm === 'candidate' ? stage : null, arm: one.arm, count: before + count });
    }
  }
  return byCount([...counts.values()]).slice(0, MOST_COUNTS);
}

/** The places of a page: after the id of the cursor, whatever came or went meanwhile. */
export function pageAfter(
  { devices }: FleetList,
  { places }: FoundDevices,
  { after, most }: { readonly after: string | null; readonly most: number },
): { readonly places: readonly number[]; readonly next: string | null } {
  const idAt = (i: number): string => devices[places[i] ?? 0]?.id ?? '';
  let from = 0;
  for (let end = places.length; after !== null && from < end; ) {
    const middle = (from + end) >>> 1;
    if (idAt(middle) <= after) from = middle + 1;
    else end = middle;
  }
  const page = places.slice(from, from + most);
  return { places: page, next: from + most < places.length ? idAt(from + most - 1) : null };
}
