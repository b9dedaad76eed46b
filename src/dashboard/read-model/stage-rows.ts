// Owns the track of a rollout: its stages, which are passed, where it is, and the groups that stand apart.
import { formatDuration } from '../../contract/duration.ts';
import type { RolloutPolicy, RolloutStatus } from '../../documents/types.generated.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import { type Stage, stagesOf, wantedDevices } from '../../rollout/stages-of-policy.ts';
import { timeLeft } from '../../wording/amounts.ts';
import { exceptionInWords } from '../../wording/exception-in-words.ts';
import { stageInWords } from '../../wording/stage-in-words.ts';
import { count, finite, MOST_NAME, share, text } from './bounded.ts';
import type { StageRow } from './types.generated.ts';

export interface TrackFacts {
  readonly outlook: Outlook;
  /** The policy in force, else that of HEAD; null where neither can be used. */
  readonly policy: RolloutPolicy | null;
  readonly status: RolloutStatus | null;
}

const WAITS: ReadonlySet<string> = new Set(['approval', 'paused', 'suspended', 'deadline-held', 'groups-held']);

/** The place of the stage that the rollout is in, or in which it was taken back; the number of stages once all are passed. */
function placeIn(stages: readonly Stage[], { outlook }: TrackFacts): { at: number; state: StageRow['state'] } {
  const { candidate, stage, rejected, stable, waitingOn } = outlook;
  const find = (name: string | null): number => stages.findIndex((one) => one.name === name);
  if (candidate !== null) {
    const state = waitingOn.some(({ kind }) => WAITS.has(kind)) ? 'waits' : 'current';
    return { at: find(stage), state };
  }
  if (rejected === null) return { at: stable === null ? 0 : stages.length, state: 'next' };
  const { reason } = rejected;
  return { at: find('stage' in reason ? reason.stage : null), state: 'reverted' };
}

function timesInWords(stage: Stage, { window }: Outlook): string {
  const { readyMs = 0, listenedMs = 0 } = window ?? {};
  const soak = stage.soakMs === 0 ? '' : `soak ${formatDuration(readyMs)} of ${formatDuration(stage.soakMs)}`;
  const leftMs = stage.deadlineMs - listenedMs;
  const deadline = leftMs > 0 ? `deadline in ${timeLeft(leftMs)}` : 'deadline is over';
  return [soak, deadline].filter((part) => part !== '').join(', ');
}

function rowOf(stage: Stage, state: StageRow['state'], outlook: Outlook): StageRow {
  const { cohort, window, terms } = outlook;
  const isHere = state === 'current' || state === 'waits';
  const matching = cohort === null ? null : count(cohort.matching - cohort.apart);
  const known = matching === null ? null : count(wantedDevices(stage, matching));
  const devices = isHere && cohort !== null ? count(cohort.wanted) : known;
  const size = stage.size?.kind === 'share' ? stage.size.share : null;
  const soakMs = isHere ? (terms?.soakMs ?? stage.soakMs) : stage.soakMs;
  return {
    name: text(stage.name, MOST_NAME),
    ...{ state, devices },
    share: devices !== null && matching !== null ? share(devices, matching) : size,
    soakMs: finite(soakMs),
    elapsedMs: isHere ? finite(window?.readyMs ?? 0) : null,
    deadlineMs: finite(stage.deadlineMs),
    strand: null,
    text: text(
      [matching === null ? '' : stageInWords(stage, matching), ...(isHere ? [timesInWords(stage, outlook)] : [])]
        .filter((part) => part !== '')
        .join('; '),
    ),
  };
}

/** Groups that stand apart, each as a strand of its own beside the track. */
function strandsOf({ stage, exceptions = [] }: Outlook): StageRow[] {
  return exceptions.map((exception) => ({
    name: text(stage ?? '', MOST_NAME),
    state: exception.kind === 'held' ? 'waits' : 'reverted',
    ...{ devices: null, share: null, soakMs: null, elapsedMs: null, deadlineMs: null },
    strand: text(exception.group, MOST_NAME),
    text: text(exceptionInWords(exception)),
  }));
}

export function stageRows(facts: TrackFacts): StageRow[] {
  const { outlook, policy } = facts;
  if (policy === null) return strandsOf(outlook);
  const stages = stagesOf(policy);
  const { at, state } = placeIn(stages, facts);
  const rows = stages.map((stage, i) => rowOf(stage, i < at ? 'passed' : i === at ? state : 'next', outlook));
  return [...rows, ...strandsOf(outlook)];
}
