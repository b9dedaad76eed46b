// Owns notices of steps, alerts and requests for retraining, as they wait in a queue, before any target's form.
import type { JsonValue } from '../contract/digest.ts';

export interface VersionName {
  readonly version: string;
  readonly digest: string;
}

/** One step of a rollout, as its evidence has it. */
export interface StepNotice {
  readonly kind: 'step';
  readonly rollout: string;
  readonly model: string;
  readonly revision: number;
  /** Kind of the step: start, advance, complete, roll-back, pause, … */
  readonly step: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** The version that the step is about; null when there is none. */
  readonly subject: VersionName | null;
  /** What is stable after the step. */
  readonly stable: VersionName | null;
  /** What was stable before that; null when nothing was. */
  readonly previous: VersionName | null;
  readonly evidence: string;
  /** The commit of the step; null or absent when it is not found. */
  readonly commit?: string | null;
  /** The head on which the attempt started: it holds what a person asked for. */
  readonly asked?: string | null;
  /** Where people read what to do; absent for a step that needs nobody. */
  readonly runbook?: string;
  /** The rollout's page of the screen; absent without one. */
  readonly link?: string;
}

/** The beginning or the end of an alert. */
export interface AlertNotice {
  readonly kind: 'alert';
  readonly is: 'raised' | 'ended';
  readonly alert: string;
  readonly alertKind: string;
  /** What tells alerts of one kind and rollout apart. */
  readonly subject?: string;
  readonly model?: string;
  readonly rollout: string | null;
  readonly reason: string;
  readonly message: string;
  /** What to do; absent where nobody can say. */
  readonly remedy?: string;
  readonly sinceMs: number;
  readonly numbers: Readonly<Record<string, JsonValue>>;
  readonly runbook: string | null;
  /** Of a revert: its commit. */
  readonly commit?: string;
  readonly link?: string;
  /** Sent by hand, to see whether it arrives. */
  readonly isTest?: true;
}

/** The stable version has drifted: a request to train a new one, once in each episode of drift. */
export interface RetrainingNotice {
  readonly kind: 'retraining';
  readonly rollout: string;
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly rule: string;
  readonly message: string;
  readonly numbers: Readonly<Record<string, JsonValue>>;
  /** The alert that began the episode. */
  readonly alert: string;
}

export type NoticeContent = StepNotice | AlertNotice | RetrainingNotice;

/** Lies in queues over restarts and upgrades: a later version reads every format that was written. */
export interface Notice {
  readonly format: 1;
  /** The same each time it is sent: receivers that saw it before drop it. */
  readonly id: string;
  /** When it happened. */
  readonly atMs: number;
  readonly content: NoticeContent;
}

/** What a target may choose. */
export type NoticeTopic = 'rollouts' | 'alerts' | 'retraining';

export function topicOf({ kind }: NoticeContent): NoticeTopic {
  return kind === 'step' ? 'rollouts' : kind === 'alert' ? 'alerts' : 'retraining';
}

/** A notice as it was queued; undefined when a newer Slipway wrote it in a form that this one does not know. */
export function readNotice(value: JsonValue): Notice | undefined {
  const notice = value as unknown as Partial<Notice> | null;
  const isKnown = ['step', 'alert', 'retraining'].includes(notice?.content?.kind ?? '');
  return notice?.format === 1 && isKnown ? (notice as Notice) : undefined;
}
