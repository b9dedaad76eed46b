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

/** Null where the arms can be compared. Each device that counted when the stage opened is one trial, once its switch is behind it and it is heard of. */
export function findArmsAlarm({ candidate, stable, isByHash }: StageHeard): ArmsAlarm | null {
  const own = candidate.filter(({ fromMs }) => fromMs === 0);
  const others = stable.filter(({ fromMs }) => fromMs === 0);
  const isAfter = (one: HeardDevice): boolean => one.isAfter;
  const seen = own.filter(isAfter).length;
  const all = seen + others.filter(isAfter).length;
  const isSplit = isByHash && own.length > 0 && others.length > 0;
  const expected = isSplit ? own.length / (own.length + others.length) : null;
  const both = [...candidate, ...stable].filter(({ isInBoth }) => isInBoth).length;
  const devices = { seen, all, expected, both };
  const problem = armsProblem(devices);
  return problem === null ? null : { problem, ...devices };
}

/** The verdict on a rule, undecided where it rests on arms that can't be compared. What stable did earlier, or a manifest states, is beside no arm. */
export function withheld(asked: StageRule, rule: RuleVerdict, alarm: ArmsAlarm | null): RuleVerdict {
  const { verdict, baseline } = rule;
  const isDecided = verdict === 'pass' || verdict === 'fail';
  if (alarm === null || !isDecided || !isCompared(asked) || (baseline !== null && baseline.from !== 'beside'))
    return rule;
  return { ...rule, verdict: 'undecided', within: false, reasons: [{ kind: 'arms-differ', ...alarm }], needs: null };
}
