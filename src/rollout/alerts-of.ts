// Owns which alerts follow from which facts: what needs a person now, and what is unknown now.
import { assertNever } from '../base/errors.ts';
import {
  type Alert,
  type AlertFact,
  type AlertFacts,
  type AlertKind,
  type AlertReading,
  alertKeyOf,
  type OddDevices,
  type RevertedRollout,
  type StayingOff,
  type WatchedRule,
} from './alerts.ts';
import type { Outlook } from './outlook.ts';

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
    if (one.kind === 'approval') {
      const { approvers, have, need } = one;
      const fact = { kind: 'approval', stage, approvers, have, need } as const;
      return [{ kind: 'waits-for-approval', ...about, reason: 'WaitsForApproval', fact }];
    }
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

/** Whether a revert is over is unknown while another attempt rolls: it ends when that one is complete. */
function ofReverted({ rollout, revert, open, runbook }: RevertedRollout): AlertReading {
  const keyOf = (revision: number) => ({ kind: 'reverted', rollout, subject: String(revision) }) as const;
  const unknown = open.map(keyOf);
  if (revert === null) return { present: [], unknown };
  const fact = { kind: 'reverted', ...revert } as const;
  const page = runbook === null ? {} : { runbook };
  return { present: [{ ...keyOf(revert.revision), reason: 'Reverted', fact, ...page }], unknown };
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
  const parts: readonly AlertReading[] = [
    ...facts.offDeclared.map(ofOffDeclared),
    ...facts.watched.map(ofWatched),
    ...(facts.reverted ?? []).map(ofReverted),
  ];
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
    return runbook === undefined || alert.runbook !== undefined ? alert : { ...alert, runbook };
  });
  return { present: withRunbook, unknown: parts.flatMap((one) => one.unknown) };
}
