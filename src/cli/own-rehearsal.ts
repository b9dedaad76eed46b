// Owns what a rehearsal takes from the repository: the rollout's model, target and parameters, and the labels of the fleet documents.
import { compareVersions, isVersionRange, satisfiesRange } from '../contract/model-version.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { OwnFacts } from '../simulation/own-model.ts';
import type { RehearsalOrder } from '../simulation/rehearsal-order.ts';
import type { FoundPolicy } from './find-policy.ts';

/** Where the repository has no version before the candidate. */
const NO_VERSION_BEFORE = 'stable';

interface OwnRehearsal {
  readonly own: Pick<OwnFacts, 'manifest' | 'groups'>;
  readonly order: Pick<RehearsalOrder, 'target' | 'model' | 'parameters'>;
}

/** Nothing of one's own unless a rollout was named. */
export function ownRehearsalOf({ rollout: name, documents }: Pick<FoundPolicy, 'rollout' | 'documents'>): OwnRehearsal {
  const rollout = documents.find((one) => one.kind === 'Rollout' && one.metadata.name === name);
  if (name === undefined || rollout?.kind !== 'Rollout') return { own: {}, order: {} };
  const groups = documents.filter((one) => one.kind === 'DeviceGroup');
  const { model, target, parameters } = rollout.spec;
  const versions = documents
    .filter((one): one is ModelManifest => one.kind === 'ModelManifest' && one.metadata.name === model)
    .sort((a, b) => compareVersions(b.metadata.version, a.metadata.version));
  const { version: desired } = rollout.spec;
  const isDesired = (version: string): boolean =>
    version === desired || (isVersionRange(desired) && satisfiesRange(version, desired));
  const at = Math.max(
    0,
    versions.findIndex(({ metadata }) => isDesired(metadata.version)),
  );
  const manifest = versions[at];
  return {
    own: { groups, ...(manifest === undefined ? {} : { manifest }) },
    order: {
      target,
      ...(parameters === undefined ? {} : { parameters }),
      ...(manifest === undefined ? {} : { model: namesOf(manifest, versions[at + 1]) }),
    },
  };
}

function namesOf({ metadata }: ModelManifest, before: ModelManifest | undefined): NonNullable<RehearsalOrder['model']> {
  return { name: metadata.name, stable: before?.metadata.version ?? NO_VERSION_BEFORE, candidate: metadata.version };
}
