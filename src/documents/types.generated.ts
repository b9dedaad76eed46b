// Owns the types of the documents. Generated from schemas/*.schema.json by `npm run generate`: change those instead.

/**
 * Layout and defaults of a manifests repository: `slipway.yaml` at its root.
 */
export interface Repository {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'Repository';
  /**
   * Name of the document; optional.
   */
  readonly metadata?: {
    /**
     * Name of the repository. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
     */
    readonly name?: string;
  };
  /**
   * Layout and defaults. Every field is optional.
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
     * Which devices belong to the fleet.
     */
    readonly fleet?: {
      /**
       * Default `any`: every device that enrols with a token. `listed`: only devices that a DeviceGroup lists; the service refuses enrolment and reports of all others.
       */
      readonly admit?: 'any' | 'listed';
      /**
       * Version of the agent that devices should have at least. Devices with an older one say so and are shown; nothing is taken from them, and nothing updates them.
       */
      readonly agentVersion?: string;
      /**
       * Names of labels that devices state themselves or have from their tokens, so that no group names them. `slipway validate` then knows them in `by`.
       *
       * @maxItems 64
       *
       * Items: A name of letters, digits, `_`, `.`, `/` and `-`.
       */
      readonly labels?: readonly string[];
    };
    /**
     * Values for documents that leave them out.
     */
    readonly defaults?: {
      /**
       * Policy for rollouts that name none. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
       */
      readonly policy?: string;
    };
  };
}

/**
 * How a rollout proceeds from its first devices to all of them. It is signed and stored at `policies/<policy>.yaml`.
 */
export interface RolloutPolicy {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'RolloutPolicy';
  readonly metadata: PolicyMetadata;
  /**
   * Stages, rules and limits.
   */
  readonly spec: {
    /**
     * Rollouts that may use the policy. The signature covers this list.
     */
    readonly appliesTo: {
      /**
       * Names of rollouts; `*` matches any characters.
       *
       * @minItems 1
       * @maxItems 200
       *
       * Items: A name, or a pattern with `*`.
       */
      readonly rollouts: readonly string[];
    };
    /**
     * Highest chance of a wrong verdict: of failing a good stage, and of passing a bad one. Default 5%. A percentage.
     */
    readonly errorLevel?: string;
    /**
     * Devices that keep the stable version while the last stage of 100% is judged, so that its relative and drift rules have a baseline: 0, a percentage, or a percentage and a time such as `5% for 4w`. They get the version once the rules pass, and absolute rules are watched for 10 more minutes. Default 2%, at least 10 devices and at most a tenth; none on a first rollout.
     */
    readonly holdBack?: string | 0;
    /**
     * Action when the confidence of a stage is on course to break a `confidence_drift` or `confidence_loss` limit before its soak is over: keep the stage from passing (hold), or let the rule fail (rollback). Default hold.
     */
    readonly onCourse?: 'hold' | 'rollback';
    /**
     * Longest pause that ends by itself: within this time a stage paused by `onFailure: pause` goes on, measured anew, once its rules pass again; later only a person resumes it. Default 1h; 0s leaves it to a person. A number with ms, s, m, h, d or w.
     */
    readonly resumeWithin?: string;
    /**
     * Time over which the devices of a stage spread their downloads. Default 0s. A number with ms, s, m, h, d or w.
     */
    readonly spread?: string;
    /**
     * Runbook that alerts about rollouts with this policy link to.
     */
    readonly runbook?: string;
    readonly watch?: PolicyWatch;
    /**
     * A version that was stable within this time may skip the stages. Default: never. A number with ms, s, m, h, d or w.
     */
    readonly rollbackWindow?: string;
    /**
     * Stages in order; their sizes never decrease.
     *
     * @minItems 1
     * @maxItems 50
     */
    readonly stages: readonly PolicyStage[];
  };
}
/**
 * Name and purpose of the policy.
 */
export interface PolicyMetadata {
  /**
   * Name of the policy. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Purpose, for people.
   */
  readonly description?: string;
}
/**
 * Watch rules for the stable version. A violated rule raises an alert and may request retraining; it never rolls back.
 */
