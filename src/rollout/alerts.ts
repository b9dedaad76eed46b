// Owns which alerts follow from which facts: what needs a person now, and what can't be told now.

import { asReason } from '../base/plain-text.ts';
import { listed } from '../wording/amounts.ts';
import { exceptionInWords } from '../wording/exception-in-words.ts';
import type { Outlook } from './outlook.ts';

/** Every kind of alert, with what it means; the words are part of metrics and events. */
export const ALERT_KINDS = {
  stalled: "A rollout can't go on until someone mends a document, a signature or a policy.",
  'history-rewound': 'The branch went back behind what was seen or published; `slipway adopt` accepts it.',
  'status-forged': "A status that the reconciler did not write stood in a rollout's file; it is put back.",
  'version-refused': 'A wished or newer version may not be used: its signature or signer does not allow it.',
  paused: 'A stage failed and its policy stops there: someone has to decide.',
  'deadline-held': 'A stage reached its deadline undecided and is held.',
  'group-apart': 'A group of devices does not go along with its rollout: it went back alone, is held, or is behind.',
  'emergency-rollback': 'A rollback could not be pushed in time and was published before its commit.',
  'signal-silent': 'A provider that a rule asks gives nothing that can be used; the rule stays undecided.',
  'devices-off-declared': 'Devices have been running something else than declared for too long.',
  'stable-drift': 'The version that is fully out breaks a rule that it is watched by.',
  'devices-refusing': "Devices don't believe the directive, or a model that it names.",
  'source-away': "The manifests repository can't be read.",
  'cycle-failed': "The reconciler's last cycle did not finish.",
} as const satisfies Readonly<Record<string, string>>;

export type AlertKind = keyof typeof ALERT_KINDS;

/** What names an alert: the same three are the same alert for as long as it stands. */
export interface AlertKey {
  readonly kind: AlertKind;
  /** Null when it is about the service as a whole. */
  readonly rollout: string | null;
  /** What tells alerts of one kind and rollout apart: a code, a rule, a digest. */
  readonly subject: string;
}

export interface Alert extends AlertKey {
  /** One word for programs. */
  readonly reason: string;
  /** A sentence for people, on one line. */
  readonly message: string;
  /** Numbers that go with it, for programs. */
  readonly numbers?: Readonly<Record<string, number | string | null>>;
  /** Where people read what to do, as the rollout's policy says; null leaves it to the settings. */
  readonly runbook?: string | null;
}

/** `unknown`: whether these stand can't be told now, so they stay as they are. */
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
  /** What was seen, in words. */
  readonly message: string;
  readonly numbers: Readonly<Record<string, number | string | null>>;
}

export interface AlertFacts {
  readonly outlooks: readonly Outlook[];
  /** Rollouts whose status at HEAD nobody authentic wrote. */
  readonly forged: readonly { readonly rollout: string; readonly reason: string }[];
  readonly emergencyRollbacks: readonly { readonly rollout: string; readonly reason: string }[];
  readonly refusing: { readonly count: number; readonly first: readonly { readonly device: string }[] };
  readonly away: { readonly reason: string } | null;
  readonly trouble: { readonly code: string; readonly message: string } | null;
  readonly offDeclared: readonly StayingOff[];
  readonly watched: readonly WatchedRule[];
  /** By rollout, where its policy names a page. */
  readonly runbooks: ReadonlyMap<string, string>;
}

const REWOUND = new Set(['HISTORY_REWOUND', 'STATUS_TWICE']);

function ofConditions({ rollout, conditions }: Outlook): Alert[] {
  return conditions.flatMap(({ type, status, reason, message }): Alert[] => {
    const about = { rollout, subject: reason, reason, message: asReason(message) };
    if (type === 'Stalled' && status) return [{ kind: REWOUND.has(reason) ? 'history-rewound' : 'stalled', ...about }];
    if (type === 'SourceVerified' && !status) return [{ kind: 'version-refused', ...about }];
    if (type === 'SignalsAnswered' && !status) return [{ kind: 'signal-silent', ...about }];
    return [];
  });
}

