// Owns the sentence on what a failed rule does.
import type { FailureAction } from '../gates/stage-rule.ts';

const ACTIONS = {
  pause: 'If it fails, it pauses the stage, which may go on once the rule passes again.',
  ask: 'If it fails, it stops the stage until a person decides.',
  rollback: 'If it fails, it rolls back.',
} as const;

export function failInWords(action: FailureAction): string {
  return ACTIONS[action];
}
