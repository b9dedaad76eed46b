// Owns what the event stream tells besides changes: steps that were committed, and alerts that began or ended.
import type { AlertRecord } from '../rollout/alert-book.ts';
import type { Step } from '../rollout/transition.ts';
import { alertInWords, alertRemedy } from '../wording/alerts-in-words.ts';
import { stepReasonInWords } from '../wording/step-reason-in-words.ts';
import type { EventFeed } from './event-feed.ts';
import { MOST_NAME, text, textOrNull } from './read-model/bounded.ts';

/** A step that is on the branch. */
export interface CommittedStep {
  readonly commit: string;
  readonly step: Pick<Step, 'kind' | 'rollout' | 'model' | 'from' | 'to' | 'subject' | 'next' | 'reason'> &
    Partial<Step>;
}

export function tellSteps(feed: EventFeed, steps: readonly CommittedStep[]): void {
  for (const { commit, step } of steps) {
    const { kind, rollout, subject, next, from, to } = step;
    feed.publish('step', {
      ...{ kind, commit, from: text(from, MOST_NAME), to: text(to, MOST_NAME) },
      rollout: text(rollout, MOST_NAME),
      version: subject === null ? null : text(subject.version, MOST_NAME),
      revision: next.revision,
      text: text(stepReasonInWords(step)),
    });
  }
}

/** Tells of alerts that were not there before, and of those that are gone. */
export function tellAlerts(feed: EventFeed, before: readonly AlertRecord[], now: readonly AlertRecord[]): void {
  const tell = (state: 'raised' | 'ended', alert: AlertRecord): void => {
    feed.publish('alert', {
      ...{ state, id: alert.id, kind: alert.kind, reason: alert.reason, sinceMs: alert.sinceMs },
      rollout: alert.rollout === null ? null : text(alert.rollout, MOST_NAME),
      text: text(alertInWords(alert)),
      remedy: alertRemedy(alert),
      runbook: textOrNull(alert.runbook),
    });
  };
  const [known, present] = [new Set(before.map(({ id }) => id)), new Set(now.map(({ id }) => id))];
  for (const alert of now) if (!known.has(alert.id)) tell('raised', alert);
  for (const alert of before) if (!present.has(alert.id)) tell('ended', alert);
}
