// Owns the types of the read model. Generated from schemas/*.schema.json by `npm run generate`: change those instead.

/**
 * `in-trouble`: undecided, and a rule is on the wrong side of its limit. `stalled`: it can't go on before something is mended.
 */
export type RolloutState =
  'rolling' | 'in-trouble' | 'waits-for-approval' | 'paused' | 'stalled' | 'complete' | 'reverted' | 'not-started';
/**
 * `in-trouble`: undecided, and what was observed is on the wrong side of the limit.
 */
export type RuleState = 'fail' | 'in-trouble' | 'undecided' | 'pass' | 'dry-run' | 'not-applicable';
/**
 * How a device stands with what is declared for it.
 */
export type DeviceState =
  | 'as-declared'
  | 'changing'
  | 'failed'
  | 'refusing'
  | 'contradiction'
  | 'silent'
  | 'unreachable'
  | 'denied'
  | 'not-managed';

/**
 * When an answer was true.
 */
export interface AsOf {
  /**
   * When the service looked, in milliseconds since 1970.
   */
  readonly atMs: number;
  /**
   * Commit that was read; null before the first.
   */
  readonly commit: string | null;
  /**
   * Number of the change, as in the event stream.
   */
  readonly sequence: number;
  /**
   * Number of the newest publication for devices.
   */
  readonly publication: number;
}
/**
 * A parameter that differs from those that stable runs with.
 */
export interface ParameterChange {
  readonly name: string;
  /**
   * Null where it is not set.
   */
  readonly from: string | number | boolean | null;
  readonly to: string | number | boolean | null;
}
/**
 * A version of a model, and the digest of its manifest.
 */
export interface VersionRef {
  readonly version: string;
  /**
   * Null where only the version is known.
   */
  readonly digest: string | null;
  /**
   * Where only the parameters change.
   */
  readonly parameters?: readonly ParameterChange[];
}
/**
 * How the devices of a rollout's target stand with the candidate.
 */
export interface DeviceCounts {
  /**
   * Known devices that match the target.
   */
  readonly matching: number;
  /**
   * Of them, in the stage.
   */
  readonly wanted: number;
  /**
   * Run the candidate.
   */
  readonly ready: number;
  /**
   * Of those in the stage, the ones that can take it: without incompatible, unreachable, conflicted and undelivered ones.
   */
  readonly expected: number;
  /**
   * Downloading, installing or on trial.
   */
  readonly changing: number;
  /**
   * Tried it and went back.
   */
  readonly failed: number;
  /**
   * Would not try it.
   */
  readonly refused: number;
  /**
   * The manifest excludes them.
   */
  readonly incompatible: number;
  /**
   * Took it, then fell silent.
   */
  readonly silent: number;
  /**
   * Silent before they took it.
   */
  readonly unreachable: number;
  /**
   * Reachable, and have not begun.
   */
  readonly pending: number;
  /**
   * Claimed by two rollouts.
   */
  readonly conflicted: number;
  /**
   * Hosts sent them other bytes than were published.
   */
  readonly undelivered: number;
  /**
   * In groups that are exceptions.
   */
  readonly apart: number;
  /**
   * Turned away by the fleet documents; null where that is not counted.
   */
  readonly denied: number | null;
  /**
   * Keep stable while the stage is judged.
   */
  readonly heldBack: number;
}
/**
 * Something that a person should look at or decide.
 */
export interface PersonNeed {
  readonly kind:
    | 'approval'
    | 'in-trouble'
    | 'stalled'
    | 'paused'
    | 'reverted'
    | 'provider-silent'
    | 'status-not-authentic'
    | 'conflict'
    | 'devices-refusing'
    | 'source-away'
    | 'documents'
    | 'other';
  /**
   * Null where it is about the service.
   */
  readonly rollout: string | null;
  /**
   * One or two sentences.
   */
  readonly text: string;
  readonly sinceMs: number | null;
  /**
   * Address of the runbook; null without one.
   */
  readonly runbook: string | null;
  /**
   * Where the screen shows more.
   */
  readonly href: string | null;
  /**
   * Words of the link.
   */
  readonly label: string;
}
/**
 * Devices in one state.
 */
export interface StateCount {
  readonly state: DeviceState;
  readonly count: number;
}
/**
 * The fleet in numbers.
 */
