// Owns why a step is taken, a version is rejected or a rollout stands still, as facts; the sentences are made in `src/wording`.
import type { EvidenceProblem } from '../contract/trust/verifier.ts';
import type { RolloutRequest, RolloutStatus } from '../documents/types.generated.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import type { Overlap } from './holdings.ts';
import type { Advice, MissingRollout, RenamedRollout } from './missing-rollout.ts';
import type { ParameterChange } from './parameter-change.ts';

/** Why a version failed, a rollout is paused or a group is an exception: small, as it stays in Git for ever. */
export type StatusReason = RolloutStatus['rejected'][number]['reason'];
export type RuleFailedReason = Extract<StatusReason, { kind: 'rule-failed' }>;

/** Who asked, and that person's own reason. */
export interface Asked {
  readonly by?: string;
  readonly reason?: string;
}

/** Why a step is taken. */
export type StepReason =
  | StatusReason
  | {
      readonly kind: 'started';
      readonly stage: string;
      readonly version: string;
      readonly signer: string | null;
      /** It was stable before, so earlier stages are skipped. */
      readonly isReturn: boolean;
      /** Stable has too little traffic to freeze limits from. */
      readonly lacksBaseline: boolean;
      /** Groups in which it failed before. */
      readonly apart: readonly string[];
      /** Parameters that differ from those of stable; absent where none do. */
      readonly parameters?: readonly ParameterChange[];
    }
  | {
      readonly kind: 'rules-passed';
      readonly stage: string;
      /** How many rules decided. */
      readonly rules: number;
      readonly readyMs: number | null;
      readonly devices: number;
      /** Null when no rule counts inferences. */
      readonly inferences: number | null;
      readonly approvedBy: readonly string[];
    }
  /** Those held back have it too, and no rule was broken. */
  | {
      readonly kind: 'rest-passed';
      readonly readyMs: number | null;
      readonly devices: number;
      readonly approvedBy: readonly string[];
    }
  | {
      readonly kind: 'deadline-passed';
      readonly stage: string;
      readonly deadlineMs: number;
      readonly approvedBy: readonly string[];
    }
  | ({ readonly kind: 'skipped'; readonly stage: string } & Asked)
  | ({ readonly kind: 'promoted' } & Asked)
  | ({ readonly kind: 'approved' } & Asked)
  /** The rules that paused the stage hold again. */
  | {
      readonly kind: 'recovered';
      readonly stage: string;
      readonly rule: string;
      readonly others: readonly string[];
      readonly pausedMs: number;
    }
  | { readonly kind: 'other-version'; readonly version: string }
  | { readonly kind: 'target-changed' }
  | { readonly kind: 'parameters-changed' }
  | { readonly kind: 'policy-revoked'; readonly code: string; readonly signer: string | null }
  | ({ readonly kind: 'group-rejoined'; readonly group: string } & Asked)
  | ({ readonly kind: 'retried'; readonly version: string } & Asked)
  | { readonly kind: 'requests-refused'; readonly requests: readonly RefusedRequest[] }
  | { readonly kind: 'status-forged'; readonly problem: ClaimProblem }
  /** Nothing rolled when someone restored an earlier status. */
  | { readonly kind: 'status-restored'; readonly revision: number | null }
  | ({ readonly kind: 'history-adopted'; readonly above: number } & Asked);

export interface RefusedRequest {
  readonly act: RolloutRequest['act'];
  readonly problem: RequestProblem;
}

/** Why a request is answered with no. */
export type RequestProblem =
  | { readonly kind: 'nothing-rolls' }
  | { readonly kind: 'other-candidate'; readonly is: string; readonly asked: string }
  | { readonly kind: 'other-stage'; readonly is: string | null; readonly asked: string }
  | { readonly kind: 'no-approval-needed'; readonly stage: string }
  | { readonly kind: 'not-an-approver'; readonly by: string | null; readonly approvers: readonly string[] }
  | { readonly kind: 'not-rejected'; readonly digest: string }
  | { readonly kind: 'history-not-rewritten' }
  | { readonly kind: 'not-for-groups' }
  | { readonly kind: 'group-unnameable' }
  | { readonly kind: 'group-not-apart'; readonly group: string }
  | { readonly kind: 'group-runs-other'; readonly is: string | null; readonly asked: string }
  | { readonly kind: 'group-already-back'; readonly group: string }
  | { readonly kind: 'group-empty'; readonly group: string }
  | { readonly kind: 'group-is-all'; readonly group: string }
  | { readonly kind: 'nothing-stable' }
  | { readonly kind: 'too-many-groups'; readonly most: number };

