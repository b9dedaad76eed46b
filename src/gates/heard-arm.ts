// Owns how the devices of an arm are heard, as one tally: who counts, who is silent, and how many fell silent in each interval for the first time.
import type { AnswerSteps } from '../telemetry/answer-steps.ts';
import type { HeardArm } from './statistics/reporting-verdict.ts';

/** A device that counts in an arm; times are listening times since the stage opened. */
export interface HeardDevice {
  readonly name: string;
  readonly fromMs: number;
  /** When it fell silent first, null before; a device that was silent from the start is not at risk. */
  readonly fellMs: number | null;
  readonly isSilent: boolean;
  /** It took the version too lately to have fallen silent, or may still take it. */
  readonly isYoung: boolean;
  /** Heard of since the stage's devices could have switched. */
  readonly isAfter: boolean;
  /** It answered for both arms in one interval, and switched in none. */
  readonly isInBoth: boolean;
  /** Absent where nobody knows how often it answered before the stage. */
  readonly answers?: DeviceAnswers;
}

/** How often a device answers. */
export interface DeviceAnswers {
  readonly steps: AnswerSteps;
  /** Answers in a step before it followed the stage. */
  readonly usual: number;
  /** Its first whole step with the version of its arm; infinite before it has that. */
  readonly fromStep: number;
}

/** The devices of both arms. */
export interface StageHeard {
  readonly candidate: readonly HeardDevice[];
  readonly stable: readonly HeardDevice[];
  /** Is the candidate's part of the devices a matter of chance alone? */
  readonly isByHash: boolean;
  /** Listening time of the store when the stage opened, and since. */
  readonly openedMs: number;
  readonly openMs: number;
  readonly intervalMs: number;
}

type Times = Pick<StageHeard, 'openMs' | 'intervalMs'>;

/** Walks from change to change, so that a long stage costs no more than a short one. */
export function heardArm(devices: readonly HeardDevice[], { openMs, intervalMs }: Times): HeardArm {
  const changes = new Map<number, { began: number; fell: number }>();
  const changeAt = (ms: number): { began: number; fell: number } => {
    const interval = Math.floor(ms / intervalMs);
    const change = changes.get(interval) ?? { began: 0, fell: 0 };
    changes.set(interval, change);
    return change;
  };
  let [silent, young] = [0, 0];
  for (const { fromMs, fellMs, isSilent, isYoung } of devices) {
    if (isSilent) silent++;
    if (isYoung) young++;
    if (fellMs !== null && fellMs <= fromMs) continue;
    changeAt(fromMs).began++;
    if (fellMs !== null) changeAt(fellMs).fell++;
  }
  const falls = { bad: 0, trials: 0, reports: 0, badSquared: 0, badTrials: 0, trialsSquared: 0 };
  const add = (trials: number, bad: number, times: number): void => {
    if (trials === 0 || times <= 0) return;
    falls.bad += bad;
    falls.trials += times * trials;
    falls.reports += times;
    falls.badSquared += bad * bad;
    falls.badTrials += bad * trials;
    falls.trialsSquared += times * trials * trials;
  };
  let [atRisk, next] = [0, 0];
  for (const [interval, { began, fell }] of [...changes].sort(([a], [b]) => a - b)) {
    add(atRisk, 0, interval - next);
    atRisk += began;
    add(atRisk, fell, 1);
    atRisk -= fell;
    next = interval + 1;
  }
  add(atRisk, 0, Math.floor(openMs / intervalMs) + 1 - next);
  return { taken: devices.length, silent, young, falls };
}
