// Owns what a change of a manifests repository asks for: the rollouts and policies that differ from those before it, without the reconciler's own part.
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { SlipwayDocument } from '../documents/slipway-document.ts';
import type { Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import type { FoundDocuments } from '../snapshot/repository-documents.ts';

export interface ChangedRollout {
  readonly rollout: Rollout;
  /** Undefined when it names none that can be read. */
  readonly policy: RolloutPolicy | undefined;
  /** The version that the spec leads to; null when there is no such manifest. */
  readonly desired: string | null;
  /** The version that devices run or are going to, by the status; null before the first. */
  readonly runs: string | null;
  readonly isNew: boolean;
  /** Names of the fields of the spec that differ, and `policy document`, in order. */
  readonly fields: readonly string[];
}

export interface ManifestsChange {
  readonly rollouts: readonly ChangedRollout[];
  readonly removed: readonly string[];
  /** Changed policies that none of these rollouts follows. */
  readonly policies: readonly RolloutPolicy[];
}

type Catalogue = ReturnType<typeof catalogueOf>;

function catalogueOf({ documents }: FoundDocuments) {
  const parsed = documents.flatMap((one) => (one.parsed.kind === 'parsed' ? [one.parsed.document] : []));
  const named = <K extends SlipwayDocument['kind']>(kind: K) =>
    parsed.filter((one): one is Extract<SlipwayDocument, { readonly kind: K }> => one.kind === kind);
  return {
    fallback: named('Repository')[0]?.spec.defaults?.policy,
    rollouts: new Map(named('Rollout').map((one) => [one.metadata.name, one])),
    policies: new Map(named('RolloutPolicy').map((one) => [one.metadata.name, one])),
    manifests: named('ModelManifest'),
  };
}

function policyOf({ spec }: Rollout, { fallback, policies }: Catalogue): RolloutPolicy | undefined {
  return policies.get(spec.policy ?? fallback ?? '');
}

/** As the reconciler would take it if each manifest were admitted. */
function desiredOf({ spec }: Rollout, { manifests }: Catalogue): string | null {
  const { version: desired } = spec;
  const versions = manifests.flatMap(({ metadata }) => (metadata.name === spec.model ? [metadata.version] : []));
  if (desired !== 'latest' && !isVersionRange(desired)) return versions.includes(desired) ? desired : null;
  const fitting = versions.filter((one) => desired === 'latest' || satisfiesRange(one, desired));
  return fitting.sort(compareVersions).at(-1) ?? null;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function fieldsOf(rollout: Rollout, was: Rollout | undefined, before: Catalogue, after: Catalogue): string[] {
  const spec = { ...rollout.spec } as Readonly<Record<string, unknown>>;
  const old = { ...was?.spec } as Readonly<Record<string, unknown>>;
  const names = [...new Set([...Object.keys(old), ...Object.keys(spec)])];
  const fields = names.filter((name) => !isSame(spec[name], old[name]));
  const leads = was !== undefined && desiredOf(was, before) !== desiredOf(rollout, after);
  const bends = was !== undefined && !isSame(policyOf(was, before), policyOf(rollout, after));
  return [
    ...fields,
    ...(leads && !fields.includes('version') ? ['version'] : []),
    ...(bends && !fields.includes('policy') ? ['policy document'] : []),
  ];
}

/** Both sides as they are read from files; documents that can't be read count as absent, for `validate` says what is wrong with them. */
export function changesBetween(left: FoundDocuments, right: FoundDocuments): ManifestsChange {
  const [before, after] = [catalogueOf(left), catalogueOf(right)];
  const rollouts = [...after.rollouts.values()].flatMap((rollout): ChangedRollout[] => {
    const was = before.rollouts.get(rollout.metadata.name);
    const fields = fieldsOf(rollout, was, before, after);
    const { candidate, stable } = rollout.status ?? {};
    const runs = candidate?.version ?? stable?.version ?? null;
    const all = { rollout, policy: policyOf(rollout, after), desired: desiredOf(rollout, after), runs };
    return fields.length === 0 ? [] : [{ ...all, isNew: was === undefined, fields }];
  });
  const followed = new Set(rollouts.map(({ policy }) => policy?.metadata.name));
  const policies = [...after.policies].flatMap(([name, policy]) =>
    followed.has(name) || isSame(policy, before.policies.get(name)) ? [] : [policy],
  );
  return { rollouts, removed: [...before.rollouts.keys()].filter((name) => !after.rollouts.has(name)), policies };
}
