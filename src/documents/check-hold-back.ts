// Owns what `holdBack` of a policy must mean: a text that can be read, in a stage that has all devices.
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';
import { parseHoldBack } from './hold-back-text.ts';
import type { PolicyStage } from './types.generated.ts';

export function checkHoldBack(path: FieldPath, text: string | 0): Problem[] {
  const problem = findTextProblem(path, () => parseHoldBack(text));
  return problem === undefined ? [] : [problem];
}

/** In a smaller stage the others keep stable anyway. */
export function checkStageHoldBack({ name, holdBack }: PolicyStage, isOfAll: boolean, path: FieldPath): Problem[] {
  if (holdBack === undefined) return [];
  if (isOfAll) return checkHoldBack(path, holdBack);
  const message = `Stage "${name}" is smaller than 100%, so nobody needs to be held back from it.`;
  return [{ code: 'POLICY_HOLD_BACK', path, message, remedy: 'Move `holdBack` to the stage of 100%, or to `spec`.' }];
}
