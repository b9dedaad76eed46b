// Owns the rules over devices that fall silent or stop answering: as many of the candidate's must go on as of stable's.
import { answeringDevices } from './answering-devices.ts';
import { blankVerdict, notApplicable } from './blank-verdict.ts';
import { heardArm } from './heard-arm.ts';
import type { RuleReason } from './rule-reason.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { reportingVerdict } from './statistics/reporting-verdict.ts';

const MOST_NAMED = 3;

/** reporting_devices, answering_devices. */
export function judgeHeard(
  asked: StageRule,
  of: 'reports' | 'answers',
  { alpha }: { readonly alpha: number },
  question: StageQuestion,
): RuleVerdict {
  const { limit } = asked.rule;
  const known = question.heard?.();
  if (limit.kind !== 'baseline' || known === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  if (known.stable.length === 0) return notApplicable(asked, { kind: 'no-such-devices' });
  if (known.openMs <= 0) return blankVerdict(asked, { kind: 'not-listening' });
  const heard = of === 'answers' ? answeringDevices(known) : known;
  const share = limit.factor;
  const [candidate, baseline] = [heardArm(heard.candidate, heard), heardArm(heard.stable, heard)];
  const reading = reportingVerdict(candidate, baseline, share, { alpha });
  const silent = heard.candidate.flatMap((device) => (device.isSilent ? [device.name] : []));
  const named: RuleReason[] =
    reading.isWithin || silent.length === 0
      ? []
      : [
          {
            kind: of === 'answers' ? 'not-answering' : 'silent',
            count: silent.length,
            devices: silent.slice(0, MOST_NAMED),
          },
        ];
  const open = (): RuleReason | null => {
    if (reading.reason === 'young') return { kind: 'young', count: candidate.young };
    if (reading.reason === 'fewer-report' && of === 'answers') return { kind: 'fewer-answer' };
    return reading.reason && { kind: reading.reason };
  };
  const beside = baseline.taken === 0 ? null : 1 - baseline.silent / baseline.taken;
  return {
    ...blankVerdict(asked, open(), ...named),
    verdict: reading.verdict,
    within: reading.isWithin,
    estimate: candidate.taken === 0 ? null : 1 - candidate.silent / candidate.taken,
    limit: beside === null ? null : share * beside,
    trials: candidate.taken,
    devices: candidate.taken,
    baseline: beside === null ? null : { estimate: beside, devices: baseline.taken, from: 'beside' },
    kind: 'heard',
    sums: { candidate, baseline },
  };
}
