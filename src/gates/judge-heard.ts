// Owns the rules over devices that fall silent: as many of the candidate's must be heard of as of stable's.
import { blankVerdict, notApplicable } from './blank-verdict.ts';
import { heardArm } from './heard-arm.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { reportingVerdict } from './statistics/reporting-verdict.ts';

const MOST_NAMED = 3;

/** reporting_devices. */
export function judgeHeard(
  asked: StageRule,
  { alpha }: { readonly alpha: number },
  question: StageQuestion,
): RuleVerdict {
  const { limit } = asked.rule;
  const heard = question.heard?.();
  if (limit.kind !== 'baseline' || heard === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  if (heard.stable.length === 0) return notApplicable(asked, { kind: 'no-such-devices' });
  if (heard.openMs <= 0) return blankVerdict(asked, { kind: 'not-listening' });
  const share = limit.factor;
  const [candidate, baseline] = [heardArm(heard.candidate, heard), heardArm(heard.stable, heard)];
  const reading = reportingVerdict(candidate, baseline, share, { alpha });
  const silent = heard.candidate.flatMap((device) => (device.isSilent ? [device.name] : []));
  const named: RuleReason[] =
    reading.isWithin || silent.length === 0
      ? []
      : [{ kind: 'silent', count: silent.length, devices: silent.slice(0, MOST_NAMED) }];
  const open = (): RuleReason | null => {
    return reading.reason === 'young'
      ? { kind: 'young', count: candidate.young }
      : reading.reason && { kind: reading.reason };
  };
  const beside = 1 - baseline.silent / baseline.taken;
  return {
    ...blankVerdict(asked, open(), ...named),
    verdict: reading.verdict,
    within: reading.isWithin,
    estimate: candidate.taken === 0 ? null : 1 - candidate.silent / candidate.taken,
    limit: share * beside,
    trials: candidate.taken,
    devices: candidate.taken,
    baseline: { estimate: beside, devices: baseline.taken, from: 'beside' },
    kind: 'heard',
    sums: { candidate, baseline },
  };
}
