// Owns what the story amounts to: its chapters in numbers, and the claims that must hold.
import type { CheckedCommit } from './check-commits.ts';
import type { DemoVersion } from './example-model.ts';
import type { DeviceState, Traffic } from './fleet.ts';
import type { SaidRule } from './read-evidence.ts';

/** The versions of the story as its manifests name them. */
export const VERSIONS = { baseline: '2026.01.10', good: '2026.02.01', bad: '2026.03.01' } as const satisfies Record<
  DemoVersion,
  string
>;
export interface StepTime {
  readonly step: string;
  readonly commit: string;
  /** Since the version was pushed. */
  readonly afterMs: number;
}

export interface RolloutStory {
  readonly version: string;
  readonly outcome: 'stable' | 'reverted';
  readonly steps: readonly StepTime[];
  readonly seconds: number;
  readonly devicesExposed: number;
  readonly reason: string;
}

export interface BadRolloutStory extends RolloutStory {
  readonly canaryDevices: number;
  /** What each rule said when it was reverted, from the signed evidence. */
  readonly rules: readonly SaidRule[];
  /** From the candidate's first device to the revert commit, and on to the last device back on stable. */
  readonly firstExposureToRevertMs: number;
  readonly revertToRestoredMs: number;
}

export interface StoryResult {
  readonly commits: readonly CheckedCommit[];
  readonly signaturesCheckedBy: 'git' | 'slipway';
  readonly firstRollout: RolloutStory;
  readonly goodRollout: RolloutStory;
  readonly badRollout: BadRolloutStory;
  readonly devices: {
    readonly total: number;
    readonly processes: number;
    readonly running: Readonly<Record<string, number>>;
    readonly inferences: number;
    readonly errors: number;
  };
  /** What had to hold; the story holds when all do. */
  readonly claims: readonly { readonly claim: string; readonly holds: boolean }[];
}

export interface ResultFacts {
  readonly canaryDevices: number;
  readonly processes: number;
  readonly devices: number;
  readonly firstRollout: RolloutStory;
  readonly goodRollout: RolloutStory;
  readonly badRollout: BadRolloutStory;
  readonly states: readonly DeviceState[];
  readonly traffic: Traffic;
  readonly checked: { readonly by: 'git' | 'slipway'; readonly commits: readonly CheckedCommit[] };
}

/** The bad version makes no errors: only its answers give it away. */
function howItWasCaught({ rules }: BadRolloutStory): StoryResult['claims'] {
  const said = (metric: SaidRule['metric']): SaidRule | undefined => rules.find((one) => one.metric === metric);
  const vanished = said('vanished_classes');
  const drift = said('confidence_drift');
  return [
    {
      claim: 'the rule about vanished classes failed',
      holds: vanished?.verdict === 'fail' && (vanished.estimate ?? 0) >= 1,
    },
    {
      claim: 'the evidence shows that its confidences drifted',
      holds: (drift?.estimate ?? 0) > (drift?.limit ?? Number.POSITIVE_INFINITY),
    },
    { claim: 'none of its answers was an error', holds: said('error_rate')?.estimate === 0 },
  ];
}

/** The results of all chapters. */
export function resultOf(facts: ResultFacts): StoryResult {
  const { canaryDevices, processes, devices, firstRollout, goodRollout, badRollout, states, traffic, checked } = facts;
  const running: Record<string, number> = {};
  for (const { model } of states) {
    const version = model?.running?.version ?? 'none';
    running[version] = (running[version] ?? 0) + 1;
  }
  const steps = checked.commits.filter((commit) => commit.transition !== null);
  const claims = [
    { claim: 'the first version became stable', holds: firstRollout.outcome === 'stable' },
    { claim: 'the better version became stable', holds: goodRollout.outcome === 'stable' },
    { claim: 'the bad version was reverted', holds: badRollout.outcome === 'reverted' },
    ...howItWasCaught(badRollout),
    {
      claim: 'only canary devices ever had the bad version',
      holds: badRollout.devicesExposed <= canaryDevices,
    },
    { claim: 'every device runs the better version again', holds: running[VERSIONS.good] === devices },
    {
      claim: 'every commit of the reconciler has a good signature',
      holds: steps.length > 0 && steps.every((one) => one.signature === 'good'),
    },
    { claim: 'no step was committed twice', holds: new Set(steps.map((one) => one.transition)).size === steps.length },
  ];
  return {
    commits: checked.commits,
    signaturesCheckedBy: checked.by,
    firstRollout,
    goodRollout,
    badRollout,
    devices: { total: states.length, processes, running, ...traffic },
    claims,
  };
}
