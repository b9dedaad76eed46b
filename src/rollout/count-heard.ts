// Owns which devices of both arms are heard of while a stage is open: since when each counts, and when it fell silent first.
import type { DeviceAnswers, HeardDevice, StageHeard } from '../gates/heard-arm.ts';
import { type AnswerSteps, STEP_INTERVALS } from '../telemetry/answer-steps.ts';
import { SILENT_INTERVALS } from '../telemetry/window.ts';
import {
  type CountingFacts,
  hasSay,
  type KnownDevice,
  type Matching,
  type Standing,
  takenCandidate,
} from './count-cohort.ts';
import type { HeardRevision } from './device-past.ts';

/** A device counts from the opening on if it was heard of in so much listening time before. */
const HOUR_MS = 60 * 60_000;
const ON_ITS_WAY: ReadonlySet<Standing['place']> = new Set(['pending', 'trying']);

interface Hearing {
  /** Listening time of the store now, and when the stage opened. */
  readonly nowMs: number;
  readonly openedMs: number;
  readonly spanMs: number;
  /** By then the stage's devices have switched, as far as they could. */
  readonly settledMs: number;
  readonly stepMs: number;
}

interface Member {
  readonly device: KnownDevice;
  /** When it took its version, or first followed the stage with stable; undefined before. */
  readonly joinedMs: number | undefined;
  /** It may still take the version, and fall silent then. */
  readonly isOnItsWay: boolean;
  readonly isInBoth: boolean;
  /** The first revision of the stage that it followed. */
  readonly followed: HeardRevision | undefined;
  readonly steps: AnswerSteps | undefined;
}

const NONE: NonNullable<KnownDevice['silences']> = [];

/** When a device began to count and fell silent first, in listening time; null for one that was away when the stage opened and has not begun since. */
function spanOf(
  { device, joinedMs }: Member,
  { openedMs, spanMs }: Hearing,
  isSilent: boolean,
): { readonly beganMs: number; readonly fellMs: number | null } | null {
  const { silences = NONE, lastSeenListenedMs } = device;
  if (!isSilent && silences.length === 0) return { beganMs: openedMs, fellMs: null };
  const present = { fromListenedMs: lastSeenListenedMs, untilListenedMs: Number.POSITIVE_INFINITY };
  const all = isSilent ? [...silences, present] : silences;
  const away = all.find((one) => one.fromListenedMs + spanMs <= openedMs && one.untilListenedMs > openedMs);
  const isLate = away !== undefined && away.fromListenedMs < openedMs - Math.max(HOUR_MS, spanMs);
  if (isLate && joinedMs === undefined) return null;
  const beganMs = isLate ? Math.max(joinedMs ?? 0, away.untilListenedMs) : openedMs;
  if (!Number.isFinite(beganMs)) return null;
  // One that was away for less counts from the opening on, as fallen silent before.
  const fell = away !== undefined && !isLate ? away : all.find((one) => one.fromListenedMs + spanMs > beganMs);
  return { beganMs, fellMs: fell === undefined ? null : Math.max(openedMs, fell.fromListenedMs + spanMs) };
}

/** Undefined where nobody knows how often it answered before the stage. */
function answersOf(member: Member, stepMs: number): DeviceAnswers | undefined {
  const { followed, steps, joinedMs, isOnItsWay } = member;
  if (steps === undefined || followed?.usual === undefined) return undefined;
  const fromMs = joinedMs ?? (isOnItsWay ? Number.POSITIVE_INFINITY : followed.heardListenedMs);
  return { steps, usual: followed.usual, fromStep: Math.ceil(Math.max(fromMs, followed.heardListenedMs) / stepMs) };
}

function addHeard(to: HeardDevice[], member: Member, hearing: Hearing): void {
  const { device, joinedMs, isOnItsWay, isInBoth } = member;
  const { nowMs, openedMs, spanMs, settledMs } = hearing;
  const isSilent = nowMs - device.lastSeenListenedMs > spanMs;
  const span = spanOf(member, hearing, isSilent);
  if (span === null) return;
  const answers = answersOf(member, hearing.stepMs);
  const isYoung = !isSilent && (joinedMs === undefined ? isOnItsWay : nowMs - joinedMs < spanMs);
  to.push({
    name: device.id,
    fromMs: span.beganMs - openedMs,
    fellMs: span.fellMs === null ? null : span.fellMs - openedMs,
    ...{ isSilent, isYoung, isAfter: device.lastSeenListenedMs > settledMs, isInBoth },
    ...(answers === undefined ? {} : { answers }),
  });
}

/** The devices of both arms that counted when the stage opened, and those that took their version since. */
export function countHeard(facts: CountingFacts, matching: Iterable<Matching>): StageHeard | undefined {
  const { entry, listenedMs, hearing, opened } = facts;
  if (hearing === undefined) return undefined;
  const { openMs, intervalMs } = hearing;
  const [openedMs, spanMs] = [listenedMs - openMs, SILENT_INTERVALS * intervalMs];
  const settledMs = openedMs + entry.spreadMs + spanMs;
  const times = { nowMs: listenedMs, openedMs, spanMs, settledMs, stepMs: STEP_INTERVALS * intervalMs };
  const openedRevision = facts.openedRevision ?? entry.revision;
  const heard: { candidate: HeardDevice[]; stable: HeardDevice[] } = { candidate: [], stable: [] };
  for (const one of matching) {
    if (one.kind !== 'other-arm' && one.kind !== 'wanted') continue;
    const { device } = one;
    const known = device.heard?.get(entry.rollout);
    const isInBoth = known?.some((told) => told.isInBoth === true && told.revision >= openedRevision) === true;
    const followed = known?.find(({ revision }) => revision >= openedRevision);
    const past = { isInBoth, followed, steps: device.answers?.get(entry.rollout) };
    if (one.kind === 'wanted') {
      const { candidate, standing } = one;
      if (standing.place === 'incompatible') continue;
      const taken = takenCandidate(device, entry.rollout, candidate);
      // When it took it, nobody knows: long ago.
      const joinedMs = taken === undefined ? undefined : (taken.takenListenedMs ?? 0);
      const isOnItsWay = ON_ITS_WAY.has(standing.place);
      addHeard(heard.candidate, { device, joinedMs, isOnItsWay, ...past }, times);
    } else if (opened === undefined || hasSay(device, opened)) {
      const joinedMs = followed?.heardListenedMs;
      addHeard(heard.stable, { device, joinedMs, isOnItsWay: false, ...past }, times);
    }
  }
  return { ...heard, isByHash: entry.cohort.select === null, openedMs, openMs, intervalMs };
}
