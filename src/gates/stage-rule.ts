// Owns a rule as a stage asks it: what must hold, of whom, and whether it decides.
import type { ParsedRule } from '../documents/rules/rule-text.ts';

/** `stage`: these devices together. `fleet`: all devices, of which these are a sample. `any-device`: each of these alone. */
export type RuleScope = 'stage' | 'fleet' | 'any-device';

export type GoodSide = 'below' | 'above';

/** The side of its limit on which a rule's values are good. */
export function goodSideOf({ comparison }: Pick<ParsedRule, 'comparison'>): GoodSide {
  return comparison.startsWith('>') ? 'above' : 'below';
}

/** What a failed rule does: back to stable; a stop that may end by itself; a stop that a person ends. */
export type FailureAction = 'rollback' | 'pause' | 'ask';

export interface StageRule {
  readonly rule: ParsedRule;
  /** `stage` unless given. */
  readonly scope?: RuleScope;
  /** The share of devices that may breach it, 0..1, where each is judged alone. */
  readonly share?: number;
  /** The rule must hold in each group of the stage's devices. */
  readonly grouping?: RuleGrouping;
  /** Reported, but never decides. */
  readonly dryRun: boolean;
  /** What its fail does; as its stage says unless given. */
  readonly onFailure?: FailureAction;
  /** Address of the page for people, where the rule itself names one. */
  readonly runbook?: string;
}

/** Groups by the values of a label. */
export interface RuleGrouping {
  readonly by: string;
  /** The rule with a limit of its own, by value. */
  readonly limits: ReadonlyMap<string, ParsedRule>;
}
