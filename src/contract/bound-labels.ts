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
/** Of about that many bytes as JSON, which leaves the entries their room in the directive. */
const MOST_BOUND_BYTES = 2 * 1024 * 1024;
/** A salted hash with its quotes and comma. */
const HASH_BYTES = 28;
const SALT = 'bound labels';

/** The same labels give the same list, in whatever order they come. */
export function bindLabels(labels: ReadonlyMap<string, Labels>): readonly BoundLabels[] {
  const byLabels = new Map<string, { labels: Labels; devices: string[] }>();
  let bytes = 0;
  for (const [device, own] of [...labels].slice(0, MOST_BOUND)) {
    const key = canonicalJson(own);
    bytes += HASH_BYTES + (byLabels.has(key) ? 0 : Buffer.byteLength(key) + HASH_BYTES);
    if (bytes > MOST_BOUND_BYTES) break;
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

/**
 * The first bound label that the device states otherwise; null when there is none. One that it does not state it has not heard of yet, and
 * one that does not count yet (`counted` holds the labels that do) it still has to wait with, as the service does.
 */
export function contradictedLabel(stated: Labels, bound: Labels, counted: Labels): string | null {
  const isContradicted = (name: string): boolean =>
    counted[name] === bound[name] && Object.hasOwn(stated, name) && stated[name] !== bound[name];
  return Object.keys(bound).find(isContradicted) ?? null;
}
