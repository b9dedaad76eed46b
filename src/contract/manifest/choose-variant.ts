// Owns whether a model fits a device: the variant for it, or the clause that excludes the device. Device and service ask the same.
import { satisfiesRangeLoosely } from '../model-version.ts';
import type { DeviceFacts } from '../selector.ts';
import type { ModelManifest, Variant } from '../types.generated.ts';

export type VariantChoice =
  | { readonly kind: 'fits'; readonly variant: Variant }
  /** `clause` is the manifest's field, `message` the whole sentence. */
  | { readonly kind: 'incompatible'; readonly clause: string; readonly message: string };

/** What variants say of themselves by which rules can tell devices apart. */
export const VARIANT_PROPERTIES = ['platform', 'precision'] as const;

export function isVariantProperty(name: string): name is (typeof VARIANT_PROPERTIES)[number] {
  return VARIANT_PROPERTIES.some((one) => one === name);
}

/** Words of a label or property that lists several, such as `camera,microphone`. */
function wordsOf(facts: DeviceFacts, ...names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const value = facts.labels[name] ?? facts.properties[name];
    return value === undefined
      ? []
      : String(value)
          .split(/[,\s]+/)
          .filter((word) => word !== '');
  });
}

function platformOf(facts: DeviceFacts): string {
  return String(facts.properties.platform ?? '');
}

/** The first variant for what the device is; undefined when there is none. */
export function findVariant<V extends Pick<Variant, 'platform' | 'capabilities'>>(
  variants: readonly V[],
  facts: DeviceFacts,
): V | undefined {
  const platform = platformOf(facts);
  const capabilities = wordsOf(facts, 'capabilities');
  return variants.find(
    (one) =>
      (one.platform === 'any' || one.platform === platform) &&
      (one.capabilities ?? []).every((capability) => capabilities.includes(capability)),
  );
}

/**
 * The first variant for this device, if its compatibility clauses hold. Versions are read from the properties `agent`, `firmware` and
 * `inferenceCode`; groups from the labels `group` and `groups` (the fleet documents give the latter); features and capabilities from labels or properties of these names, as lists of words.
 */
export function chooseVariant(manifest: ModelManifest, facts: DeviceFacts): VariantChoice {
  const { compatibility = {}, variants } = manifest.spec;
  for (const name of ['agent', 'firmware', 'inferenceCode'] as const) {
    const range = compatibility[name];
    if (range === undefined) continue;
    const version = facts.properties[name];
    if (version !== undefined && satisfiesRangeLoosely(String(version), range)) continue;
    const has = version === undefined ? `reports no ${name}` : `has ${name} ${version}`;
    return incompatible(`compatibility.${name}`, `needs ${name} ${range}; this device ${has}`);
  }
  const groups = wordsOf(facts, 'group', 'groups');
  if (compatibility.groups !== undefined && !compatibility.groups.some((group) => groups.includes(group))) {
    const is = groups.length === 0 ? 'is in no group' : `is in ${groups.join(', ')}`;
    return incompatible('compatibility.groups', `is for ${compatibility.groups.join(', ')}; this device ${is}`);
  }
  const features = wordsOf(facts, 'features');
  const missing = compatibility.features?.find((feature) => !features.includes(feature));
  if (missing !== undefined) {
    return incompatible('compatibility.features', `needs "${missing}", which this device does not provide`);
  }
  const variant = findVariant(variants, facts);
  if (variant !== undefined) return { kind: 'fits', variant };
  const offered = variants.map((one) => [one.platform, ...(one.capabilities ?? [])].join('+')).join(', ');
  return incompatible(
    'variants',
    `has variants for ${offered}; this device is ${[platformOf(facts), ...wordsOf(facts, 'capabilities')].join('+')}`,
  );
}

function incompatible(clause: string, problem: string): VariantChoice {
  return { kind: 'incompatible', clause, message: `${clause}: the model ${problem}.` };
}