export interface PolicyWatch {
  /**
   * Rules that must hold. The baseline is the version itself in its first window in the steady state.
   *
   * @minItems 1
   * @maxItems 32
   *
   * Items: A rule such as `confidence_drift < 0.25`, `error_rate < 1%` or `vanished_classes == 0`.
   */
  readonly rules: readonly string[];
  /**
   * Length of a window of measurements. Each window is judged on its own; a day covers the daily pattern. Default 24h, minimum 10 report intervals, maximum 31d. A number with ms, s, m, h, d or w.
   */
  readonly window?: string;
  /**
   * Chance of a false alarm in one window when every rule is exactly at its limit. Default 1%. A percentage.
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
   * Size of the stage: a percentage, `{ devices: 10 }` or `{ percent: 1 }`. It includes the devices of earlier stages.
   */
  readonly size?: string | StageSizeDevices | StageSizePercent;
  /**
   * Additional devices of the target that are in the stage, whatever its size. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select?: string;
  /**
   * Shortest time of the stage, counted from when its minimum of devices runs the candidate. Default 0s. A number with ms, s, m, h, d or w.
   */
  readonly soak?: string;
  readonly minimum?: StageMinimum;
  /**
   * Time after which an undecided stage ends by `onDeadline`. Default: 24h, or 4 times the soak, or twice the longest `for` or `after` of its rules, whichever is longest. A number with ms, s, m, h, d or w.
   */
  readonly deadline?: string;
  /**
   * Action at the deadline: wait for a person (hold), roll back (rollback), or continue if every undecided rule is within its limit so far (promote). Default hold.
   */
  readonly onDeadline?: 'hold' | 'rollback' | 'promote';
  /**
   * Action when a rule fails that has no `onFailure` of its own: roll back (rollback), stop here until the rule holds again or a person decides (pause), or stop here until a person decides (ask). Default rollback.
   */
  readonly onFailure?: 'rollback' | 'pause' | 'ask';
  /**
   * Error level of this stage. Default: that of the policy. A percentage.
   */
  readonly errorLevel?: string;
  /**
   * Devices that keep the stable version in this stage of 100%. Default: that of the policy.
   */
  readonly holdBack?: string | 0;
  /**
   * Action when the confidence of this stage is on course to break its limit. Default: that of the policy.
   */
  readonly onCourse?: 'hold' | 'rollback';
  /**
   * Action when only rules by group fail, and only in some groups. stage: the whole stage does what `onFailure` says. rollback: the failed groups roll back, the others continue. hold: the failed groups stay in this stage until a person decides, the others continue. Default stage.
   */
  readonly onGroupFailure?: 'stage' | 'rollback' | 'hold';
  readonly approval?: StageApproval;
  /**
   * A device that installed the candidate and then sends no report for this long counts as failed. Default 10m. A number with ms, s, m, h, d or w.
   */
  readonly silence?: string;
  /**
   * Rules of the stage. A stage without rules has those of the stage before it.
   *
   * @maxItems 64
   *
   * Items: A rule, or a rule with options.
   */
  readonly rules?: readonly (string | PolicyRule | PrometheusRule | WebhookRule)[];
}
/**
 * A number of devices.
 */
export interface StageSizeDevices {
  /**
   * Number of devices.
   */
  readonly devices: number;
}
/**
 * A percentage of the target.
 */
export interface StageSizePercent {
  /**
   * Percentage of the target's devices, above 0 and at most 100.
   */
  readonly percent: number;
}
/**
 * Minimum of evidence that the stage needs to pass.
 */
export interface StageMinimum {
  /**
   * Devices that must run the candidate. Default 3.
   */
  readonly devices?: number;
  /**
   * Inferences that the candidate must make. Default 0.
   */
  readonly inferences?: number;
}
/**
 * People who must approve before the rollout leaves the stage.
 */
