// Owns which alerts follow from which facts: what needs a person now, and what is unknown now.
import { assertNever } from '../base/errors.ts';
import type { RuleUnit } from '../documents/rules/metric-facts.ts';
import type { ArmsAlarm, RuleVerdict } from '../gates/rule-verdict.ts';
import type { SharedDevices } from './holdings.ts';
import type { ExceptedOutlook, Outlook, SilentSignal, SomeDevices } from './outlook.ts';
import type { ClaimProblem, Fix, NamedRule, StatusReason, StepReason } from './reasons.ts';

/** Every kind of alert; the words are part of metrics and events. */
export const ALERT_KINDS = [
  'stalled',
  'history-rewound',
  'status-forged',
  'evidence-missing',
  'version-refused',
  'paused',
  'deadline-held',
  'group-apart',
  'emergency-rollback',
  'signal-silent',
  'devices-off-declared',
  'targets-overlap',
  'stable-drift',
  'devices-refusing',
  'devices-on-revoked',
  'arms-differ',
  'devices-claiming',
  'reports-refused',
  'notices-lost',
  'source-away',
  'cycle-failed',
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

/** What names an alert: the same three are the same alert for as long as it stands. */
export interface AlertKey {
  readonly kind: AlertKind;
  /** Null when it is about the service as a whole. */
  readonly rollout: string | null;
  /** What tells alerts of one kind and rollout apart: a code, a rule, a digest. */
  readonly subject: string;
}

/** What an alert says, as facts. */
export type AlertFact =
  | { readonly kind: 'fix'; readonly fix: Fix; readonly isNewer: boolean }
  | { readonly kind: 'signals'; readonly silent: readonly SilentSignal[] }
  | { readonly kind: 'paused'; readonly reason: StatusReason | null }
  | {
      readonly kind: 'deadline';
      readonly stage: string | null;
      readonly open: readonly NamedRule[];
      readonly without?: SomeDevices;
    }
  | { readonly kind: 'group'; readonly exception: ExceptedOutlook }
  | { readonly kind: 'forged'; readonly problem: ClaimProblem }
  | { readonly kind: 'emergency'; readonly reason: StepReason }
  | { readonly kind: 'arms'; readonly alarm: ArmsAlarm }
  | ({ readonly kind: 'shared' } & SharedDevices)
  | { readonly kind: 'off-declared'; readonly devices: number; readonly first: readonly string[] }
  | ({ readonly kind: 'drift' } & Omit<WatchedRule, 'rollout' | 'verdict'>)
  | {
      readonly kind: 'refusing' | 'on-revoked' | 'claiming';
      readonly devices: number;
      readonly first: readonly string[];
    }
  | { readonly kind: 'evidence-missing'; readonly revisions: readonly number[] }
  | { readonly kind: 'notices-lost'; readonly target: string; readonly count: number }
  | ({ readonly kind: 'reports-refused' } & RefusedReportsFact)
  /** The error of another component, in its own words. */
  | { readonly kind: 'error'; readonly message: string; readonly remedy?: string }
  | { readonly kind: 'vanished'; readonly branch: string | null };

export interface Alert extends AlertKey {
  /** One word for programs. */
  readonly reason: string;
  readonly fact: AlertFact;
  /** Where people read what to do, as the rollout's policy says; null leaves it to the settings. */
  readonly runbook?: string | null;
}

/** Devices whose reports the service refuses now; `why` is the reason in its answers to them. */
export interface RefusedDevices {
  readonly count: number;
  readonly first: readonly { readonly device: string; readonly why: string }[];
}

export interface RefusedReportsFact {
  readonly devices: number;
  readonly first: readonly string[];
  readonly reasons: readonly string[];
}

/** `unknown`: whether these still hold is unknown now, so they stay as they are. */
export interface AlertReading {
  readonly present: readonly Alert[];
  readonly unknown: readonly AlertKey[];
}

export function alertKeyOf({ kind, rollout, subject }: AlertKey): string {
  return `${kind}\n${rollout ?? ''}\n${subject}`;
}

/** Devices of one rollout that run something else than declared, for longer than they may. */
export interface StayingOff {
  readonly rollout: string;
  /** Those that are off now, however short; none ends the alert. */
  readonly count: number;
  /** Those that stay so. */
  readonly staying: number;
  readonly first: readonly string[];
}

/** How a rule over the stable version stands. */
export interface WatchedRule {
  readonly rollout: string;
  readonly version: string;
  readonly digest: string;
  readonly rule: string;
  readonly verdict: 'pass' | 'fail' | 'undecided';
  /** What was seen; null before anything was judged. */
  readonly seen: WatchedNumbers | null;
}

export interface WatchedNumbers
  extends Pick<RuleVerdict, 'estimate' | 'lower' | 'upper' | 'limit' | 'devices' | 'trials' | 'reasons'> {
  readonly unit: RuleUnit;
  readonly listenedMs: number;
}

interface OddDevices {
  readonly count: number;
  readonly first: readonly { readonly device: string }[];
}

export interface AlertFacts {
  readonly outlooks: readonly Outlook[];
  /** Rollouts whose status at HEAD nobody authentic wrote. */
  readonly forged: readonly { readonly rollout: string; readonly problem: ClaimProblem }[];
  readonly emergencyRollbacks: readonly { readonly rollout: string; readonly reason: StepReason }[];
  readonly refusing: OddDevices;
  /** They serve a version whose signer is revoked, for want of another. */
  readonly onRevoked: OddDevices;
  /** They report for an arm, or about a version, that the directive did not give them. */
  readonly claiming: OddDevices;
  readonly refusedReports: RefusedDevices;
  readonly away: { readonly reason: string; readonly remedy?: string | null } | null;
  /** Why there is nothing to follow although the host answers; `branch` is null when it has none at all. */
  readonly vanished?: { readonly branch: string | null } | null;
  readonly trouble: { readonly code: string; readonly message: string; readonly remedy?: string | null } | null;
  readonly offDeclared: readonly StayingOff[];
  /** Devices that two rollouts of one model have. */
  readonly shared?: readonly SharedDevices[];
  readonly watched: readonly WatchedRule[];
  /** By rollout, where its policy names a page. */
  readonly runbooks: ReadonlyMap<string, string>;
}

const REWOUND = new Set(['HISTORY_REWOUND', 'STATUS_TWICE']);

function ofConditions({ rollout, conditions }: Outlook): Alert[] {
  return conditions.flatMap((condition): Alert[] => {
    const { type, reason } = condition;
    const about = { rollout, subject: reason, reason };
    switch (type) {
      case 'Stalled': {
        const fact = { kind: 'fix', fix: condition.fix, isNewer: false } as const;
        return [{ kind: REWOUND.has(reason) ? 'history-rewound' : 'stalled', ...about, fact }];
      }
      case 'SourceVerified': {
        if (condition.status) return [];
        const { fix, isNewer } = condition;
        return [{ kind: 'version-refused', ...about, fact: { kind: 'fix', fix, isNewer } }];
      }
      case 'SignalsAnswered':
        if (condition.status) return [];
        return [{ kind: 'signal-silent', ...about, fact: { kind: 'signals', silent: condition.silent } }];
      case 'Ready':
      case 'Progressing':
        return [];
      default:
        return assertNever(type);
    }
  });
}

function ofWaiting({ rollout, stage, waitingOn }: Outlook): Alert[] {
  return waitingOn.flatMap((one): Alert[] => {
    const about = { rollout, subject: stage ?? '' };
    if (one.kind === 'paused')
      return [{ kind: 'paused', ...about, reason: 'Paused', fact: { kind: 'paused', reason: one.reason } }];
    if (one.kind !== 'deadline-held') return [];
    const { rules: open, without } = one;
    const fact = { kind: 'deadline', stage, open, ...(without === undefined ? {} : { without }) } as const;
    return [{ kind: 'deadline-held', ...about, reason: 'DeadlineHeld', fact }];
  });
}

const GROUP_REASONS = { 'rolled-back': 'GroupRolledBack', held: 'GroupHeld', behind: 'GroupBehind' } as const;

function ofExceptions({ rollout, exceptions = [] }: Outlook): Alert[] {
  return exceptions.map((exception): Alert => {
    const about = { rollout, subject: exception.group, reason: GROUP_REASONS[exception.kind] };
    return { kind: 'group-apart', ...about, fact: { kind: 'group', exception } };
  });
}

function ofArms({ rollout, stage, verdict }: Outlook): Alert[] {
  const alarm = verdict?.arms;
  if (alarm === undefined) return [];
  const fact = { kind: 'arms', alarm } as const;
  return [{ kind: 'arms-differ', rollout, subject: stage ?? '', reason: 'ArmsDiffer', fact }];
}

/** A stalled rollout raises one alert: the cause of the stall. */
function ofOutlook(outlook: Outlook): Alert[] {
  const found = [...ofConditions(outlook), ...ofWaiting(outlook), ...ofExceptions(outlook), ...ofArms(outlook)];
  const isStalled = found.some((one) => one.kind === 'stalled' || one.kind === 'history-rewound');
  return isStalled ? found.filter((one) => one.kind !== 'version-refused') : found;
}

function ofOffDeclared({ rollout, staying, count, first }: StayingOff): AlertReading {
  const key = { kind: 'devices-off-declared', rollout, subject: '' } as const;
  if (staying === 0) return { present: [], unknown: count > 0 ? [key] : [] };
  const fact = { kind: 'off-declared', devices: staying, first } as const;
  return { present: [{ ...key, reason: 'OffDeclared', fact }], unknown: [] };
}

function ofWatched({ rollout, verdict, ...rule }: WatchedRule): AlertReading {
  const key = { kind: 'stable-drift', rollout, subject: `${rule.digest} ${rule.rule}` } as const;
  if (verdict === 'undecided') return { present: [], unknown: [key] };
  if (verdict === 'pass') return { present: [], unknown: [] };
  return { present: [{ ...key, reason: 'StableDrift', fact: { kind: 'drift', ...rule } }], unknown: [] };
}

function remedyIn({ remedy }: { readonly remedy?: string | null }): { readonly remedy?: string } {
  return remedy ? { remedy } : {};
}

function ofService({ refusing, onRevoked, claiming, refusedReports, away, vanished, trouble }: AlertFacts): Alert[] {
  const found: Alert[] = [];
  const add = (kind: AlertKind, reason: string, fact: AlertFact, subject = ''): void => {
    found.push({ kind, rollout: null, subject, reason, fact });
  };
  const names = ({ first }: OddDevices): string[] => [...new Set(first.map((one) => one.device))];
  const odd = [
    ['devices-refusing', 'Refusing', 'refusing', refusing],
    ['devices-on-revoked', 'OnRevoked', 'on-revoked', onRevoked],
    ['devices-claiming', 'FalseClaim', 'claiming', claiming],
  ] as const;
  for (const [alert, reason, kind, devices] of odd) {
    if (devices.count > 0) add(alert, reason, { kind, devices: devices.count, first: names(devices) });
  }
  if (refusedReports.count > 0) {
    const first = [...new Set(refusedReports.first.map(({ device }) => device))];
    const reasons = [...new Set(refusedReports.first.map(({ why }) => why))];
    add('reports-refused', 'ReportsRefused', {
      kind: 'reports-refused',
      devices: refusedReports.count,
      first,
      reasons,
    });
  }
  if (away !== null) add('source-away', 'SourceAway', { kind: 'error', message: away.reason, ...remedyIn(away) });
  if (vanished) add('source-away', 'SourceVanished', { kind: 'vanished', ...vanished });
  if (trouble !== null) {
    add('cycle-failed', trouble.code, { kind: 'error', message: trouble.message, ...remedyIn(trouble) }, trouble.code);
  }
  return found;
}

/** The alerts that the facts amount to. The same facts give the same alerts, each once. */
export function alertsOf(facts: AlertFacts): AlertReading {
  const parts: readonly AlertReading[] = [...facts.offDeclared.map(ofOffDeclared), ...facts.watched.map(ofWatched)];
  const present: Alert[] = [
    ...facts.outlooks.flatMap(ofOutlook),
    ...facts.forged.map(({ rollout, problem }): Alert => {
      const fact = { kind: 'forged', problem } as const;
      return { kind: 'status-forged', rollout, subject: '', reason: 'StatusForged', fact };
    }),
    ...facts.emergencyRollbacks.map(({ rollout, reason }): Alert => {
      const fact = { kind: 'emergency', reason } as const;
      return { kind: 'emergency-rollback', rollout, subject: '', reason: 'EmergencyRollback', fact };
    }),
    ...(facts.shared ?? []).map((shared): Alert => {
      const [rollout, subject] = shared.rollouts;
      const fact = { kind: 'shared', ...shared } as const;
      return { kind: 'targets-overlap', rollout, subject, reason: 'TargetsOverlap', fact };
    }),
    ...parts.flatMap((one) => one.present),
    ...ofService(facts),
  ];
  const once = new Map(present.map((alert) => [alertKeyOf(alert), alert]));
  const withRunbook = [...once.values()].map((alert) => {
    const runbook = alert.rollout === null ? undefined : facts.runbooks.get(alert.rollout);
    return runbook === undefined ? alert : { ...alert, runbook };
  });
  return { present: withRunbook, unknown: parts.flatMap((one) => one.unknown) };
}
