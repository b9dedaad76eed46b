// Owns what `holdBack` of a policy must mean: a text that can be read, in a stage that has all devices.
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';
import { parseHoldBack } from './hold-back-text.ts';
import type { PolicyStage } from './types.generated.ts';

/** With more it is no stage of all devices. */
const MOST_SHARE = 0.5;

export function checkHoldBack(path: FieldPath, text: string | 0): Problem[] {
  let share = 0;
  const problem = findTextProblem(path, () => {
    share = parseHoldBack(text)?.share ?? 0;
  });
  if (problem !== undefined) return [problem];
  if (share <= MOST_SHARE) return [];
  const message = `\`holdBack: ${text}\` keeps more than half of the devices on stable.`;
  return [
    { code: 'POLICY_HOLD_BACK', path, message, remedy: 'Hold back a tenth or less, and add a smaller stage before.' },
  ];
}

/** In a smaller stage the others keep stable anyway. */
export function checkStageHoldBack({ name, holdBack }: PolicyStage, isOfAll: boolean, path: FieldPath): Problem[] {
  if (holdBack === undefined) return [];
  if (isOfAll) return checkHoldBack(path, holdBack);
  const message = `Stage "${name}" is smaller than 100%, so nobody needs to be held back from it.`;
  return [{ code: 'POLICY_HOLD_BACK', path, message, remedy: 'Move `holdBack` to the stage of 100%, or to `spec`.' }];
}