function ofWaiting({ rollout, stage, waitingOn }: Outlook): Alert[] {
  return waitingOn.flatMap((one): Alert[] => {
    if (one.kind === 'paused')
      return [{ kind: 'paused', rollout, subject: stage ?? '', reason: 'Paused', message: asReason(one.reason) }];
    if (one.kind !== 'deadline-held') return [];
    const open = one.rules.length === 0 ? 'its minimum is not reached' : `open: ${listed(one.rules, 'and', 3)}`;
    const message = asReason(`"${stage}" reached its deadline undecided; ${open}`);
    return [{ kind: 'deadline-held', rollout, subject: stage ?? '', reason: 'DeadlineHeld', message }];
  });
}

function ofExceptions({ rollout, exceptions = [] }: Outlook): Alert[] {
  return exceptions.map((one): Alert => {
    const reason = { 'rolled-back': 'GroupRolledBack', held: 'GroupHeld', behind: 'GroupBehind' }[one.kind];
    const message = asReason(`${exceptionInWords(one)}: ${one.reason}`);
    return { kind: 'group-apart', rollout, subject: one.group, reason, message };
  });
}

/** A stalled wish is told once: by what stalls it. */
function ofOutlook(outlook: Outlook): Alert[] {
  const found = [...ofConditions(outlook), ...ofWaiting(outlook), ...ofExceptions(outlook)];
  const isStalled = found.some((one) => one.kind === 'stalled' || one.kind === 'history-rewound');
  return isStalled ? found.filter((one) => one.kind !== 'version-refused') : found;
}

function ofOffDeclared({ rollout, staying, count, first }: StayingOff): AlertReading {
  const key = { kind: 'devices-off-declared', rollout, subject: '' } as const;
  if (staying === 0) return { present: [], unknown: count > 0 ? [key] : [] };
  const what = staying === 1 ? 'device keeps' : 'devices keep';
  const message = asReason(`${staying} ${what} running something else than declared: ${listed(first, 'and', 10)}`);
  return { present: [{ ...key, reason: 'OffDeclared', message, numbers: { devices: staying } }], unknown: [] };
}

function ofWatched(one: WatchedRule): AlertReading {
  const key = { kind: 'stable-drift', rollout: one.rollout, subject: `${one.digest} ${one.rule}` } as const;
  if (one.verdict === 'undecided') return { present: [], unknown: [key] };
  if (one.verdict === 'pass') return { present: [], unknown: [] };
  const numbers = { rule: one.rule, version: one.version, digest: one.digest, ...one.numbers };
  return { present: [{ ...key, reason: 'StableDrift', message: asReason(one.message), numbers }], unknown: [] };
}

function ofService({ refusing, away, trouble }: AlertFacts): Alert[] {
  const found: Alert[] = [];
  const add = (kind: AlertKind, reason: string, message: string, subject = ''): void => {
    found.push({ kind, rollout: null, subject, reason, message: asReason(message) });
  };
  if (refusing.count > 0) {
    const names = refusing.first.map((one) => one.device);
    const who = refusing.count === 1 ? 'device refuses' : 'devices refuse';
    const message = `${refusing.count} ${who} what is published: ${listed([...new Set(names)], 'and', 10)}`;
    add('devices-refusing', 'Refusing', message);
  }
  if (away !== null) add('source-away', 'SourceAway', away.reason);
  if (trouble !== null) add('cycle-failed', trouble.code, trouble.message, trouble.code);
  return found;
}

/** The alerts that the facts amount to. The same facts give the same alerts, each once. */
export function alertsOf(facts: AlertFacts): AlertReading {
  const parts: readonly AlertReading[] = [...facts.offDeclared.map(ofOffDeclared), ...facts.watched.map(ofWatched)];
  const present: Alert[] = [
    ...facts.outlooks.flatMap(ofOutlook),
    ...facts.forged.map(({ rollout, reason }): Alert => {
      const message = asReason(`the status was not written by the reconciler and is put back (${reason})`);
      return { kind: 'status-forged', rollout, subject: '', reason: 'StatusForged', message };
    }),
    ...facts.emergencyRollbacks.map(({ rollout, reason }): Alert => {
      return {
        kind: 'emergency-rollback',
        rollout,
        subject: '',
        reason: 'EmergencyRollback',
        message: asReason(reason),
      };
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