export interface FleetSummary {
  readonly enrolled: number;
  /**
   * Run what is declared for them.
   */
  readonly asDeclared: number;
  readonly states: readonly StateCount[];
  /**
   * Of enrolled devices with something declared, those that run it; null without any.
   */
  readonly share: number | null;
  /**
   * How the share is worked out, in a sentence.
   */
  readonly howCounted: string;
}
/**
 * A stage of a rollout.
 */
export interface StageRow {
  readonly name: string;
  readonly state: 'passed' | 'current' | 'waits' | 'reverted' | 'next';
  readonly devices: number | null;
  /**
   * Of the target.
   */
  readonly share: number | null;
  readonly soakMs: number | null;
  /**
   * Of the soak, as far as it counts.
   */
  readonly elapsedMs: number | null;
  /**
   * From when the stage opened.
   */
  readonly deadlineMs: number | null;
  /**
   * Name of a group that stands apart; null for the rollout itself.
   */
  readonly strand: string | null;
  /**
   * What the stage is and how it stands, in words.
   */
  readonly text: string;
}
/**
 * What the rules say together.
 */
export interface VerdictInShort {
  readonly state: 'fail' | 'in-trouble' | 'undecided' | 'pass' | 'dry-run' | 'not-applicable' | 'none';
  readonly text: string;
}
/**
 * One rollout in a line.
 */
export interface RolloutRow {
  readonly rollout: string;
  readonly model: string;
  readonly target: string;
  readonly state: RolloutState;
  /**
   * What devices run that are not in the stage.
   */
  readonly from: VersionRef | null;
  /**
   * The candidate; without one, what runs everywhere.
   */
  readonly to: VersionRef | null;
  readonly revision: number;
  /**
   * Null while nothing rolls.
   */
  readonly attempt: number | null;
  readonly stage: string | null;
  readonly stages: readonly StageRow[];
  /**
   * What is true, why, and what happens next.
   */
  readonly sentence: string;
  readonly verdict: VerdictInShort;
  /**
   * What it waits for; null for nothing.
   */
  readonly waitingFor: string | null;
  /**
   * Null while nothing rolls.
   */
  readonly devices: DeviceCounts | null;
  /**
   * When the present stage or rest began.
   */
  readonly sinceMs: number | null;
}
/**
 * A commit on the time axis.
 */
export interface CommitMark {
  readonly atMs: number;
  readonly commit: string;
  readonly letter: string;
  readonly text: string;
  readonly by: string;
  readonly kind: string;
}
/**
 * How many devices run a version.
 */
export interface VersionInField {
  /**
   * Null where only the digest, or not even that, is known.
   */
  readonly version: VersionRef | null;
  readonly role: 'stable' | 'candidate' | 'rejected' | 'before' | 'other' | 'unknown';
  readonly devices: number;
  /**
   * Devices that have it in another slot.
   */
  readonly kept: number;
  readonly text: string;
}
/**
 * Devices by version at one time.
 */
export interface AdoptionPoint {
  readonly atMs: number;
  /**
   * By version.
   */
  readonly counts: {
    readonly [k: string]: number;
  };
}
/**
 * Versions of a model that devices run.
 */
export interface ModelVersions {
  readonly model: string;
  readonly versions: readonly VersionInField[];
}
/**
 * Versions of a model that devices run, and how that changed.
 */
export interface ModelInField {
  readonly model: string;
  readonly versions: readonly VersionInField[];
  /**
   * The last 14 days.
   *
   * @maxItems 60
   */
  readonly history: readonly AdoptionPoint[];
  readonly marks: readonly CommitMark[];
}
/**
 * A provider of outside signals.
 */
export interface ProviderState {
  readonly name: string;
  readonly kind: string;
  /**
   * Does a rule of a present stage ask it?
   */
  readonly isAsked: boolean;
  /**
   * False while it gives a rule nothing that can be used.
   */
  readonly isAnswering: boolean;
  readonly sinceMs: number | null;
  readonly error: string | null;
}
/**
 * How the manifests repository stands.
 */
export interface SourceView {
  readonly kind: 'starting' | 'followed' | 'empty' | 'branch-missing' | 'away';
  readonly text: string;
  readonly sinceMs: number | null;
}
/**
 * How the service stands.
 */