/** Why a status at HEAD does not count. */
export type ClaimProblem =
  | { readonly kind: 'evidence-elsewhere'; readonly evidence: string }
  | { readonly kind: 'evidence-missing'; readonly evidence: string }
  | { readonly kind: 'evidence-refused'; readonly code: EvidenceProblem }
  | { readonly kind: 'evidence-of-other-status' };

/** Where a document is wrong, and how many problems it has besides. */
export interface DocumentProblem extends Advice {
  readonly code: string;
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly more: number;
  /** The parser's own words; for people who look now, never kept. */
  readonly detail?: string;
}

/** Why a signed document may not be used. */
export interface Refusal {
  readonly code: string;
  readonly signer: string | null;
  /** The verifier's own words; for people who look now, never kept. */
  readonly detail?: string;
}

/** A version runs on whose signer was revoked: only another version takes its place. `group` is null where stable runs it. */
export interface RunsRevoked extends Refusal {
  readonly kind: 'runs-revoked';
  readonly group: string | null;
  readonly version: string;
  /** Known devices that it is declared for. */
  readonly devices: number;
}

/** What has to be fixed before a rollout can go on. */
export type Fix =
  | ({ readonly kind: 'document'; readonly version?: string } & DocumentProblem)
  | ({ readonly kind: 'version-refused'; readonly version: string } & Refusal)
  | ({ readonly kind: 'policy-refused'; readonly policy: string } & Refusal)
  | { readonly kind: 'version-draft'; readonly code: 'MODEL_VERSION_DRAFT'; readonly version: string }
  | { readonly kind: 'version-changed'; readonly code: 'MODEL_VERSION_CHANGED'; readonly version: string }
  /** `running`: the version that runs, and is gone from the repository. */
  | {
      readonly kind: 'version-missing';
      readonly code: 'MODEL_VERSION_MISSING';
      readonly desired: string;
      readonly running: string | null;
    }
  | {
      readonly kind: 'model-changed';
      readonly code: 'ROLLOUT_MODEL_CHANGED';
      readonly is: string;
      readonly asked: string;
    }
  | RunsRevoked
  | MissingRollout
  | RenamedRollout
  /** Its file was deleted: `devices` are not back on stable yet, as far as they have reported. */
  | { readonly kind: 'rollout-deleted'; readonly code: 'ROLLOUT_DELETED'; readonly devices: number }
  /** Another rollout has devices that this one's target would take from it. */
  | ({ readonly kind: 'targets-overlap'; readonly code: 'ROLLOUT_TARGETS_OVERLAP' } & Overlap)
  | { readonly kind: 'policy-missing'; readonly code: 'POLICY_MISSING' }
  | { readonly kind: 'policy-empty'; readonly code: 'POLICY_NO_STAGE' }
  | { readonly kind: 'policy-select-too-long'; readonly code: 'POLICY_SELECT_TOO_LONG' }
  | { readonly kind: 'stage-unknown'; readonly code: 'STAGE_UNKNOWN'; readonly stage: string | null }
  | { readonly kind: 'policy-copy-missing'; readonly code: 'POLICY_COPY_MISSING'; readonly digest: string | null }
  | {
      readonly kind: 'history-rewound';
      readonly code: 'HISTORY_REWOUND';
      readonly revision: number;
      readonly known: number;
    }
  | { readonly kind: 'status-twice'; readonly code: 'STATUS_TWICE'; readonly revision: number }
  /** Someone started a new home on a repository that has a history: starting anew there would take every device's model away. */
  | { readonly kind: 'status-of-other'; readonly code: 'STATUS_OF_OTHER' };

/** A rule by its name, and what it is about. */
export type NamedRule = Pick<RuleVerdict, 'rule' | 'by' | 'scope' | 'share'>;

/** A rule that is still open, and what it says of itself. */
export type StuckRule = Pick<RuleVerdict, 'metric' | 'reasons' | 'worstDevice' | 'group'>;
