// Owns putting together what the service tells of the past, out of its mirror of the branch.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { Past } from '../dashboard/read-model/past.ts';
import { PastSource } from '../dashboard/routes-past.ts';
import { judgeCommit } from './commit-judge.ts';
import type { ComposedReconciler } from './compose-service.ts';

type PastParts = Pick<ComposedReconciler, 'repository' | 'reconciler' | 'trust'>;

export function composePast(
  { repository, reconciler, trust }: PastParts,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): PastSource {
  const past = new Past({ repository, keys: () => trust.value.policy.reconciler, judge: judgeCommit });
  return new PastSource({
    past,
    head: () => reconciler.view().commit,
    clock,
    onUnread: (error) => logger.warn('pages go without their history', { error }),
  });
}