export interface ServiceState {
  readonly source: SourceView;
  readonly lastCycleAtMs: number | null;
  /**
   * How long it took.
   */
  readonly lastCycleMs: number | null;
  readonly headSeenAtMs: number | null;
  /**
   * The newest publication.
   */
  readonly publication: {
    readonly sequence: number;
    readonly atMs: number | null;
    readonly expiresAtMs: number | null;
  };
  /**
   * Who writes, where several processes share a store.
   */
  readonly lease: {
    readonly holder: string;
    readonly untilMs: number | null;
  } | null;
  /**
   * Reports of devices.
   */
  readonly reports: {
    readonly perSecond: number | null;
    /**
     * Devices heard of in the last report intervals.
     */
    readonly devices: number;
  };
  readonly providers: readonly ProviderState[];
  /**
   * Documents that can't be used, and other trouble.
   */
  readonly problems: readonly string[];
  /**
   * Why the last cycle could not finish.
   */
  readonly trouble: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string | null;
  } | null;
}
/**
 * Answer of `GET /v1/overview`.
 */
export interface Overview {
  readonly asOf: AsOf;
  readonly needsPerson: readonly PersonNeed[];
  readonly fleet: FleetSummary;
  readonly rollouts: readonly RolloutRow[];
  readonly models: readonly ModelInField[];
  readonly service: ServiceState;
}
/**
 * Answer of `GET /v1/rollouts`.
 */
export interface Rollouts {
  readonly asOf: AsOf;
  readonly rollouts: readonly RolloutRow[];
}
/**
 * Answer of `GET /v1/versions`.
 */
export interface Versions {
  readonly asOf: AsOf;
  readonly models: readonly ModelVersions[];
}
/**
 * A rule at one time. Null where nothing is known.
 */
export interface RulePoint {
  readonly atMs: number;
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly baseline: number | null;
  readonly limit: number | null;
  readonly state: RuleState;
}
/**
 * A rule of the present stage.
 */
export interface RuleView {
  /**
   * As the policy has it.
   */
  readonly rule: string;
  readonly metric: string;
  readonly state: RuleState;
  readonly unit: 'ratio' | 'ms' | 'bytes' | 'celsius' | 'count' | 'per-hour' | 'divergence';
  /**
   * Side of the limit on which values are good.
   */
  readonly goodSide: 'below' | 'above' | null;
  /**
   * Observed value, in the unit.
   */
  readonly estimate: number | null;
  /**
   * Where the true value most likely is; it holds no matter how often results are checked.
   */
  readonly low: number | null;
  readonly high: number | null;
  readonly limit: number | null;
  readonly limitText: string;
  readonly baseline: {
    readonly estimate: number | null;
    readonly devices: number;
    readonly from: 'beside' | 'earlier' | 'offline';
  } | null;
  readonly valueText: string;
  /**
   * What was observed, what is allowed, what follows.
   */
  readonly sentence: string;
  /**
   * What a decision lacks, in inferences and time.
   */
  readonly missing: string | null;
  /**
   * What a fail does.
   */
  readonly onFail: string;
  /**
   * Device that stands out most.
   */
  readonly worst: string | null;
  /**
   * The value without it.
   */
  readonly withoutWorst: number | null;
  readonly decidedAtMs: number | null;
  readonly dryRun: boolean;
  /**
   * Group that the numbers are of.
   */
  readonly group: string | null;
  readonly runbook: string | null;
  /**
   * From -1, far within, over 0, the limit, to 1, far beyond.
   */
  readonly relativeToLimit: {
    readonly estimate: number | null;
    readonly low: number | null;
    readonly high: number | null;
    readonly baseline: number | null;
  };
  /**
   * Since the attempt began.
   *
   * @maxItems 60
   */
  readonly series: readonly RulePoint[];
}
/**
 * One side of the comparison.
 */
export interface ArmView {
  readonly arm: 'candidate' | 'stable';
  readonly version: VersionRef | null;
  readonly expected: number | null;
  readonly reporting: number;
  readonly inferences: number | null;
  /**
   * Items: Devices that are not compared.
   */
  readonly leftOut: {
    readonly why: string;
    readonly count: number;
  }[];
}
/**
 * A rule on a group of devices.
 */
export interface GroupCell {
  readonly rule: string;
  readonly text: string;
  readonly state: 'fail' | 'in-trouble' | 'undecided' | 'pass' | 'dry-run' | 'not-applicable' | 'too-few';
  /**
   * As `relativeToLimit`.
   */
  readonly nearness: number | null;
}
/**
 * Groups of devices by a label, and the rules on each.
 */
