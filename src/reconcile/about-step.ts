// Owns what a notice says beside the evidence: the commit of a step, the one that asked for it, and the pages that people read.
import type { AlertRecord } from '../rollout/alert-book.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { ProvenStep, StatusClaims } from '../snapshot/status-claims.ts';
import { runbookOfStep } from '../wording/runbook-of.ts';
import type { AboutStep } from './notice-of.ts';

interface Places {
  readonly publicUrl?: string;
  readonly runbookBase?: string;
}

/** The page of the screen about a rollout, or about all. */
export function linkOf({ publicUrl }: Places, { rollout }: Pick<AlertRecord, 'rollout'>): { readonly link?: string } {
  if (publicUrl === undefined) return {};
  return { link: rollout === null ? publicUrl : `${publicUrl}/rollouts/${encodeURIComponent(rollout)}` };
}

export async function aboutStep(
  step: ProvenStep,
  places: Places,
  { claims, snapshot }: { readonly claims: StatusClaims; readonly snapshot: Snapshot },
): Promise<AboutStep> {
  const { rollout, transition, verdict, observed, revision } = step.predicate;
  const { kind, reason, subject } = transition;
  const isStart = kind === 'start' || subject === null;
  const start = isStart ? null : await claims.findStart(rollout, snapshot, subject, revision);
  const runbook = runbookOfStep({ kind, reason, verdict }, places.runbookBase);
  return {
    commit: await claims.commitOf(step, snapshot.commit),
    asked: kind === 'start' ? observed : (start?.observed ?? null),
    ...(runbook === null ? {} : { runbook }),
    ...linkOf(places, { rollout }),
  };
}
