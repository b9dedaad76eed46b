// Owns the types of the documents. Generated from schemas/*.schema.json by `npm run generate`: change those instead.

/**
 * The layout and the defaults of a manifests repository: `slipway.yaml` at its root.
 */
export interface Repository {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'Repository';
  /**
   * How people refer to this document; optional.
   */
  readonly metadata?: {
    /**
     * Name of the repository. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
     */
    readonly name?: string;
  };
  /**
   * Layout and defaults; everything has a default.
   */
  readonly spec: {
    /**
     * Folders of the repository, relative to its root.
     */
    readonly layout?: {
      /**
       * Folder of the model manifests: `<model>/<version>.yaml`.
       */
      readonly models?: string;
      /**
       * Folder of the rollout policies: `<policy>.yaml`.
       */
      readonly policies?: string;
      /**
       * Folder of the rollouts: `<rollout>.yaml`.
       */
      readonly rollouts?: string;
      /**
       * Folder of the device groups: `<group>.yaml`.
       */
      readonly fleet?: string;
      /**
       * Folder of the evidence that the reconciler writes.
       */
      readonly evidence?: string;
    };
    /**
     * What documents need not repeat.
     */
    readonly defaults?: {
      /**
       * Policy of the rollouts that name none. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
       */
      readonly policy?: string;
    };
  };
}

/**
 * How a rollout goes from its first devices to all of them. Signed; lies at `policies/<policy>.yaml`.
 */
export interface RolloutPolicy {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'RolloutPolicy';
  readonly metadata: PolicyMetadata;
  /**
   * What the policy demands.
   */
  readonly spec: {
    /**
     * Which rollouts may use the policy; signed with it.
     */
    readonly appliesTo: {
      /**
       * Names of rollouts; `*` stands for any characters.
       *
       * @minItems 1
       * @maxItems 200
       *
       * Items: A name, or a pattern with `*`.
       */
      readonly rollouts: readonly string[];
    };
    /**
     * Most that a verdict may err: chance of failing a good stage, and of passing a bad one. Default 5%. A percentage.
     */
    readonly errorLevel?: string;
    /**
     * Time over which a stage's devices spread their downloads. Default 0s. A number with ms, s, m, h, d or w.
     */
    readonly spread?: string;
    /**
     * Page that says what to do; alerts about rollouts under this policy link it.
     */
    readonly runbook?: string;
    readonly watch?: PolicyWatch;
    /**
     * A version that was stable within this time may skip the stages. Default: never. A number with ms, s, m, h, d or w.
     */
    readonly rollbackWindow?: string;
    /**
     * The stages in order; sizes never fall.
     *
     * @minItems 1
     * @maxItems 50
     */
    readonly stages: readonly PolicyStage[];
  };
}
/**
 * Which policy this is.
 */
export interface PolicyMetadata {
  /**
   * Name of the policy. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * What it is for, for people.
   */
  readonly description?: string;
}
/**
 * What must go on to hold of the version that is fully out. A rule that fails raises an alert and may ask for retraining; it never rolls back.
 */
export interface PolicyWatch {
  /**
   * What must hold. The baseline is the version itself, as it was in its first window at rest.
   *
   * @minItems 1
   * @maxItems 32
   *
   * Items: A rule such as `confidence_drift < 0.25`, `error_rate < 1%` or `vanished_classes == 0`.
   */
  readonly rules: readonly string[];
  /**
   * How long measurements are added up before they begin anew; each window is judged for itself. A day holds the times of a day. Default 24h, least 10 report intervals, most 31d. A number with ms, s, m, h, d or w.
   */
  readonly window?: string;
  /**
   * Chance of a false alarm in one window, with every rule exactly at its limit. Default 1%. A percentage.
   */
  readonly errorLevel?: string;
}
/**
 * One stage. It has a size, a selector or both.
 */
