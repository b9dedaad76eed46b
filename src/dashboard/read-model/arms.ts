// Owns the two sides of the comparison: how many devices each should have, how many report, and what is left out and why.
import type { Outlook } from '../../rollout/outlook.ts';
import { count } from './bounded.ts';
import type { ShownFacts } from './rollout-row.ts';
import type { ArmView, DeviceCounts, RolloutRow } from './types.generated.ts';

/** What a person reads of devices that are not compared. */
const LEFT_OUT: readonly (readonly [keyof DeviceCounts, string])[] = [
  ['incompatible', "can't run the version"],
  ['unreachable', 'silent before they took it'],
  ['conflicted', 'in two rollouts'],
  ['undelivered', 'got other bytes than were published'],
  ['apart', 'in groups that stand apart'],
  ['denied', 'turned away by the fleet documents'],
];

interface ArmFacts {
  readonly row: Pick<RolloutRow, 'from' | 'to' | 'devices'>;
  readonly outlook: Outlook;
  readonly facts: ShownFacts | undefined;
  /** Devices that contradict the fleet documents. */
  readonly contradicting: number;
}

function leftOut(pairs: readonly (readonly [why: string, number: number | null])[]): ArmView['leftOut'] {
  return pairs.flatMap(([why, number]) => (count(number) > 0 ? [{ why, count: count(number) }] : []));
}

function candidateArm({ row, outlook, contradicting }: ArmFacts): ArmView {
  const { devices } = row;
  const { verdict, cohort } = outlook;
  const newcomers = ['enrolled since the stage opened', cohort?.newcomers ?? 0] as const;
  const odd = ['state other labels than the fleet documents', contradicting] as const;
  const places = LEFT_OUT.map(([place, why]) => [why, devices?.[place] ?? 0] as const);
  return {
    arm: 'candidate',
    version: row.to,
    expected: devices?.expected ?? null,
    reporting: count(verdict?.measured.devices),
    inferences: verdict === null ? null : count(verdict.measured.inferences),
    leftOut: leftOut([...places, newcomers, odd]),
  };
}

/** Stable in the same time: those of the target that the stage does not take in. */
function stableArm({ row, outlook, facts }: ArmFacts): ArmView {
  const { cohort, verdict } = outlook;
  const beside = (verdict?.rules ?? []).flatMap(({ baseline }) =>
    baseline?.from === 'beside' ? [baseline.devices] : [],
  );
  const { baseline = null } = facts ?? {};
  const expected = cohort === null ? null : cohort.matching - cohort.apart - (cohort.newcomers ?? 0) - cohort.wanted;
  return {
    arm: 'stable',
    version: row.from,
    expected: expected === null ? null : count(expected),
    reporting: Math.max(0, count(baseline?.devices), ...beside.map(count)),
    inferences: baseline === null ? null : count(baseline.inferences),
    leftOut: leftOut([['in groups that stand apart', cohort?.apart ?? 0]]),
  };
}

/** None while nothing rolls; one where there is nothing to compare with. */
export function armsOf(given: ArmFacts): ArmView[] {
  if (given.outlook.candidate === null) return [];
  return [candidateArm(given), ...(given.row.from === null ? [] : [stableArm(given)])];
}
