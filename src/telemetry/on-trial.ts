// Owns which rollouts a device follows because it runs their candidate, as far as the service knows.
import type { OnTrial } from '../contract/directive.ts';
import type { ModelState } from '../contract/report.ts';

export interface Trier {
  readonly models: ReadonlyMap<string, Pick<ModelState, 'rollout' | 'running'>>;
  /** Digests that it took, by rollout. */
  readonly tookCandidate: ReadonlyMap<string, readonly { readonly digest: string; readonly attempt: number }[]>;
}

export function onTrialOf({ models, tookCandidate }: Trier): OnTrial {
  const found = [...models.values()].filter(({ rollout, running }) => {
    const taken = tookCandidate.get(rollout ?? '')?.find(({ digest }) => digest === running?.digest);
    return taken !== undefined && taken.attempt > 0;
  });
  return new Set(found.flatMap(({ rollout }) => rollout ?? []));
}