export interface GroupTable {
  readonly by: string;
  readonly rules: readonly string[];
  /**
   * Items: A group.
   */
  readonly rows: {
    readonly value: string;
    readonly devices: number;
    readonly cells: readonly GroupCell[];
  }[];
}
/**
 * Failures of one kind.
 */
export interface ErrorCount {
  readonly kind: string;
  readonly count: number;
  /**
   * The group in which most are.
   */
  readonly where: string | null;
}
/**
 * Devices that weigh most in a rule.
 */
export interface Weighing {
  readonly metric: string;
  /**
   * Items: A device.
   */
  readonly devices: {
    readonly device: string;
    readonly group: string | null;
    readonly value: number | null;
    readonly text: string;
    /**
     * The rule's value without it.
     */
    readonly without: number | null;
  }[];
}
/**
 * A commit that changed a rollout: a step of the reconciler, or a person's.
 */
export interface HistoryRow {
  readonly rollout: string;
  /**
   * Null where the clone that was read does not have it.
   */
  readonly commit: string | null;
  readonly revision: number | null;
  /**
   * `8 canary→ramp`; null of a person's commit.
   */
  readonly transition: string | null;
  /**
   * Kind of the step; `person` of a commit by people.
   */
  readonly kind: string;
  readonly atMs: number;
  readonly by: string;
  readonly version: string | null;
  /**
   * What it does, such as `revert 1.4.0 to 1.3.0`.
   */
  readonly what: string;
  /**
   * Why, in one line.
   */
  readonly reason: string;
  /**
   * Items: A stage then.
   */
  readonly stages: {
    readonly stage: string;
    readonly text: string;
    readonly state: string;
  }[];
  /**
   * Its file; null where there is none that the commit names.
   */
  readonly evidence: string | null;
  /**
   * Why there is none; null where there is one, and of a person's commit.
   */
  readonly evidenceMissing: 'missing' | 'unreadable' | 'of-another-step' | null;
  readonly signature: 'verified' | 'not-verified' | 'unsigned' | 'unknown';
  /**
   * Why it is not verified; null where it is, or nobody can tell.
   */
  readonly signatureReason: string | null;
}
/**
 * Answer of `GET /v1/rollouts/{name}/history`: newest first.
 */
export interface HistoryPage {
  readonly rows: readonly HistoryRow[];
  /**
   * Cursor of the next page; null on the last.
   */
  readonly next: string | null;
  /**
   * Earlier commits are missing where it was read.
   */
  readonly isCut: boolean;
}
/**
 * Something that happened.
 */
export interface PostmortemEvent {
  readonly atMs: number;
  /**
   * `step` by the reconciler, `person`: a commit, `wish`: the commit that asked for the version.
   */
  readonly kind: 'wish' | 'step' | 'person';
  readonly what: string;
  readonly note: string;
  readonly by: string | null;
  readonly commit: string | null;
  readonly revision: number | null;
}
/**
 * What a step was decided on: each rule with its numbers then.
 */
export interface PostmortemLook {
  readonly atMs: number;
  readonly revision: number;
  readonly stage: string;
  readonly what: string;
  readonly inferences: number | null;
  readonly rules: readonly RuleView[];
}
/**
 * What happened to one attempt of a rollout, from Git and evidence alone. Answer of `GET /v1/rollouts/{name}/postmortem`.
 */