export interface StageApproval {
  /**
   * People who may approve, as requests name them in `by`. Whoever can push can write any name: protect the branch.
   *
   * @minItems 1
   * @maxItems 100
   *
   * Items: Name of an approver.
   */
  readonly approvers: readonly string[];
  /**
   * Number of approvals that are needed. Default 1.
   */
  readonly count?: number;
}
/**
 * A rule with options.
 */
export interface PolicyRule {
  /**
   * The rule.
   */
  readonly rule: string;
  /**
   * Scope of the rule: all devices of the stage together (stage), the whole fleet that they sample (fleet), or each device alone (any-device). Default stage.
   */
  readonly scope?: 'stage' | 'fleet' | 'any-device';
  /**
   * For rules that are judged on each device: the stage fails when more than this share of its devices violate the rule. A percentage.
   */
  readonly share?: string;
  /**
   * Label that forms groups: the rule must hold in each group of at least three devices with the same value. The 15 most frequent values are groups; all others form one group. `platform` and `precision` are no labels but those of the variant that the candidate's manifest has for a device.
   */
  readonly by?: string;
  /**
   * Limits for single groups, by the value of the label. Each replaces the text after the comparison.
   */
  readonly limits?: {
    /**
     * Limit of the group.
     */
    readonly [k: string]: string;
  };
  /**
   * Action when this rule fails: roll back (rollback), stop the stage until the rule holds again or a person decides (pause), or stop it until a person decides (ask). Of several failed rules the strongest action counts: rollback, ask, pause. To only show a rule, write `dryRun: true`. Default: that of the stage.
   */
  readonly onFailure?: 'rollback' | 'pause' | 'ask';
  /**
   * Runbook for this rule: the page that its alerts and its revert commit link to. Default: that of the policy, else the page of the metric.
   */
  readonly runbook?: string;
  /**
   * true: the rule is measured and shown, but never decides.
   */
  readonly dryRun?: boolean;
}
/**
 * A rule about a number from a Prometheus server.
 */
export interface PrometheusRule {
  /**
   * A name of your choice and a limit for the answer: a number in the query's own unit, or a percentage of 1. The rule passes or fails only after at least three answers in a row said so for the time in `for`. Default for 5m.
   */
  readonly rule: string;
  /**
   * Name of a Prometheus server in the service's `signals.yaml`, which holds its address and credentials.
   */
  readonly prometheus: string;
  /**
   * PromQL query that returns one number. Inside quotes it may contain `{{rollout}}`, `{{model}}`, `{{stage}}`, `{{candidate.version}}`, `{{candidate.digest}}`, `{{stable.version}}` and `{{stable.digest}}`.
   */
  readonly query: string;
  /**
   * Action when this rule fails: roll back (rollback), stop the stage until the rule holds again or a person decides (pause), or stop it until a person decides (ask). Of several failed rules the strongest action counts: rollback, ask, pause. To only show a rule, write `dryRun: true`. Default: that of the stage.
   */
  readonly onFailure?: 'rollback' | 'pause' | 'ask';
  /**
   * Runbook for this rule: the page that its alerts and its revert commit link to. Default: that of the policy, else the page of the metric.
   */
  readonly runbook?: string;
  /**
   * true: the answer is queried and shown, but never decides.
   */
  readonly dryRun?: boolean;
}
/**
 * A rule that a webhook judges.
 */
export interface WebhookRule {
  /**
   * A name of your choice and `passes`. The newest answer counts; with `for`, only after all answers in that time were the same.
   */
  readonly rule: string;
  /**
   * Name of a webhook in the service's `signals.yaml`, which holds its address and secrets.
   */
  readonly webhook: string;
  /**
   * Action when this rule fails: roll back (rollback), stop the stage until the rule holds again or a person decides (pause), or stop it until a person decides (ask). Of several failed rules the strongest action counts: rollback, ask, pause. To only show a rule, write `dryRun: true`. Default: that of the stage.
   */
  readonly onFailure?: 'rollback' | 'pause' | 'ask';
  /**
   * Runbook for this rule: the page that its alerts and its revert commit link to. Default: that of the policy, else the page of the metric.
   */
  readonly runbook?: string;
  /**
   * true: the answer is queried and shown, but never decides.
   */
  readonly dryRun?: boolean;
}

