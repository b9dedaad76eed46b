// Owns whether what is judged beside stable may be: where the arms don't hold the devices that they should, such verdicts are withheld.
import type { HeardDevice, StageHeard } from './heard-arm.ts';
import { metricKind } from './metric-kind.ts';
import type { ArmsAlarm, RuleVerdict } from './rule-verdict.ts';
import type { StageRule } from './stage-rule.ts';
import { armsProblem } from './statistics/arms-check.ts';

const DISTANCES: ReadonlySet<string> = new Set(['drift', 'vanished-classes']);

/** Is the rule about a difference from stable? Who is heard of is judged on known members, whatever the arms show. */
function isCompared({ rule }: StageRule): boolean {
  const { kind } = metricKind(rule.metric);
  return kind !== 'heard' && (rule.limit.kind === 'baseline' || DISTANCES.has(kind));
}

/** Devices that counted when the stage opened, those of them that were heard of after their switch, and all that are in both arms. */
function countOf(arm: readonly HeardDevice[]): {
  readonly first: number;
  readonly seen: number;
  readonly both: number;
} {
  let [first, seen, both] = [0, 0, 0];
  for (const { fromMs, isAfter, isInBoth } of arm) {
    if (isInBoth) both++;
    if (fromMs !== 0) continue;
    first++;
    if (isAfter) seen++;
  }
  return { first, seen, both };
}

/** Null where the arms can be compared. Each device that counted when the stage opened is one trial, once its switch is behind it and it is heard of. */
export function findArmsAlarm({ candidate, stable, isByHash }: StageHeard): ArmsAlarm | null {
  const [own, others] = [countOf(candidate), countOf(stable)];
  const isSplit = isByHash && own.first > 0 && others.first > 0;
  const devices = {
    seen: own.seen,
    all: own.seen + others.seen,
    expected: isSplit ? own.first / (own.first + others.first) : null,
    both: own.both + others.both,
  };
  const problem = armsProblem(devices);
  return problem === null ? null : { problem, ...devices };
}

/** The verdict on a rule, undecided where it rests on arms that can't be compared. What stable did earlier, or a manifest states, is beside no arm. */
export function withheld(asked: StageRule, rule: RuleVerdict, alarm: ArmsAlarm | null): RuleVerdict {
  const { recovered: _, ...withoutRecovery } = rule;
  const { verdict, baseline } = rule;
  const isDecided = verdict === 'pass' || verdict === 'fail';
  if (alarm === null || !isDecided || !isCompared(asked) || (baseline !== null && baseline.from !== 'beside'))
    return rule;
  return {
    ...withoutRecovery,
    verdict: 'undecided',
    within: false,
    reasons: [{ kind: 'arms-differ', ...alarm }],
    needs: null,
  };
}