export interface Postmortem {
  readonly rollout: string;
  readonly model: string;
  /**
   * Of the step that ended it, or of its newest.
   */
  readonly revision: number;
  readonly attempt: number | null;
  /**
   * The head that it was read at.
   */
  readonly commit: string;
  readonly outcome: 'reverted' | 'withdrawn' | 'superseded' | 'complete' | 'under-way';
  readonly version: VersionRef;
  /**
   * What devices went back to, or ran before.
   */
  readonly stable: VersionRef | null;
  readonly sentence: string;
  /**
   * What people ask first.
   *
   * Items: A number with its name.
   */
  readonly facts: {
    readonly label: string;
    readonly value: string;
    readonly note: string;
  }[];
  /**
   * Oldest first.
   */
  readonly timeline: readonly PostmortemEvent[];
  /**
   * Oldest first; the last one decided.
   */
  readonly looks: readonly PostmortemLook[];
  /**
   * Rules that failed.
   */
  readonly failed: readonly string[];
  /**
   * Who had it, as far as evidence says.
   */
  readonly devices: {
    readonly had: number | null;
    readonly wanted: number | null;
    readonly matching: number | null;
    /**
     * What became of them.
     */
    readonly back: string;
    /**
     * Items: A device with a problem.
     */
    readonly troubled: {
      readonly device: string;
      readonly text: string;
    }[];
  };
  /**
   * Where it is worst; null where no group stands out.
   */
  readonly likelyGroup: {
    readonly group: string;
    readonly text: string;
  } | null;
  /**
   * What people did meanwhile, oldest first.
   */
  readonly people: readonly HistoryRow[];
  /**
   * The step that ended it.
   */
  readonly step: {
    readonly commit: string | null;
    readonly message: string;
    readonly evidence: string | null;
    readonly signature: 'verified' | 'not-verified' | 'unsigned' | 'unknown';
    readonly commands: readonly string[];
  } | null;
  readonly runbook: string | null;
  /**
   * What is next.
   */
  readonly next: {
    readonly text: string;
    readonly command: string | null;
  };
  /**
   * What only people can tell.
   */
  readonly gaps: readonly string[];
  /**
   * What could not be read, and why.
   */
  readonly missing: readonly string[];
}
/**
 * Durations, in short.
 */
export interface Spread {
  readonly count: number;
  readonly medianMs: number;
  readonly p90Ms: number;
}
/**
 * How delivery went, over attempts that ended in the period.
 */
export interface FigureRow {
  readonly name: string;
  readonly started: number;
  readonly completed: number;
  /**
   * Attempts that were rolled back or withdrawn.
   */
  readonly takenBack: number;
  /**
   * Attempts that gave way to another wish: neither success nor failure.
   */
  readonly superseded: number;
  /**
   * Completed attempts a week; null for less than a day.
   */
  readonly perWeek: number | null;
  /**
   * From the commit that asked for the version to the commit that made it stable.
   */
  readonly leadTime: Spread | null;
  /**
   * Taken back, of those taken back or completed; null where none was.
   */
  readonly changeFailureRate: number | null;
  /**
   * From the commit that started the version to the one that took it back.
   */
  readonly timeToRestore: Spread | null;
  /**
   * Why attempts were taken back, the most frequent first.
   *
   * Items: A reason.
   */
  readonly reasons: {
    readonly reason: string;
    readonly count: number;
  }[];
}
/**
 * Delivery figures. Answer of `GET /v1/figures`.
 */
export interface Figures {
  /**
   * The head that they were read at.
   */
  readonly commit: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /**
   * Earlier commits are missing where it was read.
   */
  readonly isCut: boolean;
  readonly all: FigureRow;
  readonly rollouts: readonly FigureRow[];
  readonly models: readonly FigureRow[];
  /**
   * By month in UTC, oldest first.
   */
  readonly months: readonly FigureRow[];
}
/**
 * Something that a person can ask of a rollout.
 */
export interface ActView {
  readonly act: 'approve' | 'promote' | 'pause' | 'resume' | 'abort' | 'retry' | 'undo' | 'set';
  readonly group: string | null;
  readonly isAllowed: boolean;
  /**
   * Why not; null when it is allowed.
   */
  readonly why: string | null;
  /**
   * Command line that does the same.
   */
  readonly command: string;
  readonly label: string;
  /**
   * What it does.
   */
  readonly note: string;
  /**
   * May the screen do it? Approvals are by command line alone.
   */
  readonly byButton: boolean;
}
/**
 * Answer of `GET /v1/rollouts/{name}`.
 */
