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

/** Of the stage's devices that are to fetch the candidate. */
export function countDeliveries(facts: CountingFacts, matching: Iterable<Matching>): StageDeliveries {
  const { rollout, revision } = facts.entry;
  const opened = facts.openedRevision ?? revision;
  const names: string[] = [];
  const devices: Delivery[] = [];
  for (const one of matching) {
    if (one.kind !== 'wanted' || WONT_FETCH.has(one.standing.place)) continue;
    const { device, candidate, standing } = one;
    const heard = heardAt(device, rollout, opened);
    const has = HAVE_IT.has(standing.place) || standing.isOnTrial === true;
    const got = takenCandidate(device, rollout, candidate)?.takenListenedMs ?? (has ? (heard ?? 0) : undefined);
    names.push(device.id);
    devices.push({ heardAtMs: heard ?? got ?? null, gotAtMs: got ?? null, isOut: standing.place === 'unreachable' });
  }
  return { names, devices, nowMs: facts.listenedMs };
}
