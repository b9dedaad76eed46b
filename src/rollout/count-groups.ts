// Owns how the devices of each group of a stage stand, for rules by group.
import type { GroupFacts } from '../gates/stage-question.ts';
import { type GroupSpec, groupName, groupOf, OTHER_VALUES } from '../telemetry/groups.ts';
import { type CountingFacts, countCohort, devicesOfTarget, installShare, type KnownDevice } from './count-cohort.ts';
import { countDeliveries } from './count-deliveries.ts';
import { countHeard } from './count-heard.ts';

/** By label, the groups that a window counts apart. */
export function countGroups(
  facts: CountingFacts,
  groups: readonly GroupSpec[],
): ReadonlyMap<string, readonly GroupFacts[]> {
  return new Map(groups.map((group) => [group.by, countGroup(facts, group)]));
}

function countGroup(facts: CountingFacts, group: GroupSpec): GroupFacts[] {
  const members = new Map<string, KnownDevice[]>();
  for (const device of facts.devices) {
    const name = groupOf(group, device);
    const known = members.get(name);
    if (known === undefined) members.set(name, [device]);
    else known.push(device);
  }
  return [...group.values, OTHER_VALUES].map((value): GroupFacts => {
    const name = groupName(group.by, value);
    const own = members.get(name) ?? [];
    const ofGroup = { ...facts, devices: own };
    const matching = [...devicesOfTarget(ofGroup)];
    const cohort = countCohort(ofGroup, matching);
    let ids: ReadonlySet<string> | undefined;
    const isMember = (device: string): boolean => {
      ids ??= new Set(own.map(({ id }) => id));
      return ids.has(device);
    };
    return {
      name,
      value,
      installs: installShare(cohort),
      deliveries: () => countDeliveries(ofGroup, matching),
      heard: () => countHeard(ofGroup, matching),
      outside: cohort.matching - cohort.apart - cohort.wanted,
      isMember,
    };
  });
}
