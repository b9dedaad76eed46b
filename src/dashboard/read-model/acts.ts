// Owns what a person can ask of a rollout now: which acts are allowed, why the others are not, and the command line of each.
import { commandOf } from '../../requests/command-line.ts';
import { MOST_NAME, text } from './bounded.ts';
import type { ActView, RolloutRow } from './types.generated.ts';

type Act = ActView['act'];

const LABELS: Readonly<Record<Act, string>> = {
  approve: 'Approve',
  promote: 'Promote',
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
  retry: 'Retry',
  undo: 'Undo',
  set: 'Set version',
};

const NOTES: Readonly<Record<Act, string>> = {
  approve: 'Agree to leave the stage. Approvals are by command line, with your own name.',
  promote: 'Go on to the next stage now, without more evidence. A failed rule still takes the version back.',
  pause: 'Take no further step. Rollbacks still happen.',
  resume: 'Go on from where it was paused.',
  abort: 'Roll back to stable now, and reject this version.',
  retry: 'Allow the rejected version again, as a new attempt.',
  undo: 'Go back to what ran before, by one commit.',
  set: 'Ask for another version.',
};

interface Situation {
  readonly row: RolloutRow;
  readonly isSuspended: boolean;
  /** By a rule: whoever approves ends the pause. */
  readonly isPausedByRule: boolean;
  readonly rejected: string | null;
  /** Is a version known to have been stable before? */
  readonly hasPrevious: boolean;
}

/** Why an act is not allowed now; null when it is. */
function whyNot(act: Act, { row, isSuspended, isPausedByRule, rejected, hasPrevious }: Situation): string | null {
  const { state, stage } = row;
  const isRolling = stage !== null;
  switch (act) {
    case 'approve':
      if (!isRolling) return 'Nothing is rolling out.';
      if (isSuspended) return 'It is paused by a person: resume it first.';
      return state === 'waits-for-approval' || isPausedByRule ? null : 'No approval is asked for now.';
    case 'promote':
      return isRolling ? null : 'Nothing is rolling out.';
    case 'pause':
      return isSuspended ? 'It is paused already.' : null;
    case 'resume':
      return isSuspended ? null : 'It is not paused by a person.';
    case 'abort':
      return isRolling ? null : 'Nothing is rolling out.';
    case 'retry':
      return rejected === null ? 'No version was rejected.' : null;
    case 'undo':
      return isRolling || hasPrevious ? null : 'No earlier version is known.';
    case 'set':
      return null;
  }
}

const ACTS: readonly Act[] = ['approve', 'promote', 'pause', 'resume', 'abort', 'retry', 'undo', 'set'];

export function actsOf(situation: Situation): ActView[] {
  const { row, rejected, isPausedByRule } = situation;
  const whole = ACTS.map((act): ActView => {
    const why = whyNot(act, situation);
    const words = wordsOf(act, commandFor(row.rollout, act, { version: act === 'retry' ? rejected : null }));
    const note = act === 'approve' && isPausedByRule ? ENDS_PAUSE : words.note;
    return { act, group: null, isAllowed: why === null, why, ...words, note };
  });
  return [...whole, ...row.stages.flatMap((stage) => (stage.strand === null ? [] : [ofGroup(row, stage.strand)]))];
}

const ENDS_PAUSE = 'End the pause of the rule, and measure the stage anew. By command line, with your own name.';
const GAP = '…';

/** With gaps where a person writes. */
function commandFor(
  rollout: string,
  verb: Act,
  { version = null, group }: { readonly version?: string | null; readonly group?: string },
): string {
  const change = verb === 'set' ? { version: GAP } : {};
  const reason = verb === 'set' ? undefined : GAP;
  return commandOf(rollout, { verb, reason, by: undefined, version: version ?? undefined, group, change });
}

function wordsOf(act: Act, command: string): Pick<ActView, 'command' | 'label' | 'note' | 'byButton'> {
  return { command: text(command, 500), label: LABELS[act], note: NOTES[act], byButton: act !== 'approve' };
}

/** A group that stands apart may rejoin the others. */
function ofGroup({ rollout }: RolloutRow, group: string): ActView {
  const words = {
    ...wordsOf('promote', commandFor(rollout, 'promote', { group })),
    label: `Let ${text(group, MOST_NAME)} rejoin`,
  };
  return {
    act: 'promote',
    group,
    isAllowed: true,
    why: null,
    ...words,
    note: 'Let this group go along with the others.',
  };
}
