// Owns which version a rollout's spec asks for now, in the light of what its status knows.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { rejects } from './rejections.ts';
import { type DesiredVersion, type NamedDigest, resolveDesired } from './resolve-desired.ts';
import type { RolloutFacts } from './rollout-facts.ts';

function publishedVersions(status: RolloutStatus): NamedDigest[] {
  const { candidate, stable, rejected, previous = [] } = status;
  return [candidate, stable, ...rejected, ...previous].filter((one) => one !== null);
}

/** Does the spec name another model than the one that runs under this rollout's name? */
function hasOtherModel(facts: RolloutFacts, status: RolloutStatus): boolean {
  const runs = status.candidate !== null || status.stable !== null;
  return runs && status.model !== undefined && status.model !== facts.spec.model;
}

/** The version that the spec asks for, judged by what runs, what was rejected and what was published before. */
export function desiredVersion(facts: RolloutFacts, status: RolloutStatus): DesiredVersion {
  if (hasOtherModel(facts, status)) {
    const { model: asked } = facts.spec;
    return {
      kind: 'unusable',
      fix: { kind: 'model-changed', code: 'ROLLOUT_MODEL_CHANGED', is: status.model ?? '', asked },
    };
  }
  const { parameters = {} } = facts.spec;
  return resolveDesired({
    desired: facts.spec.version,
    versions: facts.versions,
    rejected: new Set(
      status.rejected.filter((one) => rejects(one, { digest: one.digest, parameters })).map((one) => one.digest),
    ),
    held: [status.candidate, status.stable].filter((one) => one !== null),
    published: publishedVersions(status),
  });
}
