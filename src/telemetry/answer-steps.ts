// Owns how often a device answers of late, step by step, and how often it usually does.
import { WINDOW_INTERVALS } from './window.ts';

/** Report intervals in one step; a device is judged over the last `WINDOW_STEPS`. */
export const STEP_INTERVALS = 2;
export const WINDOW_STEPS = WINDOW_INTERVALS / STEP_INTERVALS;
/** Steps that are kept of a device. */
export const MOST_STEPS = 48;
const USUAL_STEPS = 30;

/** Answers of a device under one rollout, whichever version gave them, by when their reports came: steps are of the store's listening time. */
export interface AnswerSteps {
  /** Number of the newest step; steps after it had no answers. */
  readonly step: number;
  /** Oldest first; the last is of `step`. */
  readonly counts: readonly number[];
}

export function stepAt(listenedMs: number, reportMs: number): number {
  return Math.floor(listenedMs / (STEP_INTERVALS * reportMs));
}

/** Answers in a step; 0 where nothing is known of it. */
export function answersIn({ step, counts }: AnswerSteps, at: number): number {
  return counts[counts.length - 1 - step + at] ?? 0;
}

/** Steps that were numbered by another report interval, and so lie ahead, are forgotten. */
export function addAnswers(before: AnswerSteps | undefined, step: number, answers: number): AnswerSteps {
  if (before === undefined || before.step > step) return { step, counts: [answers] };
  const oldest = Math.max(before.step - before.counts.length, step - MOST_STEPS) + 1;
  const counts = Array.from({ length: step - oldest + 1 }, (_, i) => answersIn(before, oldest + i));
  counts[counts.length - 1] = (counts.at(-1) ?? 0) + answers;
  return { step, counts };
}

/** Answers in a step, on average over the last hour (at one report a minute) before a step; null where no whole step is known. */
export function usualAnswers(answers: AnswerSteps | undefined, before: number): number | null {
  if (answers === undefined) return null;
  // The oldest step that is known may have begun without the device.
  const first = Math.max(answers.step - answers.counts.length + 2, before - USUAL_STEPS);
  if (first >= before) return null;
  let sum = 0;
  for (let at = first; at < before; at++) sum += answersIn(answers, at);
  return sum / (before - first);
}