export interface PolicyStage {
  /**
   * Name of the stage, unique in the policy. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * How much of the target is in the stage: a percentage, `{ devices: 10 }` or `{ percent: 1 }`. Includes the stages before.
   */
  readonly size?: string | StageSizeDevices | StageSizePercent;
  /**
   * Devices of the target that are in the stage besides, whatever its size. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select?: string;
  /**
   * Shortest time that the stage is watched, counted from when its minimum of devices runs the candidate. Default 0s. A number with ms, s, m, h, d or w.
   */
  readonly soak?: string;
  readonly minimum?: StageMinimum;
  /**
   * Time after which an undecided stage ends by `onDeadline`. Default: never. A number with ms, s, m, h, d or w.
   */
  readonly deadline?: string;
  /**
   * What happens at the deadline: wait for people, go back, or go on if every open rule is observed within its limit. Default hold.
   */
  readonly onDeadline?: 'hold' | 'rollback' | 'promote';
  /**
   * What a failed rule does: go back, stop here, or ask the approvers. Default rollback.
   */
  readonly onFailure?: 'rollback' | 'pause' | 'ask';
  /**
   * The error level of this stage, where it is another than the policy's. A percentage.
   */
  readonly errorLevel?: string;
  /**
   * What happens when only rules by group failed, and only in some of the groups: stage (the whole stage, as `onFailure` says), rollback (those groups go back alone, the others go on), hold (those groups go no further than this stage until a person decides, the others go on). Default stage.
   */
  readonly onGroupFailure?: 'stage' | 'rollback' | 'hold';
  readonly approval?: StageApproval;
  /**
   * A device that took the candidate and is then silent for this long counts as failed. Default 10m. A number with ms, s, m, h, d or w.
   */
  readonly silence?: string;
  /**
   * What must hold. A stage without rules has those of the stage before.
   *
   * @maxItems 64
   *
   * Items: A rule, or a rule and how it is meant.
   */
  readonly rules?: readonly (string | PolicyRule | PrometheusRule | WebhookRule)[];
}
/**
 * A number of devices.
 */
export interface StageSizeDevices {
  /**
   * How many devices.
   */
  readonly devices: number;
}
/**
 * A share of the target.
 */
export interface StageSizePercent {
  /**
   * Percent of the target's devices, above 0 and at most 100.
   */
  readonly percent: number;
}
/**
 * Evidence without which the stage can't pass.
 */
export interface StageMinimum {
  /**
   * Devices that run the candidate. Default 3.
   */
  readonly devices?: number;
  /**
   * Inferences by the candidate. Default 0.
   */
  readonly inferences?: number;
}
/**
 * People who must agree before the stage is left.
 */
export interface StageApproval {
  /**
   * Who may approve, by the names of the trust policy.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: Name of an approver.
   */
  readonly approvers: readonly string[];
  /**
   * How many of them must. Default 1.
   */
  readonly count?: number;
}
/**
 * A rule, and how it is meant.
 */
export interface PolicyRule {
  /**
   * The rule.
   */
  readonly rule: string;
  /**
   * What must hold to the limit: the devices of the stage together, the whole fleet of which they are a sample, or each of them alone. Default stage.
   */
  readonly scope?: 'stage' | 'fleet' | 'any-device';
  /**
   * For a rule that can be asked of each device alone: the stage fails when more than this share of its devices breach. A percentage.
   */
  readonly share?: string;
  /**
   * Name of a label: the rule must hold in each group of the stage's devices that share a value of it, of at least three devices. The 15 values that most devices have are groups, the others are one together.
   */
  readonly by?: string;
  /**
   * Limits of groups with one of their own, by the label's value: what stands after the comparison.
   */
  readonly limits?: {
    /**
     * The group's limit.
     */
    readonly [k: string]: string;
  };
  /**
   * true: measured and shown, but never decides.
   */
  readonly dryRun?: boolean;
}
/**
 * A rule over a number that a Prometheus server answers.
 */
export interface PrometheusRule {
  /**
   * A name of your own, and what must hold of the answer: a number in the query's own unit, or a percentage of 1. Passes and fails only after the answers said so `for` that long without a pause, and at least three times. Default for 5m.
   */
  readonly rule: string;
  /**
   * Whom to ask: the name of a Prometheus in the service's `signals.yaml`, where its address and credentials are.
   */
  readonly prometheus: string;
  /**
   * PromQL that gives one number. Within quotes `{{rollout}}`, `{{model}}`, `{{stage}}`, `{{candidate.version}}`, `{{candidate.digest}}`, `{{stable.version}}` and `{{stable.digest}}` stand for what is rolled out.
   */
  readonly query: string;
  /**
   * true: asked and shown, but never decides.
   */
  readonly dryRun?: boolean;
}
/**
 * A rule that another service judges.
 */
