// Owns labels that travel to devices in the directive: signed, small, and of no use to whoever does not know the devices' ids.
import { canonicalJson } from './digest.ts';
import { listedHash } from './membership.ts';

export type Labels = Readonly<Record<string, string>>;

/** Devices that the fleet documents give the same labels. */
export interface BoundLabels {
  readonly labels: Labels;
  /** Salted hashes (see `listedHash`), sorted. */
  readonly devices: readonly string[];
}

/** Devices that the directive can name; the labels of more don't travel. */
export const MOST_BOUND = 50_000;
const SALT = 'bound labels';

/** The same labels give the same list, in whatever order they come. */
export function bindLabels(labels: ReadonlyMap<string, Labels>): readonly BoundLabels[] {
  const byLabels = new Map<string, { labels: Labels; devices: string[] }>();
  for (const [device, own] of [...labels].slice(0, MOST_BOUND)) {
    const key = canonicalJson(own);
    const known = byLabels.get(key) ?? { labels: own, devices: [] };
    known.devices.push(listedHash(SALT, device));
    byLabels.set(key, known);
  }
  const sorted = [...byLabels].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, { labels: own, devices }]) => ({ labels: own, devices: devices.sort() }));
}

/** The labels of one device; none where no list names it. */
export function boundLabelsOf(bound: readonly BoundLabels[], device: string): Labels {
  const hash = listedHash(SALT, device);
  return bound.find(({ devices }) => devices.includes(hash))?.labels ?? {};
}

export function isSameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name]);
}

/** The first bound label that the device states otherwise; null when there is none. One that it does not state it has not heard of yet. */
export function contradictedLabel(stated: Labels, bound: Labels): string | null {
  return Object.keys(bound).find((name) => Object.hasOwn(stated, name) && stated[name] !== bound[name]) ?? null;
}
