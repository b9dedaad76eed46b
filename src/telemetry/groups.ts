// Owns which groups of devices are counted apart besides all together: by a label, or by what the variant for a device says of itself.
import { createHash } from 'node:crypto';
import { isNameable } from '../contract/group-exception.ts';
import { findVariant, type VARIANT_PROPERTIES } from '../contract/manifest/choose-variant.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import type { Variant } from '../contract/types.generated.ts';

/** A label whose values are counted apart, or a property of variants. */
export interface GroupSpec {
  readonly by: string;
  /** Values with a group of their own; devices of any other value, or of none, share one more. */
  readonly values: readonly string[];
  /** By a property of variants: those of the candidate's manifest, in its order. Nobody asks the device which it took. */
  readonly variants?: readonly GroupedVariant[];
}

interface GroupedVariant extends Pick<Variant, 'platform' | 'capabilities'> {
  /** Null where the variant does not say. */
  readonly value: string | null;
}

/** Values of a label with a group of their own. */
export const MOST_VALUES = 15;
/** In place of a value: all others. No label has it. */
export const OTHER_VALUES = '(others)';
/** A group of a large arm is counted in so many hash groups: it is a part of what the arm keeps already. */
const GROUP_ROWS = 256;

/** The group of a device, such as `hw:rev2` or `precision:int8`. */
export function groupOf({ by, values, variants }: GroupSpec, device: DeviceFacts): string {
  const { labels } = device;
  const label = Object.hasOwn(labels, by) ? labels[by] : undefined;
  const value = variants === undefined ? label : findVariant(variants, device)?.value;
  return groupName(by, value !== undefined && value !== null && values.includes(value) ? value : OTHER_VALUES);
}

/** The groups of a property of variants: the same for both arms, whatever stable's own variants are. */
export function variantGroups(by: (typeof VARIANT_PROPERTIES)[number], variants: readonly Variant[]): GroupSpec {
  const grouped = variants.map((one): GroupedVariant => {
    const { platform, capabilities } = one;
    return { platform, ...(capabilities === undefined ? {} : { capabilities }), value: one[by] ?? null };
  });
  const values = [...new Set(grouped.flatMap(({ value }) => value ?? []))];
  return { by, values: values.slice(0, MOST_VALUES).sort(), variants: grouped };
}

export function groupName(by: string, value: string): string {
  return `${by}:${value}`;
}

/** Groups by the labels of the devices that there are: of too many values those that most devices have. A value that can't be named has no group. */
export function chooseGroups(
  by: readonly string[],
  devices: Iterable<{ readonly labels: Readonly<Record<string, string>> }>,
): GroupSpec[] {
  const counts = by.map(() => new Map<string, number>());
  for (const { labels } of devices) {
    by.forEach((label, i) => {
      const value = Object.hasOwn(labels, label) ? labels[label] : undefined;
      if (value !== undefined && isNameable(groupName(label, value)))
        counts[i]?.set(value, (counts[i]?.get(value) ?? 0) + 1);
    });
  }
  return by.map((label, i) => {
    const values = [...(counts[i] ?? [])].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    return {
      by: label,
      values: values
        .slice(0, MOST_VALUES)
        .map(([value]) => value)
        .sort(),
    };
  });
}

/** The row of a device in its group's table, where rows are hash groups. */
export function hashRow(device: string, rows = GROUP_ROWS): string {
  const bucket = createHash('sha256').update(`row\n${device}`).digest().readUInt32BE(0) % rows;
  return `#${bucket.toString(16).padStart(3, '0')}`;
}
