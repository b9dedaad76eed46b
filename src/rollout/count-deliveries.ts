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
  #found: readonly Found[] = [];
  #names: readonly string[] = [];
  #devices: readonly Delivery[] = [];

  count({ entry, openedRevision, listenedMs }: CountingFacts, matching: Iterable<Matching>): StageDeliveries {
    const { rollout, revision, candidate } = entry;
    const opened = openedRevision ?? revision;
    const of = JSON.stringify([rollout, opened, candidate?.digest, candidate?.attempt]);
    if (of !== this.#of) this.#take([]);
    this.#of = of;
    const known = this.#found;
    // None is made as long as all are as they were.
    let found: Found[] | null = null;
    let place = 0;
    for (const one of matching) {
      if (one.kind !== 'wanted' || WONT_FETCH.has(one.standing.place)) continue;
      const before = known[place];
      const isSame = before !== undefined && isAsFound(before, one);
      if (!isSame) found ??= known.slice(0, place);
      found?.push(isSame ? before : findDelivery(one, rollout, opened));
      place++;
    }
    if (found !== null || place !== known.length) this.#take(found ?? known.slice(0, place));
    return { names: this.#names, devices: this.#devices, nowMs: listenedMs };
  }

  #take(found: readonly Found[]): void {
    this.#found = found;
    this.#names = found.map(({ name }) => name);
    this.#devices = found.map(({ delivery }) => delivery);
  }
}

type Wanted = Extract<Matching, { readonly kind: 'wanted' }>;

function isAsFound(before: Found, { device, standing }: Wanted): boolean {
  return (
    before.device === device && before.place === standing.place && before.isOnTrial === (standing.isOnTrial === true)
  );
}

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
