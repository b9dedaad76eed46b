// Owns groups of devices that do not go along with their rollout: who belongs to one, and what that means for a device.

/** A group of devices, named by label and value, for which an entry says something else than for the others. */
export interface ExceptedGroup {
  /** `hw:rev2`. */
  readonly group: string;
  /**
   * `rolled-back`: none of the group runs the candidate. `held`: those of the stage in which it was held, and no later
   * stage takes in more. `behind`: the group is on an earlier stable version, and takes part in the present rollout.
   */
  readonly kind: 'rolled-back' | 'held' | 'behind';
}

/** As the schemas of statuses and requests have it. */
const MOST_NAME = 512;

/** Can statuses, directives and requests name the group? Devices state their labels: empty values, and such of several lines, must not get there. */
export function isNameable(group: string): boolean {
  return group.length <= MOST_NAME && /^[^:]+:.+$/.test(group) && !/\p{Cc}/u.test(group);
}

type Labels = Readonly<Record<string, string>>;

/** The label and the value that a group is named by. */
export function partsOfGroup(group: string): { readonly label: string; readonly value: string } {
  const colon = group.indexOf(':');
  return { label: group.slice(0, colon), value: group.slice(colon + 1) };
}

/** Does a device with these labels belong to the group? */
export function isOfGroup(group: string, labels: Labels): boolean {
  const { label, value } = partsOfGroup(group);
  return Object.hasOwn(labels, label) && labels[label] === value;
}

/** Does the group stand apart from the present candidate? One that is only behind goes along with it. */
export function standsApart({ kind }: ExceptedGroup): boolean {
  return kind !== 'behind';
}

/** The groups that stand apart, by name. */
export function groupsApart(exceptions: readonly ExceptedGroup[] = []): readonly string[] {
  return exceptions.filter(standsApart).map(({ group }) => group);
}

/** Is the device in one of these groups? */
export function isInAnyGroup(groups: readonly string[], labels: Labels): boolean {
  return groups.some((group) => isOfGroup(group, labels));
}
