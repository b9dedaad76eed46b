// Owns what the rollouts say of each version of a model: stable, on its way, rejected, or stable before.
import type { RolloutFacts } from '../../rollout/rollout-facts.ts';
import type { RolesOfModel } from './models-in-field.ts';
import { statusOf } from './rollout-row.ts';
import type { VersionInField } from './types.generated.ts';

type Role = VersionInField['role'];

/** A word of one rollout counts over that of another in this order. */
const STRENGTH: readonly Role[] = ['candidate', 'stable', 'rejected', 'before', 'other', 'unknown'];

export function rolesByModel(rollouts: readonly RolloutFacts[]): ReadonlyMap<string, RolesOfModel> {
  const models = new Map<string, Map<string, { readonly role: Role; readonly version: string }>>();
  for (const facts of rollouts) {
    const status = statusOf(facts);
    const roles = models.get(facts.spec.model) ?? new Map();
    models.set(facts.spec.model, roles);
    const say = (role: Role, one: { readonly digest: string; readonly version: string } | null | undefined): void => {
      if (!one) return;
      const known = roles.get(one.digest);
      if (known === undefined || STRENGTH.indexOf(role) < STRENGTH.indexOf(known.role))
        roles.set(one.digest, { role, version: one.version });
    };
    say('candidate', status?.candidate);
    say('stable', status?.stable);
    for (const one of status?.rejected ?? []) say('rejected', one);
    for (const one of status?.previous ?? []) say('before', one);
    for (const one of facts.versions) say('other', one);
  }
  return models;
}
