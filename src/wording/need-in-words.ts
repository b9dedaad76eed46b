// Owns the words for why somebody may still need a version.
import { assertNever } from '../base/errors.ts';
import type { Need } from '../rollout/needed-versions.ts';

/** Goes on from "it stays:". */
export function needInWords(need: Need): string {
  switch (need.kind) {
    case 'rollout':
      return `rollout ${need.rollout} names it in its status or requests`;
    case 'directive':
      return `the published directive names it for ${need.rollout}`;
    case 'device':
      return `device ${need.device} runs it or has it`;
    case 'desired':
      return `rollout ${need.rollout} asks for it, or falls back to it`;
    case 'upcoming':
      return 'it is not older than every stable version of its model';
    case 'no-sequence':
      return 'it has no sequence, so its age is unknown';
    default:
      return assertNever(need);
  }
}
