// Owns the rule that a changed interface needs a major step of the version, where versions are SemVer.
import semver from 'semver';
import { canonicalJson } from '../contract/digest.ts';
import { isMajorStep } from '../contract/model-version.ts';
import type { ModelManifest } from '../contract/types.generated.ts';

export interface InterfaceBreak {
  readonly manifest: ModelManifest;
  /** The release before it, whose interface it promises and does not have. */
  readonly before: ModelManifest;
}

/**
 * The versions of one model that change the interface of the release before them without a major step (for 0.x: a minor one).
 * Free-form versions promise nothing, and nobody may rely on a pre-release (SemVer 2.0.0 §4, §9).
 */
export function findInterfaceBreaks(manifests: readonly ModelManifest[]): InterfaceBreak[] {
  const ordered = manifests
    .filter(({ metadata }) => semver.valid(metadata.version) !== null)
    .sort((a, b) => semver.compare(a.metadata.version, b.metadata.version));
  const breaks: InterfaceBreak[] = [];
  let before: ModelManifest | undefined;
  for (const manifest of ordered) {
    const { version } = manifest.metadata;
    const isBound = before !== undefined && isMajorStep(before.metadata.version, version) === false;
    if (before !== undefined && isBound && interfaceOf(before) !== interfaceOf(manifest))
      breaks.push({ manifest, before });
    if (semver.prerelease(version) === null) before = manifest;
  }
  return breaks;
}

function interfaceOf({ spec }: ModelManifest): string {
  return canonicalJson(spec.interface);
}
