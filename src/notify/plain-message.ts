// Owns what a notice says to people, before any target's form: plain text on single lines, and addresses apart from it.
import { toIsoSeconds } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import type { AlertNotice, Notice, RetrainingNotice, StepNotice } from './notice.ts';

export interface PlainMessage {
  /** The same for the same notices, however often they are sent. */
  readonly id: string;
  readonly title: string;
  readonly lines: readonly string[];
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly links: readonly (readonly [label: string, url: string])[];
}

const MOST_TITLE = 140;
const MOST_LINE = 1_000;
const MOST_FACT = 300;
/** Of the notices of a digest, so many are named. */
const MOST_NAMED = 20;

function line(text: string, most = MOST_LINE): string {
  return clipped(oneLine(text), most);
}

/** Only what a browser opens safely is a link; anything else is left out. */
function link(label: string, url: string | null | undefined): (readonly [string, string])[] {
  if (!url || !URL.canParse(url)) return [];
  const { protocol, href } = new URL(url);
  return protocol === 'https:' || protocol === 'http:' ? [[label, href.replaceAll("'", '%27')]] : [];
}

function fact(label: string, value: unknown): (readonly [string, string])[] {
  return typeof value === 'string' && value !== '' ? [[label, line(value, MOST_FACT)]] : [];
}

type Said = Omit<PlainMessage, 'id'>;

function ofAlert(alert: AlertNotice): Said {
  const { is, alertKind, rollout, message, remedy, sinceMs, runbook, commit, numbers } = alert;
  const what = alertKind.replaceAll('-', ' ');
  const about = rollout ?? 'the service';
  return {
    title: line(`${alert.isTest ? 'TEST: ' : ''}${is === 'raised' ? 'Alert' : 'Over'}: ${about}: ${what}`, MOST_TITLE),
    lines: [line(message), ...(remedy === undefined ? [] : [line(`What to do: ${remedy}`)])],
    facts: [
      ...fact('Rule', numbers.rule),
      ...fact('Commit', commit),
      ...fact('Since', toIsoSeconds(sinceMs)),
      ...fact('Alert', alert.alert),
    ],
    links: [...link('Runbook', runbook), ...link('Rollout', alert.link)],
  };
}

function ofStep(step: StepNotice): Said {
  const { rollout, from, to, subject, reason, commit, runbook, revision } = step;
  const version = subject === null ? '' : ` ${subject.version}`;
  return {
    title: line(`${rollout}: ${step.step}${version}: ${from} → ${to}`, MOST_TITLE),
    lines: [line(reason)],
    facts: [...fact('Commit', commit), ...fact('Revision', String(revision))],
    links: [...link('Runbook', runbook), ...link('Rollout', step.link)],
  };
}

function ofRetraining({ rollout, version, rule, message }: RetrainingNotice): Said {
  return {
    title: line(`${rollout}: ${version} needs retraining`, MOST_TITLE),
    lines: [line(message)],
    facts: fact('Rule', rule),
    links: [],
  };
}

function saidIn({ content }: Notice): Said {
  switch (content.kind) {
    case 'alert':
      return ofAlert(content);
    case 'step':
      return ofStep(content);
    case 'retraining':
      return ofRetraining(content);
    default:
      return assertNever(content);
  }
}

export function plainMessageOf(notice: Notice): PlainMessage {
  return { id: notice.id, ...saidIn(notice) };
}

/** Many notices in one message, when a target may not get each by itself. */
export function digestOfNotices(notices: readonly Notice[]): PlainMessage {
  const all = notices.map(saidIn);
  const isAlerts = notices.every(({ content }) => content.kind === 'alert');
  const rest = all.length - MOST_NAMED;
  const named = all.slice(0, MOST_NAMED).map(({ title, lines }) => line(`${title}: ${lines[0] ?? ''}`, MOST_FACT));
  return {
    id: `${notices[0]?.id ?? 'none'}-and-${notices.length - 1}-more`,
    title: `${notices.length} more ${isAlerts ? 'alerts' : 'notices'}`,
    lines: [...named, ...(rest > 0 ? [`and ${rest} more; \`slipway status\` shows all that stand`] : [])],
    facts: [],
    links: [...new Map(all.flatMap(({ links }) => links.map((one) => [one[1], one] as const))).values()].slice(0, 5),
  };
}