export interface RolloutView {
  readonly asOf: AsOf;
  readonly rollout: string;
  readonly model: string;
  readonly target: string;
  readonly state: RolloutState;
  /**
   * What devices run that are not in the stage.
   */
  readonly from: VersionRef | null;
  /**
   * The candidate; without one, what runs everywhere.
   */
  readonly to: VersionRef | null;
  readonly revision: number;
  /**
   * Null while nothing rolls.
   */
  readonly attempt: number | null;
  readonly stage: string | null;
  readonly stages: readonly StageRow[];
  /**
   * What is true, why, and what happens next.
   */
  readonly sentence: string;
  readonly verdict: VerdictInShort;
  /**
   * What it waits for; null for nothing.
   */
  readonly waitingFor: string | null;
  /**
   * Null while nothing rolls.
   */
  readonly devices: DeviceCounts | null;
  /**
   * When the present stage or rest began.
   */
  readonly sinceMs: number | null;
  readonly policy: string;
  readonly rules: readonly RuleView[];
  readonly arms: readonly ArmView[];
  readonly groups: readonly GroupTable[];
  readonly errors: readonly ErrorCount[];
  readonly weighing: Weighing | null;
  readonly history: readonly HistoryRow[];
  readonly marks: readonly CommitMark[];
  readonly acts: readonly ActView[];
  /**
   * The stage in sentences.
   */
  readonly explanation: string;
  /**
   * Items: A device with a problem.
   */
  readonly troubled: {
    readonly device: string;
    readonly text: string;
  }[];
  /**
   * What was taken back last, until another version starts.
   */
  readonly rejected: {
    readonly version: VersionRef;
    readonly text: string;
    readonly commit: string | null;
  } | null;
  readonly runbook: string | null;
  /**
   * Folder of the newest evidence.
   */
  readonly evidence: string | null;
}
/**
 * What a device runs of a model.
 */
export interface RunningVersion {
  readonly model: string;
  readonly version: string | null;
  readonly digest: string | null;
}
/**
 * One device in a line.
 */
export interface DeviceRow {
  readonly device: string;
  readonly state: DeviceState;
  /**
   * Why, in words.
   */
  readonly text: string | null;
  /**
   * Models as declared.
   */
  readonly asDeclared: number;
  /**
   * Models that are declared for it.
   */
  readonly declared: number;
  /**
   * Stages that it is in, such as `canary of produce-scan`.
   */
  readonly in: readonly string[];
  readonly labels: {
    readonly [k: string]: string;
  };
  readonly lastSeenAtMs: number | null;
  /**
   * Of its answers in the last hour.
   */
  readonly errorShare: number | null;
  readonly runs: readonly RunningVersion[];
  /**
   * Its reports are signed by its key. Those of a device without an agent are not, and never judged.
   */
  readonly isSigned: boolean;
}
/**
 * Values of a label, with the number of devices.
 */
export interface Facet {
  readonly label: string;
  /**
   * Items: A value.
   */
  readonly values: {
    readonly value: string;
    readonly count: number;
  }[];
}
/**
 * Devices that run a version.
 */
export interface VersionCount {
  readonly model: string;
  readonly version: string;
  /**
   * Null where the device does not say.
   */
  readonly digest: string | null;
  readonly count: number;
}
/**
 * Devices in one arm of a rollout.
 */
export interface ArmCount {
  readonly rollout: string;
  /**
   * Null of the stable arm.
   */
  readonly stage: string | null;
  readonly arm: 'candidate' | 'stable';
  readonly count: number;
}
/**
 * Answer of `GET /v1/devices`.
 */
export interface Devices {
  readonly asOf: AsOf;
  readonly devices: readonly DeviceRow[];
  /**
   * Cursor of the next page; null on the last.
   */
  readonly next: string | null;
  readonly counts: readonly StateCount[];
  readonly facets: readonly Facet[];
  /**
   * Devices that the filters leave.
   */
  readonly total: number;
  /**
   * Devices that the filters leave, by the version that they run; the most frequent of each model first.
   */
  readonly versions: readonly VersionCount[];
  /**
   * Devices that the filters leave, by what rollouts give them.
   */
  readonly arms: readonly ArmCount[];
}
/**
 * A device that had a version, from when until when.
 */
export interface ExposureRow {
  readonly device: string;
  readonly model: string;
  readonly version: string | null;
  /**
   * Null where only a plain report names the version.
   */
  readonly digest: string | null;
  /**
   * When the device was heard last before, without the version: it took it between then and `fromMs`.
   */
  readonly afterMs: number;
  /**
   * When the report came that showed it first.
   */
  readonly fromMs: number;
  /**
   * When the report came that showed another; null while none did.
   */
  readonly untilMs: number | null;
  /**
   * `declared`: by a signed report, of a version that a directive names. `claimed`: of one that none names. `plain`: by a report that nothing signs.
   */
  readonly how: 'declared' | 'claimed' | 'plain';
}
/**
 * Answer of `GET /v1/exposure`.
 */
export interface Exposure {
  readonly rows: readonly ExposureRow[];
  readonly next: string | null;
}
/**
 * How many devices had run the version by then, and how many of them had left it for good.
 */
