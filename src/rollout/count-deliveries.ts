// Owns when the devices of a stage heard of it, and when each had its version: in listening time, for a service that is down hears of neither.
import type { StageDeliveries } from '../gates/stage-question.ts';
import type { Delivery } from '../gates/statistics/delivery-verdict.ts';
import { type CountingFacts, type KnownDevice, type Matching, takenCandidate } from './count-cohort.ts';

/** Devices that won't fetch the version, whatever the network: other rules have those. */
const WONT_FETCH: ReadonlySet<string> = new Set(['incompatible', 'refused', 'conflicted']);
/** What they report shows that they have it. */
const HAVE_IT: ReadonlySet<string> = new Set(['ready', 'failed']);

/** When it was first seen following that revision of the rollout, or a later one. */
function heardAt({ heard }: KnownDevice, rollout: string, revision: number): number | undefined {
  for (const known of heard?.get(rollout) ?? []) if (known.revision >= revision) return known.heardListenedMs;
  return undefined;
}

/** What was found of a device. */
interface Found {
  readonly device: KnownDevice;
  readonly name: string;
  readonly place: string;
  readonly isOnTrial: boolean;
  readonly delivery: Delivery;
}

/** Of the stage's devices that are to fetch the candidate. What did not change since the last count is the same object, and is not looked at again. */
export class DeliveryCounter {
  #of = '';
  #found: Found[] = [];

  count({ entry, openedRevision, listenedMs }: CountingFacts, matching: Iterable<Matching>): StageDeliveries {
    const { rollout, revision, candidate } = entry;
    const opened = openedRevision ?? revision;
    const of = JSON.stringify([rollout, opened, candidate?.digest, candidate?.attempt]);
    const known = of === this.#of ? this.#found : [];
    const found: Found[] = [];
    for (const one of matching) {
      if (one.kind !== 'wanted' || WONT_FETCH.has(one.standing.place)) continue;
      const { device, standing } = one;
      const before = known[found.length];
      const isSame =
        before?.device === device &&
        before.place === standing.place &&
        before.isOnTrial === (standing.isOnTrial === true);
      found.push(isSame ? before : findDelivery(one, rollout, opened));
    }
    this.#of = of;
    this.#found = found;
    return { names: found.map(({ name }) => name), devices: found.map(({ delivery }) => delivery), nowMs: listenedMs };
  }
}

type Wanted = Extract<Matching, { readonly kind: 'wanted' }>;

function findDelivery({ device, candidate, standing }: Wanted, rollout: string, opened: number): Found {
  const { place, isOnTrial = false } = standing;
  const heard = heardAt(device, rollout, opened);
  const has = HAVE_IT.has(place) || isOnTrial;
  const got = takenCandidate(device, rollout, candidate)?.takenListenedMs ?? (has ? (heard ?? 0) : undefined);
  const delivery = { heardAtMs: heard ?? got ?? null, gotAtMs: got ?? null, isOut: place === 'unreachable' };
  return { device, name: device.id, place, isOnTrial, delivery };
}

export function countDeliveries(facts: CountingFacts, matching: Iterable<Matching>): StageDeliveries {
  return new DeliveryCounter().count(facts, matching);
}
