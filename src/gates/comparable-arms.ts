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

/** Devices that counted when the stage opened, those of them that were heard of after their switch, and of these the ones in both arms. */
function countOf(arm: readonly HeardDevice[]): {
  readonly first: number;
  readonly seen: number;
  readonly both: readonly string[];
} {
  let [first, seen] = [0, 0];
  const both: string[] = [];
  for (const { name, fromMs, isAfter, isInBoth } of arm) {
    if (fromMs !== 0) continue;
    first++;
    if (!isAfter) continue;
    seen++;
    if (isInBoth) both.push(name);
  }
  return { first, seen, both };
}

const MOST_NAMED = 3;

/**
 * Null where the arms can be compared. Each device that counted when the stage opened is one trial, once its switch is behind it and it is heard of.
 * How many are in both arms is asked once most are: a few that lie and are heard of first are not most.
 */
export function findArmsAlarm({ candidate, stable, isByHash }: StageHeard): ArmsAlarm | null {
  const [own, others] = [countOf(candidate), countOf(stable)];
  const isSplit = isByHash && own.first > 0 && others.first > 0;
  const first = own.first + others.first;
  const all = own.seen + others.seen;
  const both = 2 * all > first ? [...own.both, ...others.both].sort() : [];
  const devices = { seen: own.seen, all, expected: isSplit ? own.first / first : null, both: both.length };
  const problem = armsProblem(devices);
  return problem === null ? null : { problem, ...devices, devices: both.slice(0, MOST_NAMED) };
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