export interface PatchingPoint {
  readonly atMs: number;
  readonly exposed: number;
  readonly left: number;
}
/**
 * Answer of `GET /v1/exposure/patching`: how devices leave a version.
 */
export interface Patching {
  /**
   * @maxItems 60
   */
  readonly points: readonly PatchingPoint[];
  /**
   * Devices that ran it until the end of the span.
   */
  readonly exposed: number;
  /**
   * Of them, those that run it no more.
   */
  readonly left: number;
  /**
   * `left` of `exposed`; null where nobody ran it.
   */
  readonly share: number | null;
  /**
   * When half of them had left it, to one point; null before.
   */
  readonly halfMs: number | null;
  /**
   * When 95% of them had left it, to one point; null before.
   */
  readonly mostMs: number | null;
}
/**
 * What became of one plain report: `accepted`, `duplicate`, or `rejected` with a code and why.
 */
export interface PlainAnswer {
  readonly kind: 'accepted' | 'duplicate' | 'rejected';
  readonly code?: string;
  readonly message?: string;
}
/**
 * A slot of a device.
 */
export interface DeviceSlot {
  readonly slot: string;
  readonly version: string | null;
  readonly digest: string | null;
  readonly state: string;
}
/**
 * What became of a version on a device.
 */
export interface DeviceOutcomeView {
  readonly rollout: string;
  readonly version: string | null;
  readonly digest: string;
  readonly kind: string;
  readonly attempt: number;
  readonly reason: string | null;
  readonly text: string;
  readonly atMs: number;
}
/**
 * A model on a device.
 */
export interface DeviceModel {
  readonly model: string;
  readonly rollout: string | null;
  readonly declared: VersionRef | null;
  readonly running: VersionRef | null;
  readonly isSame: boolean;
  readonly arm: 'candidate' | 'stable' | 'apart' | 'held-back' | 'none';
  /**
   * Why it is in that arm.
   */
  readonly why: string;
  readonly bucket: number | null;
  readonly cut: number | null;
  readonly slots: readonly DeviceSlot[];
  readonly outcomes: readonly DeviceOutcomeView[];
  /**
   * A command that gives the bucket's first 48 bits, to divide by 2^48; null where no bucket decides.
   */
  readonly workOut: string | null;
}
/**
 * Answer of `GET /v1/devices/{id}`.
 */
export interface DeviceView {
  readonly asOf: AsOf;
  readonly device: string;
  readonly state: DeviceState;
  /**
   * Why, in words.
   */
  readonly text: string | null;
  /**
   * Models as declared.
   */
  readonly asDeclared: number;
  /**
   * Models that are declared for it.
   */
  readonly declared: number;
  /**
   * Rollouts in whose stage it is.
   */
  readonly in: readonly string[];
  readonly labels: {
    readonly [k: string]: string;
  };
  readonly lastSeenAtMs: number | null;
  readonly errorShare: number | null;
  readonly runs: readonly RunningVersion[];
  readonly models: readonly DeviceModel[];
  /**
   * Items: A label, and who says so.
   */
  readonly labelSources: {
    readonly name: string;
    readonly value: string;
    readonly source: 'token' | 'documents' | 'stated' | 'contradicted';
  }[];
  /**
   * Who the device is.
   */
  readonly identity: {
    readonly enrolledAtMs: number | null;
    readonly epoch: number;
    /**
     * Name of its public key: base64 of the SHA-256 of its SubjectPublicKeyInfo.
     */
    readonly key: string;
    readonly newestSequence: number;
    readonly agent: string | null;
    readonly platform: string | null;
    readonly properties: {
      readonly [k: string]: string | number;
    };
  };
  readonly refusals: readonly string[];
  readonly claims: readonly string[];
  /**
   * @maxItems 60
   *
   * Items: An interval of its reports.
   */
  readonly recent: {
    readonly atMs: number;
    readonly inferences: number | null;
    readonly errors: number | null;
    readonly latencyP95Ms: number | null;
    readonly unknown: number | null;
    readonly cpu: number | null;
    readonly memory: number | null;
    readonly temperature: number | null;
    readonly disk: number | null;
  }[];
  readonly changes: readonly ExposureRow[];
  /**
   * Items: A failure.
   */
  readonly failures: {
    readonly atMs: number;
    readonly kind: string;
    readonly text: string;
  }[];
  /**
   * Its reports are signed by its key. Those of a device without an agent are not, and never judged.
   */
  readonly isSigned: boolean;
}