/**
 * Which model goes to which devices under which policy. People write `spec`, the reconciler writes `status`. Stored at `rollouts/<rollout>.yaml`.
 */
export interface Rollout {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'Rollout';
  readonly metadata: RolloutMetadata;
  readonly spec: RolloutSpec;
  readonly status?: RolloutStatus;
}
/**
 * Name and purpose of the rollout.
 */
export interface RolloutMetadata {
  /**
   * Name of the rollout. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Purpose, for people.
   */
  readonly description?: string;
}
/**
 * Desired state. No device changes before the reconciler has written it into `status`.
 */
export interface RolloutSpec {
  /**
   * Name of the model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly model: string;
  /**
   * Desired version: one version, `latest`, or a range of SemVer versions. Put it in quotes if YAML would read a number.
   */
  readonly version: string;
  /**
   * Name of the policy. Default: the default policy of the repository. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly policy?: string;
  /**
   * Devices of the rollout. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly target: string;
  /**
   * Parameters of the model that override those of the manifest.
   */
  readonly parameters?: {
    /**
     * Value that the model host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
  /**
   * true: the rollout pauses. Default false.
   */
  readonly suspend?: boolean;
  /**
   * Requests to the reconciler, which removes each when it answers.
   *
   * @maxItems 50
   */
  readonly requests?: readonly RolloutRequest[];
}
/**
 * Request by a person. The reconciler answers with a commit that removes it.
 */
export interface RolloutRequest {
  /**
   * Requested action. approve: agree to leave the stage. promote: leave the stage without more evidence. skip: leave the stage whatever its rules say. abort: roll back now, or keep a version that has not started from ever starting. retry: try a rejected digest again. adopt: accept HEAD as it is after the history was rewound.
   */
  readonly act: 'approve' | 'promote' | 'skip' | 'abort' | 'retry' | 'adopt';
  /**
   * Digest of the manifest that the request is about. It is valid for that digest only. `sha256:` and 64 hexadecimal digits.
   */
  readonly digest: `sha256:${string}`;
  /**
   * Stage that the request is about. It is valid for that stage only. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly stage?: string;
  /**
   * Group of devices, as label and value, that the request is limited to. abort rolls the group back; promote lets it continue with the others.
   */
  readonly group?: string;
  /**
   * Why, for people.
   */
  readonly reason?: string;
  /**
   * Person who makes the request, by the name that the policy's approvers have. Whoever can push can write any name.
   */
  readonly by?: string;
}
/**
 * State that the reconciler decided. Do not edit it.
 */
export interface RolloutStatus {
  /**
   * Counter: each commit of the reconciler raises it by one.
   */
  readonly revision: number;
  /**
   * Revision of the commit that opened the current stage, or the steady state after a rollout. Measurements count from there.
   */
  readonly opened: number;
  /**
   * The model. It is fixed at the first start: a rollout always has the same model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly model?: string;
  /**
   * rolling: a candidate proceeds through the stages. paused: it waits. idle: no rollout is active.
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
   * How often the present stage went on by itself after a pause; absent while it did not.
   */
  readonly resumes?: number;
  /**
   * Why it is paused. Null when it is not.
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
   * Last attempts of recently tried digests.
   *
   * @maxItems 20
   */
  readonly attempts?: readonly KnownAttempt[];
  /**
   * Groups of devices that are treated differently from the others. Absent when there are none.
   *
   * @minItems 1
   * @maxItems 16
   */
  readonly exceptions?: readonly StatusException[];
  /**
   * Versions that failed in some groups only, newest first. Absent when there are none.
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
   * Attempt: how often this digest started the stages.
   */
  readonly attempt: number;
  /**
   * Parameters, fixed for this attempt.
   */
  readonly parameters: {
    /**
     * Value that the model host reads.
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
     * Value that the model host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
  /**
   * Target under which it became stable. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly target: string;
}
/**
 * The devices that are in the present stage.
 */
export interface StatusCohort {
  /**
   * Devices whose bucket is below this number are in the stage; 281474976710656 means all.
   */
  readonly cut: number;
  /**
   * Selector of additional devices, or null. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select: string | null;
  /**
   * Salted hashes of devices that are listed individually.
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
   * Text of the rule in the policy.
   */
  readonly rule: string;
  /**
   * The limit in the rule's base unit (fraction, ms, …).
   */
  readonly limit: number;
  /**
   * For a rule by group: the group that the limit is for. Absent for all devices together.
   */
  readonly group?: string;
  /**
   * Edge of the latency sketch's buckets that the limit is rounded to.
   */
  readonly edge: number;
}
/**
 * Version that failed. It is not tried again unless a person requests it.
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
   * Parameters that failed. Present when the version itself was stable with others: then only these parameters are rejected.
   */
  readonly parameters?: {
    /**
     * Value that the model host reads.
     */
    readonly [k: string]: string | number | boolean;
  };
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
   * What stopped the stage: `pause` may end by itself, `ask` waits for a person. Absent of a rollback, and in older statuses.
   */
  readonly action?: 'pause' | 'ask';
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
 * Group of devices that is treated differently from the others.
 */
export interface StatusException {
  /**
   * Its label and value.
   */
  readonly group: string;
  /**
   * rolled-back: no device of the group runs the candidate. held: only the group's devices of the current stage run it, and later stages add none. behind: the group kept an earlier stable version when the others completed, and takes part in the next rollout.
   */
  readonly kind: 'rolled-back' | 'held' | 'behind';
  /**
   * For a held group: its devices in the current stage. Otherwise null.
   */
  readonly cohort: StatusCohort1 | null;
  /**
   * Version that a group that is behind runs. Null when it runs the stable version.
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
   * Devices whose bucket is below this number are in the stage; 281474976710656 means all.
   */
  readonly cut: number;
  /**
   * Selector of additional devices, or null. Terms such as `region:eu-west`, joined by AND, OR, NOT and parentheses; `*` is every device.
   */
  readonly select: string | null;
  /**
   * Salted hashes of devices that are listed individually.
   *
   * @maxItems 5000
   *
   * Items: 24 hexadecimal digits.
   */
  readonly devices: readonly string[];
}
/**
 * Version that failed in one group of devices only. The group does not get it again unless a person promotes the group.
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
 * A model version that is registered before its files exist. It is stored where its manifest will be, `models/<model>/<version>.yaml`, and `slipway package` puts the manifest in its place. It is not signed, no rollout can ask for it, and devices refuse it.
 */
export interface ModelDraft {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'ModelDraft';
  readonly metadata: DraftMetadata;
  /**
   * What is known of the version so far. The manifest takes it over.
   */
  readonly spec?: {
    /**
     * Origin of the version.
     */
    readonly lineage?: {
      /**
       * Version of the same model that this one was trained from.
       */
      readonly parent?: string;
      /**
       * Version of the training data.
       */
      readonly data?: string;
      /**
       * Version of the training code, such as a commit.
       */
      readonly code?: string;
      /**
       * Link to the training run.
       */
      readonly run?: string;
      /**
       * Facts about the training.
       */
      readonly training?: {
        /**
         * Number of training rounds, for example of federated training.
         */
        readonly rounds?: number;
        /**
         * Number of participants in federated training.
         */
        readonly participants?: number;
        /**
         * Convergence metrics by name.
         */
        readonly convergence?: {
          /**
           * Value of the metric.
           */
          readonly [k: string]: number;
        };
      };
    };
    /**
     * Offline metrics by name, measured before publication.
     */
    readonly metrics?: {
      /**
       * Value of the metric.
       */
      readonly [k: string]: number;
    };
  };
}
/**
 * Model and version.
 */
export interface DraftMetadata {
  /**
   * Name of the model. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * The version, in any form that is a safe file name. Put it in quotes if YAML would read a number.
   */
  readonly version: string;
  /**
   * How far the version is, for people: `training`, `trained` or `draft` (default).
   */
  readonly state?: 'training' | 'trained' | 'draft';
  /**
   * Description of this version, for people.
   */
  readonly description?: string;
  /**
   * Person or team that owns the model.
   */
  readonly owner?: string;
  /**
   * Use case of the model.
   */
  readonly useCase?: string;
}

/**
 * Devices with common labels, and revoked devices. Stored at `fleet/<group>.yaml`.
 */
export interface DeviceGroup {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'DeviceGroup';
  readonly metadata: GroupMetadata;
  /**
   * Members, their labels, and revoked devices.
   */
  readonly spec: {
    /**
     * Labels of every member. They win over the device's own, and reach it signed with the directive. A device that reports a different value is shown as a contradiction and excluded from both arms.
     */
    readonly labels?: {
      /**
       * Value of the label.
       */
      readonly [k: string]: string;
    };
    /**
     * Members of the group.
     *
     * @maxItems 5000
     */
    readonly devices?: readonly GroupDevice[];
    /**
     * Revoked devices. The service refuses their reports and requests.
     *
     * @maxItems 5000
     *
     * Items: Id of a revoked device. Letters, digits, `.`, `_`, `:` and `-`.
     */
    readonly deny?: readonly string[];
  };
}
/**
 * Name and purpose of the group.
 */
export interface GroupMetadata {
  /**
   * Name of the group. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Purpose of the group, for people.
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
   * The only public key with which the device may enrol (P-256, PEM). Default: the key that it enrols with first.
   */
  readonly publicKey?: string;
  /**
   * Labels of this device in addition to those of the group.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
}

/**
 * File that lists the metric providers rules may query: names, addresses and files with credentials. Keep it outside the manifests repository, so that nobody who can push there can choose where the service connects.
 */
export interface SignalProviders {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'SignalProviders';
  /**
   * Name of the document; optional.
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
     * Servers with the HTTP API of Prometheus.
     *
     * @maxItems 100
     */
    readonly prometheus?: readonly PrometheusProvider[];
    /**
     * Webhooks that judge a rollout themselves.
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
   * Name of the provider in the rules of policies. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Address of the server, without `/api/v1/query`.
   */
  readonly url: string;
  /**
   * File with the token for `Authorization: Bearer …`. Relative to this document. The file is read for each query, so it may change.
   */
  readonly bearerTokenFile?: string;
  readonly basicAuth?: BasicCredentials;
  /**
   * Timeout of one request. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * Interval between two queries of a rule. Default 15s. A number with ms, s, m, h, d or w.
   */
  readonly every?: string;
  /**
   * true: allow credentials and secrets over plain HTTP to other machines.
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
   * File with the password. Relative to this document. The file is read for each query, so it may change.
   */
  readonly passwordFile: string;
}
/**
 * Webhook that receives a POST request and answers pass, fail or undecided.
 */
export interface WebhookProvider {
  /**
   * Name of the provider in the rules of policies. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Address for the POST requests.
   */
  readonly url: string;
  /**
   * File with the secret that signs requests: HMAC-SHA256 of the body, sent as `X-Slipway-Signature-256: sha256=…`. Relative to this document. The file is read for each query, so it may change.
   */
  readonly secretFile?: string;
  /**
   * File with the token for `Authorization: Bearer …`. Relative to this document. The file is read for each query, so it may change.
   */
  readonly bearerTokenFile?: string;
  /**
   * Timeout of one request. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * Interval between two queries of a rule. Default 15s. A number with ms, s, m, h, d or w.
   */
  readonly every?: string;
  /**
   * true: allow credentials and secrets over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}

/**
 * Receivers of notifications about steps and alerts, and repositories for retraining requests. Keep this file outside the manifests repository, so that nobody who can push there can choose where the service connects.
 */
export interface Notifications {
  /**
   * Version of the document format.
   */
  readonly apiVersion: 'slipway.dev/v1alpha1';
  /**
   * Kind of the document.
   */
  readonly kind: 'Notifications';
  readonly metadata?: NotificationsMetadata;
  /**
   * Receivers, and the runbooks that alerts link to.
   */
  readonly spec: {
    /**
     * Name of this service in events (the `source` of CloudEvents), to tell it from other services with the same receiver. Default /slipway. A URI reference.
     */
    readonly source?: string;
    /**
     * Runbooks by kind of alert; `*` is for all other kinds. The runbook in the rollout's policy takes precedence.
     */
    readonly runbooks?: {
      /**
       * Address of the runbook.
       */
      readonly [k: string]: string;
    };
    /**
     * Address below which this project's runbooks (`docs/runbooks`) are read, such as a copy in your wiki: alerts and commits link `<runbookBase>/<page>.md`. Default https://slipway.dev/docs/runbooks.
     */
    readonly runbookBase?: string;
    /**
     * How long a device may run a version other than the declared one before an alert is raised, in addition to the `spread` of its policy. Default 10m, or three report intervals if that is longer. A number with ms, s, m, h, d or w.
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
    /**
     * Slack channels, and what takes messages as Slack does.
     *
     * @maxItems 20
     */
    readonly slack?: readonly ChatRoom[];
    /**
     * Teams channels with the workflow "Post to a channel when a webhook request is received".
     *
     * @maxItems 20
     */
    readonly teams?: readonly ChatRoom[];
    /**
     * Mail servers.
     *
     * @maxItems 20
     */
    readonly smtp?: readonly MailServer[];
    /**
     * Alertmanagers.
     *
     * @maxItems 20
     */
    readonly alertmanager?: readonly Alertmanager[];
    /**
     * Git hosts that show on each commit how its rollout goes.
     *
     * @maxItems 20
     */
    readonly commitStatus?: readonly CommitStatus[];
  };
}
/**
 * Name of the document; optional.
 */
export interface NotificationsMetadata {
  /**
   * Name of the document. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name?: string;
}
/**
 * Receiver of CDEvents. Events are posted in order as structured CloudEvents, each until the receiver accepts it.
 */
export interface EventWebhook {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Address for the events.
   */
  readonly url: string;
  /**
   * File with the secret that signs events: HMAC-SHA256 of the body, sent as `X-Slipway-Signature-256: sha256=…`. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly secretFile?: string;
  /**
   * File with the token for `Authorization: Bearer …`. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly bearerTokenFile?: string;
  /**
   * Topics: `rollouts` (steps), `alerts` (start and end), `retraining` (requests). Default all.
   *
   * @minItems 1
   * @maxItems 3
   *
   * Items: A topic.
   */
  readonly events?: readonly ('rollouts' | 'alerts' | 'retraining')[];
  /**
   * Names of rollouts to notify about; `*` matches any characters. Receivers with `*` also get alerts about the service. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: allow tokens over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
/**
 * GitHub repository that receives retraining requests.
 */
export interface GithubDispatch {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Owner and name.
   */
  readonly repository: string;
  /**
   * File with a token that has write access to the contents of the repository. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly tokenFile: string;
  /**
   * Address of the API: `https://<host>/api/v3` for a GitHub Enterprise Server. Default https://api.github.com.
   */
  readonly url?: string;
  /**
   * The `event_type` that triggers the workflow. Default slipway-retraining.
   */
  readonly eventType?: string;
  /**
   * Names of rollouts whose drift triggers a request; `*` matches any characters. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: allow the token over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
/**
 * Chat room that receives messages by an incoming webhook.
 */
export interface ChatRoom {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * File with the address of the webhook. Whoever has the address can write into the room, so it is kept as a secret. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly urlFile: string;
  /**
   * Topics: `rollouts` (steps), `alerts` (start and end), `retraining` (requests). Default `[alerts, retraining]`: a revert is an alert.
   *
   * @minItems 1
   * @maxItems 3
   *
   * Items: A topic.
   */
  readonly events?: readonly ('rollouts' | 'alerts' | 'retraining')[];
  /**
   * Names of rollouts to notify about; `*` matches any characters. Receivers with `*` also get alerts about the service. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Most messages a minute; what comes faster waits and is sent as one message, such as "12 more alerts". Default 10.
   */
  readonly perMinute?: number;
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: allow an address of plain HTTP on another machine.
   */
  readonly insecureHttp?: boolean;
}
/**
 * Mail server that takes messages for people.
 */
export interface MailServer {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Name of the mail server.
   */
  readonly host: string;
  /**
   * Port. Default 587 with `starttls`, 465 with `implicit`, 25 with `none`.
   */
  readonly port?: number;
  /**
   * Encryption: `starttls` begins it on the open connection and never goes on without it, `implicit` from the first byte, `none` not at all (and then without a password, but on this machine). Default starttls.
   */
  readonly tls?: 'starttls' | 'implicit' | 'none';
  /**
   * File with the certificates of a private authority (PEM). Relative to this document.
   */
  readonly caFile?: string;
  /**
   * User name, if the server asks for one.
   */
  readonly user?: string;
  /**
   * File with the password of the user. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly passwordFile?: string;
  /**
   * Sender: an address, or `Name <address>`.
   */
  readonly from: string;
  /**
   * Receivers.
   *
   * @minItems 1
   * @maxItems 50
   *
   * Items: An address, or `Name <address>`.
   */
  readonly to: readonly string[];
  /**
   * Topics: `rollouts` (steps), `alerts` (start and end), `retraining` (requests). Default `[alerts, retraining]`: a revert is an alert.
   *
   * @minItems 1
   * @maxItems 3
   *
   * Items: A topic.
   */
  readonly events?: readonly ('rollouts' | 'alerts' | 'retraining')[];
  /**
   * Names of rollouts to notify about; `*` matches any characters. Receivers with `*` also get alerts about the service. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Most messages a minute; what comes faster waits and is sent as one message, such as "12 more alerts". Default 10.
   */
  readonly perMinute?: number;
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
}
/**
 * Prometheus Alertmanager, which is told the alerts that stand: each minute, and when something changes. It groups, routes and repeats them.
 */
export interface Alertmanager {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Address of the Alertmanager; each of a cluster gets an entry of its own.
   */
  readonly url: string;
  /**
   * File with the token for `Authorization: Bearer …`. Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly bearerTokenFile?: string;
  /**
   * Labels for each alert, besides `alertname`, `service`, `severity`, `rollout`, `model` and `subject`.
   */
  readonly labels?: {
    /**
     * Value of the label.
     */
    readonly [k: string]: string;
  };
  /**
   * Names of rollouts to notify about; `*` matches any characters. Receivers with `*` also get alerts about the service. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: allow tokens over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
/**
 * Repository whose commits get a status: how the rollout goes of what the commit asked for.
 */
export interface CommitStatus {
  /**
   * Name in logs and metrics. The delivery queue is stored under this name. Lower-case letters, digits, `.`, `_` and `-`; at most 63.
   */
  readonly name: string;
  /**
   * Kind of Git host.
   */
  readonly host: 'github' | 'gitlab';
  /**
   * The manifests repository: owner and name; at GitLab with all groups.
   */
  readonly repository: string;
  /**
   * File with a token that may write commit statuses (GitHub: `commit statuses`; GitLab: `api`). Relative to this document. The file is read for each delivery, so it may change.
   */
  readonly tokenFile: string;
  /**
   * Address of the API, for a host of your own. Default https://api.github.com, https://gitlab.com/api/v4.
   */
  readonly url?: string;
  /**
   * Names of rollouts to notify about; `*` matches any characters. Receivers with `*` also get alerts about the service. Default: every rollout.
   *
   * @minItems 1
   * @maxItems 200
   *
   * Items: A name, or a pattern with `*`.
   */
  readonly rollouts?: readonly string[];
  /**
   * Timeout of one delivery. Default and maximum: 10s. A number with ms, s, m, h, d or w.
   */
  readonly timeout?: string;
  /**
   * true: allow tokens over plain HTTP to other machines.
   */
  readonly insecureHttp?: boolean;
}
