// Owns what needs a person now: the alerts that stand, approvals, and rules in trouble.

import { toIsoSeconds } from '../../base/clock.ts';
import { asSentence, oneLine } from '../../base/plain-text.ts';
import type { AlertRecord } from '../../rollout/alert-book.ts';
import { alertInWords, alertRemedy } from '../../wording/alerts-in-words.ts';
import { waitInWords } from '../../wording/plan-in-words.ts';
import { MOST_NAME, MOST_TEXT, text, textOrNull } from './bounded.ts';
import type { CycleFacts } from './cycle-facts.ts';
import type { PersonNeed, RolloutRow } from './types.generated.ts';

type NeedKind = PersonNeed['kind'];

const KINDS: Readonly<Record<string, NeedKind>> = {
  stalled: 'stalled',
  'history-rewound': 'stalled',
  'deadline-held': 'stalled',
  'version-refused': 'stalled',
  'status-forged': 'status-not-authentic',
  'evidence-missing': 'status-not-authentic',
  paused: 'paused',
  reverted: 'reverted',
  'emergency-rollback': 'reverted',
  'waits-for-approval': 'approval',
  'signal-silent': 'provider-silent',
  'provider-silent': 'provider-silent',
  'silent-provider': 'provider-silent',
  'targets-overlap': 'conflict',
  'stable-drift': 'in-trouble',
  'devices-refusing': 'devices-refusing',
  'devices-on-revoked': 'devices-refusing',
  'reports-refused': 'devices-refusing',
  'source-away': 'source-away',
};

/** What its button says, from the most urgent on. */
const LABELS: Readonly<Record<NeedKind, string>> = {
  approval: 'Review it',
  'in-trouble': 'Look at the rules',
  stalled: 'See why',
  paused: 'See why',
  reverted: 'See why',
  'provider-silent': 'See the rules',
  'status-not-authentic': 'See the history',
  conflict: 'See the rollout',
  'devices-refusing': 'See the devices',
  'source-away': 'See the service',
  documents: 'See what to fix',
  other: 'Look at it',
};

const ORDER = Object.keys(LABELS);
const MOST_NEEDS = 200;

export function hrefOf(rollout: string | null): string {
  return rollout === null ? '/service' : `/rollouts/${encodeURIComponent(rollout)}`;
}

function need(kind: NeedKind, rollout: string | null, words: string, more: Partial<PersonNeed> = {}): PersonNeed {
  return {
    ...{ kind, rollout: rollout === null ? null : text(rollout, MOST_NAME), text: text(words, MOST_TEXT) },
    ...{ sinceMs: null, runbook: null, href: hrefOf(rollout), label: LABELS[kind], ...more },
  };
}

/** Where its button leads, where that is not the rollout. */
function placeOf({ kind, rollout }: AlertRecord): Pick<PersonNeed, 'href'> | undefined {
  if (kind === 'reverted' && rollout !== null) return { href: `${hrefOf(rollout)}/reverted` };
  if (KINDS[kind] !== 'devices-refusing') return undefined;
  return { href: kind === 'devices-refusing' ? '/devices?state=refusing' : '/devices' };
}

function ofAlert(alert: AlertRecord): PersonNeed {
  const remedy = alertRemedy(alert);
  const { silenced } = alert;
  const kept =
    silenced === undefined
      ? ''
      : ` Silenced until ${toIsoSeconds(silenced.untilMs)} by ${oneLine(silenced.by)}: ${asSentence(silenced.reason)}`;
  const words = `${asSentence(alertInWords(alert))}${remedy === null ? '' : ` ${asSentence(remedy)}`}${kept}`;
  const sinceMs = alert.raisedAtMs ?? alert.sinceMs;
  const more = { sinceMs, runbook: textOrNull(alert.runbook), ...placeOf(alert) };
  return need(KINDS[alert.kind] ?? 'other', alert.rollout, words, more);
}

function ofRow(row: RolloutRow, { outlooks }: CycleFacts): PersonNeed[] {
  if (row.state === 'in-trouble') return [need('in-trouble', row.rollout, row.sentence, { sinceMs: row.sinceMs })];
  const outlook = outlooks.find((one) => text(one.rollout, MOST_NAME) === row.rollout);
  const approval = outlook?.waitingOn.find(({ kind }) => kind === 'approval');
  if (row.state !== 'waits-for-approval' || approval === undefined) return [];
  return [need('approval', row.rollout, asSentence(`it waits for ${waitInWords(approval)}`), { sinceMs: row.sinceMs })];
}

/** What people should look at, the most urgent first; each kind once for a rollout. */
export function personNeeds(cycle: CycleFacts, rows: readonly RolloutRow[], problems: readonly string[]): PersonNeed[] {
  const raised = cycle.alerts.filter(({ raisedAtMs, goneSinceMs }) => raisedAtMs !== null && goneSinceMs === null);
  const [document] = problems;
  const ofDocuments =
    document === undefined
      ? []
      : [
          need(
            'documents',
            null,
            problems.length === 1 ? document : `${problems.length} documents can't be used: ${document}`,
          ),
        ];
  const all = [...rows.flatMap((row) => ofRow(row, cycle)), ...raised.map(ofAlert), ...ofDocuments];
  const once = new Map<string, PersonNeed>();
  for (const one of all) {
    const key = one.rollout === null || one.kind === 'other' ? `${one.kind} ${one.text}` : `${one.kind} ${one.rollout}`;
    if (!once.has(key)) once.set(key, one);
  }
  return [...once.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)).slice(0, MOST_NEEDS);
}
