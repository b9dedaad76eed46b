// Owns what differs between two sets of parameters, as facts.
import type { JsonValue } from '../contract/digest.ts';
import type { Parameters } from '../contract/directive.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';

/** One parameter that changes; null on the side where it is not set. */
export interface ParameterChange {
  readonly name: string;
  readonly from: JsonValue;
  readonly to: JsonValue;
}

/** By name; empty when nothing differs. */
export function parameterChanges(before: Parameters, after: Parameters): ParameterChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const [from, to] = [before[name] ?? null, after[name] ?? null];
    return from === to ? [] : [{ name, from, to }];
  });
}

/** What of a version's parameters differs from those that stable runs with; absent where nothing does. */
export function changesOf(
  { stable }: RolloutStatus,
  parameters: Parameters,
): { readonly parameters?: readonly ParameterChange[] } {
  const changes = parameterChanges(stable?.parameters ?? {}, parameters);
  return changes.length === 0 ? {} : { parameters: changes };
}
