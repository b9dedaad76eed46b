// Owns which devices of both arms are heard of while a stage is open: since when each counts, and when it fell silent first.
import type { HeardDevice, StageHeard } from '../gates/heard-arm.ts';
import { SILENT_INTERVALS } from '../telemetry/window.ts';
import {
  type CountingFacts,
  hasSay,
  type KnownDevice,
  type Matching,
  type Standing,
  takenCandidate,
} from './count-cohort.ts';

/** A device counts from the opening on if it was heard of in so much listening time before. */
const HOUR_MS = 60 * 60_000;
/** These may still take the version, and fall silent then. */
const ON_ITS_WAY: ReadonlySet<Standing['place']> = new Set(['pending', 'trying']);

interface Hearing {
  /** Listening time of the store now, and when the stage opened. */
  readonly nowMs: number;
  readonly openedMs: number;
  readonly spanMs: number;
  /** By then the stage's devices have switched, as far as they could. */
  readonly settledMs: number;
}

/** How a device was heard; null for one that was away when the stage opened and has not begun to count since. `joinedMs`: when it took its version. */
function heardDevice(device: KnownDevice, joinedMs: number | undefined, hearing: Hearing): HeardDevice | null {
  const { nowMs, openedMs, spanMs } = hearing;
  const { silences = [], lastSeenListenedMs } = device;
  const isSilent = nowMs - lastSeenListenedMs > spanMs;
  const present = { fromListenedMs: lastSeenListenedMs, untilListenedMs: Number.POSITIVE_INFINITY };
  const all = isSilent ? [...silences, present] : silences;
  const away = all.find((one) => one.fromListenedMs + spanMs <= openedMs && one.untilListenedMs > openedMs);
  const isLate = away !== undefined && away.fromListenedMs < openedMs - Math.max(HOUR_MS, spanMs);
  if (isLate && joinedMs === undefined) return null;
  const beganMs = isLate ? Math.max(joinedMs ?? 0, away.untilListenedMs) : openedMs;
  if (!Number.isFinite(beganMs)) return null;
  // One that was away for less counts from the opening on, as fallen silent before.
  const fell = away !== undefined && !isLate ? away : all.find((one) => one.fromListenedMs + spanMs > beganMs);
  const fellMs = fell === undefined ? null : Math.max(0, fell.fromListenedMs + spanMs - openedMs);
  const isAfter = lastSeenListenedMs > hearing.settledMs;
  return { name: device.id, fromMs: beganMs - openedMs, fellMs, isSilent, isYoung: false, isAfter, isInBoth: false };
}

/** The devices of both arms that counted when the stage opened, and those that took their version since. */
export function countHeard(facts: CountingFacts, matching: Iterable<Matching>): StageHeard | undefined {
  const { entry, listenedMs, hearing, opened } = facts;
  if (hearing === undefined) return undefined;
  const { openMs, intervalMs } = hearing;
  const [openedMs, spanMs] = [listenedMs - openMs, SILENT_INTERVALS * intervalMs];
  const times = { nowMs: listenedMs, openedMs, spanMs, settledMs: openedMs + entry.spreadMs + spanMs };
  const openedRevision = facts.openedRevision ?? entry.revision;
  const heard: { candidate: HeardDevice[]; stable: HeardDevice[] } = { candidate: [], stable: [] };
  for (const one of matching) {
    if (one.kind !== 'other-arm' && one.kind !== 'wanted') continue;
    const { device } = one;
    const follows = device.heard?.get(entry.rollout)?.filter(({ revision }) => revision >= openedRevision) ?? [];
    const isInBoth = follows.some((known) => known.isInBoth === true);
    if (one.kind === 'other-arm') {
      if (opened !== undefined && !hasSay(device, opened)) continue;
      const found = heardDevice(device, follows[0]?.heardListenedMs, times);
      if (found !== null) heard.stable.push({ ...found, isInBoth });
      continue;
    }
    const { candidate, standing } = one;
    const taken = takenCandidate(device, entry.rollout, candidate);
    const found = standing.place === 'incompatible' ? null : heardDevice(device, taken?.takenListenedMs, times);
    if (found === null) continue;
    const tookMs = taken?.takenListenedMs ?? (taken === undefined && ON_ITS_WAY.has(standing.place) ? listenedMs : 0);
    heard.candidate.push({ ...found, isInBoth, isYoung: !found.isSilent && listenedMs - tookMs < spanMs });
  }
  return { ...heard, isByHash: entry.cohort.select === null, openMs, intervalMs };
}
