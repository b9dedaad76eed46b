// Owns who answers as often as should be: each device of both arms beside its own past and stable's trend, judged like devices that are heard of.
import { type AnswerSteps, answersIn, MOST_STEPS, STEP_INTERVALS, WINDOW_STEPS } from '../telemetry/answer-steps.ts';
import type { HeardDevice, StageHeard } from './heard-arm.ts';

/** Below a third of the answers that are expected of it a device counts as not answering; with fewer expected than 20 it is left out. */
const QUIET_SHARE = 1 / 3;
const LEAST_EXPECTED = 20;
/** A median over so many devices is as good as one over all. */
const MOST_SAMPLED = 256;

interface Judging {
  /** The stage's first whole step, and the first of them that devices still remember. */
  readonly opened: number;
  readonly first: number;
  /** The first step that is not over. */
  readonly end: number;
  /** By the window's place, from the one that begins with `first`: stable's median of now over past; 0 where none had been there for it. */
  readonly trends: Float64Array;
  readonly stepMs: number;
  readonly openedMs: number;
}

/** The sum of the window that begins with a step. */
function windowAt(answers: AnswerSteps, at: number): number {
  let sum = 0;
  for (let i = 0; i < WINDOW_STEPS; i++) sum += answersIn(answers, at + i);
  return sum;
}

function trendsOf(stable: readonly HeardDevice[], first: number, end: number): Float64Array {
  const every = Math.ceil(stable.length / MOST_SAMPLED);
  const sampled = stable.flatMap(({ answers }, i) =>
    i % every === 0 && answers !== undefined && answers.usual * WINDOW_STEPS >= LEAST_EXPECTED ? [answers] : [],
  );
  return Float64Array.from({ length: Math.max(0, end - first - WINDOW_STEPS + 1) }, (_, k) => {
    const at = first + k;
    const there = sampled.filter(({ fromStep }) => fromStep <= at);
    const ratios = Float64Array.from(there, ({ steps, usual }) => windowAt(steps, at) / (usual * WINDOW_STEPS));
    return ratios.sort()[ratios.length >> 1] ?? 0;
  });
}

/**
 * The devices of which so many answers are expected that one can tell: `isSilent` where they don't answer, `fellMs` when they first did
 * not. A device without a whole window since it took its version is young.
 */
export function answeringDevices(heard: StageHeard): StageHeard {
  const { openedMs, openMs } = heard;
  const stepMs = STEP_INTERVALS * heard.intervalMs;
  const opened = Math.ceil(openedMs / stepMs);
  const end = Math.floor((openedMs + openMs) / stepMs);
  const first = Math.max(opened, end - MOST_STEPS + 1);
  const judging = { opened, first, end, trends: trendsOf(heard.stable, first, end), stepMs, openedMs };
  const judged = (arm: readonly HeardDevice[]): HeardDevice[] => arm.flatMap((one) => answering(one, judging) ?? []);
  const stable = judged(heard.stable).filter(({ isYoung }) => !isYoung);
  return { ...heard, candidate: judged(heard.candidate), stable, intervalMs: stepMs };
}

/** Null for a device of which nobody can tell. */
function answering(device: HeardDevice, { opened, first, end, trends, stepMs, openedMs }: Judging): HeardDevice | null {
  const { answers } = device;
  if (answers === undefined) return null;
  const { steps, fromStep } = answers;
  const usual = answers.usual * WINDOW_STEPS;
  const from = Math.max(first, fromStep);
  if (from + WINDOW_STEPS > end)
    return usual < LEAST_EXPECTED ? null : { ...device, fromMs: 0, fellMs: 0, isSilent: false, isYoung: true };
  let fell: number | null = null;
  let expected = 0;
  let isQuiet = false;
  let sum = windowAt(steps, from);
  for (let at = from; ; at++) {
    expected = usual * (trends[at - first] ?? 0);
    isQuiet = expected >= LEAST_EXPECTED && sum < QUIET_SHARE * expected;
    if (isQuiet) fell ??= at;
    if (at + WINDOW_STEPS === end) break;
    sum += answersIn(steps, at + WINDOW_STEPS) - answersIn(steps, at);
  }
  if (expected < LEAST_EXPECTED) return null;
  const fromMs = Math.max(0, from * stepMs - openedMs);
  // What does not answer as far as anyone remembers fell some time before: nobody knows when.
  const isOld = fell === first && first > opened;
  const fellMs = fell === null ? null : isOld ? fromMs : (fell + WINDOW_STEPS) * stepMs - openedMs;
  return { ...device, fromMs, fellMs, isSilent: isQuiet, isYoung: false };
}
