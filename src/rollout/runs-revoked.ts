// Owns which versions of a rollout run on although trust in their signer was revoked: stable, and those of groups that are behind.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { exceptionsOf } from './exceptions.ts';
import type { RunsRevoked } from './reasons.ts';
import { type RolloutFacts, refusalOf } from './rollout-facts.ts';

/** Each with how many devices it is declared for; none of stable while another version takes its place. */
export function runsRevoked({ versions, known, stableKept }: RolloutFacts, status: RolloutStatus): RunsRevoked[] {
  const own = exceptionsOf(status).filter((one) => one.stable !== null);
  const groups = own.map(({ group }) => group);
  const ofStable = { group: null, stable: status.candidate === null ? status.stable : null };
  return [ofStable, ...own].flatMap(({ group, stable }): RunsRevoked[] => {
    const inHead = versions.find(({ digest }) => digest === stable?.digest)?.standing;
    const standing = inHead ?? (group === null ? stableKept : undefined);
    if (stable === null || standing?.kind !== 'refused' || !standing.revoked) return [];
    const { target, version } = stable;
    const devices = group === null ? known.count(target, groups) : known.count(target) - known.count(target, [group]);
    return [{ kind: 'runs-revoked', group, version, devices, ...refusalOf(standing) }];
  });
}