export interface WebhookRule {
  /**
   * A name of your own, and `passes`. The newest answer counts; with `for` only after all answers of that time said the same.
   */
  readonly rule: string;
  /**
   * Whom to ask: the name of a webhook in the service's `signals.yaml`, where its address and secrets are.
   */
  readonly webhook: string;
  /**
   * true: asked and shown, but never decides.
   */
  readonly dryRun?: boolean;
}

/**
 * Which model goes to which devices under which policy. People write `spec`, the reconciler writes `status`; lies at `rollouts/<rollout>.yaml`.
 */
export interface Rollout {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'Rollout';
  readonly metadata: RolloutMetadata;
  readonly spec: RolloutSpec;
  readonly status?: RolloutStatus;
}
/**
 * Which rollout this is.
 */
export interface RolloutMetadata {
  /**
   * Name of the rollout. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * What it is for, for people.
   */
  readonly description?: string;
}
/**
 * What people ask for. No device moves before the reconciler has answered it in `status`.
 */
export interface RolloutSpec {
  /**
   * Name of the model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly model: string;
  /**
   * The version: a pin, `latest`, or a range over SemVer versions. Quote it where YAML would read a number.
   */
  readonly version: string;
  /**
   * Name of the policy; the repository's default if left out. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly policy?: string;
  /**
   * The devices that the rollout is for. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly target: string;
  /**
   * Parameters of the model that differ from the manifest's.
   */
  readonly parameters?: {
    /**
     * A value that the model's host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
  /**
   * true: the rollout pauses where it is. Default false.
   */
  readonly suspend?: boolean;
  /**
   * Requests to the reconciler, which removes them as it answers.
   *
   * @maxItems 50
   */
  readonly requests?: readonly RolloutRequest[];
}
/**
 * One request by a person; the reconciler answers it by a commit that removes it.
 */
export interface RolloutRequest {
  /**
   * What is asked: approve (agree to leave the stage), promote (leave it without further evidence), skip (leave it whatever its rules say), abort (go back now), retry (try a rejected digest again), adopt (take HEAD as it is after history was rewound).
   */
  readonly act: 'approve' | 'promote' | 'skip' | 'abort' | 'retry' | 'adopt';
  /**
   * Digest of the manifest that it is about; valid for that one only. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Stage that it is about; valid for that one only. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly stage?: string;
  /**
   * A group of devices that alone is meant, as label and value: with abort it goes back, with promote it goes along again.
   */
  readonly group?: string;
  /**
   * Why, for people.
   */
  readonly reason?: string;
  /**
   * Who asks, by the names of the trust policy.
   */
  readonly by?: string;
}
/**
 * What the reconciler decided; leave it to the reconciler.
 */
export interface RolloutStatus {
  /**
   * Counter: each commit of the reconciler raises it by one.
   */
  readonly revision: number;
  /**
   * Revision of the commit that opened the present stage, or the rest after a rollout; measurements count from there.
   */
  readonly opened: number;
  /**
   * The model, fixed with the first start: what is rolled out under one name is always one model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly model?: string;
  /**
   * rolling: a candidate walks through the stages; paused: it stands; idle: nothing rolls.
   */
  readonly state: 'rolling' | 'paused' | 'idle';
  /**
   * The present stage; null when idle. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly stage: string | null;
  /**
   * When this status was decided. ISO 8601 with a time zone.
   */
  readonly since: string;
  /**
   * The version being rolled out; null when idle.
   */
  readonly candidate: StatusCandidate | null;
  /**
   * The version that the rest of the target runs; null before the first completion.
   */
  readonly stable: StatusStable | null;
  /**
   * The target, fixed for this attempt. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly target: string;
  /**
   * Digest of the policy in force; null when there is none. `sha256:` and 64 hexadecimal digits.
   */
  readonly policy: `sha256:${string}` | null;
  /**
   * Salt of the cohort's buckets; null when idle.
   */
  readonly salt: string | null;
  readonly cohort: StatusCohort;
  /**
   * Frozen limits of the present stage.
   *
   * @maxItems 1024
   */
  readonly limits: readonly StatusLimit[];
  /**
   * Versions that failed, newest first.
   *
   * @maxItems 100
   */
  readonly rejected: readonly StatusRejection[];
  /**
   * Why it is paused; null when it isn't.
   */
  readonly paused: StatusPause | null;
  /**
   * File of the evidence for this status.
   */
  readonly evidence: string;
  /**
   * Versions that were stable, newest first.
   *
   * @maxItems 10
   */
  readonly previous?: readonly FormerStable[];
  /**
   * Last attempts of the digests tried lately.
   *
   * @maxItems 20
   */
  readonly attempts?: readonly KnownAttempt[];
  /**
   * Groups of devices that do not go along with the others; absent when all do.
   *
   * @minItems 1
   * @maxItems 16
   */
  readonly exceptions?: readonly StatusException[];
  /**
   * Versions that failed in some groups alone, newest first; absent when there are none.
   *
   * @minItems 1
   * @maxItems 50
   */
  readonly groupRejections?: readonly GroupRejection[];
}
/**
 * The version being rolled out.
 */
export interface StatusCandidate {
  /**
   * Its version.
   */
  readonly version: string;
  /**
   * Digest of its manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Which walk of this digest through the stages.
   */
  readonly attempt: number;
  /**
   * Parameters, fixed for this attempt.
   */
  readonly parameters: {
    /**
     * A value that the model's host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
}
/**
 * The version that devices outside the cohort run.
 */
export interface StatusStable {
  /**
   * Its version.
   */
  readonly version: string;
  /**
   * Digest of its manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Its parameters.
   */
  readonly parameters: {
    /**
     * A value that the model's host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
  /**
   * Selector under which it became stable. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly target: string;
}
/**
 * The devices that are in the present stage.
 */
export interface StatusCohort {
  /**
   * Devices whose bucket is below this are in; 281474976710656 is all.
   */
  readonly cut: number;
  /**
   * A selector whose devices are in besides, or null. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select: string | null;
  /**
   * Salted hashes of devices that are listed one by one.
   *
   * @maxItems 5000
   *
   * Items: 24 hexadecimal digits.
   */
  readonly devices: readonly string[];
}
/**
 * The limit of one rule, frozen when the stage opened.
 */
export interface StatusLimit {
  /**
   * The rule, as the policy has it.
   */
  readonly rule: string;
  /**
   * The limit in the rule's base unit (fraction, ms, …).
   */
  readonly limit: number;
  /**
   * The group of devices that the limit is frozen for, of a rule by groups; absent for all devices together.
   */
  readonly group?: string;
  /**
   * The edge of the shared sketch buckets that stands for it.
   */
  readonly edge: number;
}
/**
 * A version that failed, and is not tried again unless a person asks.
 */
export interface StatusRejection {
  /**
   * Digest of its manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Its version.
   */
  readonly version: string;
  /**
   * The attempt that failed.
   */
  readonly attempt: number;
  /**
   * Why, as facts.
   */
  readonly reason:
    RuleFailedReason | DeadlineReason | AbortedReason | SpecRevertedReason | StatusRevertedReason | TrustRevokedReason;
  /**
   * File of the evidence.
   */
  readonly evidence: string;
  /**
   * When. ISO 8601 with a time zone.
   */
  readonly at: string;
}
/**
 * A rule of a stage failed.
 */
export interface RuleFailedReason {
  /**
   * A rule failed.
   */
  readonly kind: 'rule-failed';
  /**
   * The stage. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly stage: string;
  /**
   * The rule, as the policy has it.
   */
  readonly rule: string;
  /**
   * The label that the rule makes groups by; absent of a rule without groups.
   */
  readonly by?: string;
  /**
   * The group of devices in which it failed; absent of a rule without groups.
   */
  readonly group?: string;
  /**
   * What was measured, in the base unit of the rule; null when the rule has no single number.
   */
  readonly observed: number | null;
  /**
   * The unit of the number.
   */
  readonly unit: string;
  /**
   * Classes that vanished; absent of other rules.
   *
   * @maxItems 8
   *
   * Items: Name of a class.
   */
  readonly classes?: readonly string[];
  /**
   * Rules that failed as well.
   *
   * @maxItems 50
   *
   * Items: A rule, as the policy has it.
   */
  readonly others: readonly string[];
}
/**
 * A stage did not pass before its deadline.
 */
export interface DeadlineReason {
  /**
   * The deadline of the stage expired.
   */
  readonly kind: 'deadline-expired';
  /**
   * The stage. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly stage: string;
  /**
   * The deadline, in milliseconds.
   */
  readonly deadlineMs: number;
  /**
   * Rules that were not decided.
   *
   * @maxItems 50
   *
   * Items: A rule, as the policy has it.
   */
  readonly undecided: readonly string[];
}
/**
 * A person asked for it.
 */
export interface AbortedReason {
  /**
   * A person aborted.
   */
  readonly kind: 'aborted';
  /**
   * Who asked, by the names of the trust policy.
   */
  readonly by?: string;
  /**
   * The reason that this person gave.
   */
  readonly reason?: string;
}
/**
 * A person set spec.version back to the stable version.
 */
export interface SpecRevertedReason {
  /**
   * spec.version went back to the stable version.
   */
  readonly kind: 'spec-reverted';
  /**
   * The stable version.
   */
  readonly version: string;
}
/**
 * A person reverted a commit of the reconciler.
 */
export interface StatusRevertedReason {
  /**
   * An earlier status was restored.
   */
  readonly kind: 'status-reverted';
  /**
   * Revision of the status that was restored; null when the status was deleted.
   */
  readonly revision: number | null;
}
/**
 * The signer of the version is not trusted any more.
 */
export interface TrustRevokedReason {
  /**
   * Trust in the signer was revoked.
   */
  readonly kind: 'trust-revoked';
  /**
   * Code of the refusal.
   */
  readonly code: string;
  /**
   * The signer as the trust policy names it; null when nobody known signed.
   */
  readonly signer: string | null;
}
/**
 * Why and since when the rollout is paused.
 */
export interface StatusPause {
  /**
   * Why, as facts.
   */
  readonly reason:
    RuleFailedReason | DeadlineReason | AbortedReason | SpecRevertedReason | StatusRevertedReason | TrustRevokedReason;
  /**
   * Since when. ISO 8601 with a time zone.
   */
  readonly since: string;
}
/**
 * A version that was stable.
 */
export interface FormerStable {
  /**
   * Its version.
   */
  readonly version: string;
  /**
   * Digest of its manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Until when it was stable. ISO 8601 with a time zone.
   */
  readonly until: string;
}
/**
 * The last attempt of a digest.
 */
export interface KnownAttempt {
  /**
   * Digest of the manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Number of its last attempt.
   */
  readonly attempt: number;
}
/**
 * A group of devices that does not go along with the others.
 */
export interface StatusException {
  /**
   * Its label and value.
   */
  readonly group: string;
  /**
   * rolled-back: none of the group runs the candidate; held: it stays with those of the present stage, and no later stage takes in more of the group; behind: it kept an earlier stable version when the others completed, and takes part in the next rollout.
   */
  readonly kind: 'rolled-back' | 'held' | 'behind';
  /**
   * Of a group that is held, those of the present stage; else null.
   */
  readonly cohort: StatusCohort1 | null;
  /**
   * What the group runs in place of the stable version, as it is behind; null when it runs the stable one.
   */
  readonly stable: StatusStable | null;
  /**
   * Why, as facts.
   */
  readonly reason:
    RuleFailedReason | DeadlineReason | AbortedReason | SpecRevertedReason | StatusRevertedReason | TrustRevokedReason;
  /**
   * File of the evidence.
   */
  readonly evidence: string;
  /**
   * Since when. ISO 8601 with a time zone.
   */
  readonly since: string;
}
/**
 * The devices of the target that are in the present stage.
 */
export interface StatusCohort1 {
  /**
   * Devices whose bucket is below this are in; 281474976710656 is all.
   */
  readonly cut: number;
  /**
   * A selector whose devices are in besides, or null. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select: string | null;
  /**
   * Salted hashes of devices that are listed one by one.
   *
   * @maxItems 5000
   *
   * Items: 24 hexadecimal digits.
   */
  readonly devices: readonly string[];
}
/**
 * A version that failed in one group of devices alone, which does not get it again unless a person promotes the group.
 */
export interface GroupRejection {
  /**
   * Label and value of the group.
   */
  readonly group: string;
  /**
   * Digest of its manifest. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Its version.
   */
  readonly version: string;
  /**
   * Why, as facts.
   */
  readonly reason:
    RuleFailedReason | DeadlineReason | AbortedReason | SpecRevertedReason | StatusRevertedReason | TrustRevokedReason;
  /**
   * File of the evidence.
   */
  readonly evidence: string;
  /**
   * When. ISO 8601 with a time zone.
   */
  readonly at: string;
}

/**
 * Devices with something in common: what they may claim, and which are revoked. Lies at `fleet/<group>.yaml`.
 */
export interface DeviceGroup {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'DeviceGroup';
  readonly metadata: GroupMetadata;
  /**
   * Members, their labels, and revoked devices.
   */
  readonly spec: {
    /**
     * Labels that every member has; a device that claims others is a contradiction, and is in no arm.
     */
    readonly labels?: {
      /**
       * Value of the label.
       */
      readonly [k: string]: string;
    };
    /**
     * Members listed one by one.
     *
     * @maxItems 5000
     */
    readonly devices?: readonly GroupDevice[];
    /**
     * Revoked devices: their reports and requests are refused.
     *
     * @maxItems 5000
     *
     * Items: Id of a revoked device. Letters, digits, `.`, `_`, `:` and `-`.
     */
    readonly deny?: readonly string[];
  };
}
/**
 * Which group this is.
 */
export interface GroupMetadata {
  /**
   * Name of the group. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * What the group is, for people.
   */
  readonly description?: string;
}
/**
 * One device of the group.
 */
export interface GroupDevice {
  /**
   * The device's id. Letters, digits, `.`, `_`, `:` and `-`.
   */
  readonly id: string;
  /**
   * Its public key (P-256, PEM); if left out, the one that it enrols with.
   */
  readonly publicKey?: string;
  /**
   * Labels of this device, besides the group's.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
}

/**
 * Whom rules about outside signals may ask: names, addresses, and where their credentials are. Lies outside the manifests repository: whoever can push there must not choose where the service connects.
 */
export interface SignalProviders {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'SignalProviders';
  /**
   * How people refer to this document; optional.
   */
  readonly metadata?: {
    /**
     * Name of the document. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
     */
    readonly name?: string;
  };
  /**
   * The providers.
   */
  readonly spec: {
    /**
     * Servers that speak the HTTP API of Prometheus.
     *
     * @maxItems 100
     */
    readonly prometheus?: readonly PrometheusProvider[];
    /**
     * Services that judge on their own.
     *
     * @maxItems 100
     */
    readonly webhooks?: readonly WebhookProvider[];
  };
}
/**
 * One Prometheus server.
 */
export interface PrometheusProvider {
  /**
   * Its name: what rules of policies call it. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Its address; `/api/v1/query` is added.
   */
  readonly url: string;
  /**
   * File with the token that is sent as `Authorization: Bearer …`. Relative to this document; read anew for each question, so it may change.
   */
  readonly bearerTokenFile?: string;
  readonly basicAuth?: BasicCredentials;
  /**
   * How long an answer may take. Default 10s, which is also the most. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * How often each rule asks. Default 15s. A number with ms, s, m, h, d or w.
   */
  readonly every?: string;
  /**
   * true: credentials and secrets may go over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
/**
 * User and password.
 */
export interface BasicCredentials {
  /**
   * The user.
   */
  readonly username: string;
  /**
   * File with the password. Relative to this document; read anew for each question, so it may change.
   */
  readonly passwordFile: string;
}
/**
 * One service that is asked by POST and answers pass, fail or undecided.
 */
export interface WebhookProvider {
  /**
   * Its name: what rules of policies call it. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Where questions are posted.
   */
  readonly url: string;
  /**
   * File with the secret that signs questions: HMAC-SHA256 of the body, sent as `X-Slipway-Signature-256: sha256=…`. Relative to this document; read anew for each question, so it may change.
   */
  readonly secretFile?: string;
  /**
   * File with the token that is sent as `Authorization: Bearer …`. Relative to this document; read anew for each question, so it may change.
   */
  readonly bearerTokenFile?: string;
  /**
   * How long an answer may take. Default 10s, which is also the most. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * How often each rule asks. Default 15s. A number with ms, s, m, h, d or w.
   */
  readonly every?: string;
  /**
   * true: credentials and secrets may go over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}

/**
 * Who is told of steps and alerts, and who may be asked for retraining. Lies outside the manifests repository: whoever can push there must not choose where the service connects.
 */
export interface Notifications {
  /**
   * The version of Slipway's documents that this one is written for.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * What this document is.
   */
  readonly kind: 'Notifications';
  readonly metadata?: NotificationsMetadata;
  /**
   * Targets, and what alerts link.
   */
  readonly spec: {
    /**
     * Names this service in events (the `source` of CloudEvents), among others that report to the same place. Default /slipway. A URI reference.
     */
    readonly source?: string;
    /**
     * Pages that say what to do, by kind of alert; `*` for all others. A page that the rollout's policy names goes before.
     */
    readonly runbooks?: {
      /**
       * Address of the page.
       */
      readonly [k: string]: string;
    };
    /**
     * How long a device may run something else than declared before an alert is raised; the time over which its policy spreads downloads is added. Default 10m, or three report intervals if that is longer. A number with ms, s, m, h, d or w.
     */
    readonly offDeclaredAfter?: string;
    /**
     * Receivers of CDEvents.
     *
     * @maxItems 20
     */
    readonly webhooks?: readonly EventWebhook[];
    /**
     * Repositories whose workflows train models: a `repository_dispatch` starts them when a stable version drifts.
     *
     * @maxItems 20
     */
    readonly github?: readonly GithubDispatch[];
  };
}
/**
 * How people refer to this document; optional.
 */
export interface NotificationsMetadata {
  /**
   * Name of the document. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name?: string;
}
/**
 * One receiver of CDEvents: each is posted as a structured CloudEvent until it is taken, in order.
 */
export interface EventWebhook {
  /**
   * Its name, in logs and metrics; its queue goes by it. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Where events are posted.
   */
  readonly url: string;
  /**
   * File with the secret that signs events: HMAC-SHA256 of the body, sent as `X-Slipway-Signature-256: sha256=…`. Relative to this document; read anew for each delivery, so it may change.
   */
  readonly secretFile?: string;
  /**
   * File with the token that is sent as `Authorization: Bearer …`. Relative to this document; read anew for each delivery, so it may change.
   */
  readonly bearerTokenFile?: string;
  /**
   * What it is told: `rollouts` (steps), `alerts` (their beginning and end), `retraining` (wishes for it). Default all.
   *
   * @minItems 1
   * @maxItems 3
   *
   * Items: A topic.
   */
  readonly events?: readonly ('rollouts' | 'alerts' | 'retraining')[];
  /**
   * Names of rollouts that it is told of; `*` stands for any characters. Alerts about the service go to those with `*`. Default every one.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * How long one delivery may take. Default 10s, which is also the most. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: tokens may go over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
/**
 * One repository on GitHub that is asked for retraining.
 */
export interface GithubDispatch {
  /**
   * Its name, in logs and metrics; its queue goes by it. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Owner and name.
   */
  readonly repository: string;
  /**
   * File with a token that may write the repository's contents. Relative to this document; read anew for each delivery, so it may change.
   */
  readonly tokenFile: string;
  /**
   * Address of the API: `https://<host>/api/v3` for a GitHub Enterprise Server. Default https://api.github.com.
   */
  readonly url?: string;
  /**
   * The `event_type` that the workflow waits for. Default slipway-retraining.
   */
  readonly eventType?: string;
  /**
   * Names of rollouts whose drift it is asked about; `*` stands for any characters. Default every one.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * How long one delivery may take. Default 10s, which is also the most. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: the token may go over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
