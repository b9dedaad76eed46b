// Owns finding the policy that a command is about: by its name, by a rollout, or in a file.
import { readBoundedFile } from '../base/bounded-file.ts';
import { CodedError } from '../base/errors.ts';
import type { SlipwayDocument } from '../documents/slipway-document.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { brokenPolicy, parsePolicy } from '../simulation/scenario-policies.ts';
import type { FoundDocuments } from '../snapshot/repository-documents.ts';
import { readManifests } from './manifests-here.ts';
import { type RepositoryOptions, withFiles } from './repository-access.ts';

/** Longer files are no documents of Slipway's. */
const MOST_BYTES = 1024 * 1024;

export interface FoundPolicy {
  readonly policy: RolloutPolicy;
  /** Whose policy it is, when it was found by a rollout. */
  readonly rollout?: string | undefined;
  /** Everything that could be read beside it in the repository; none beside a file. */
  readonly documents: readonly SlipwayDocument[];
}

/** The policy of that rollout, or of that name; without a name the only one, or the default one. */
function choosePolicy({ documents, layout }: FoundDocuments, name: string | undefined): FoundPolicy {
  const parsed = documents.flatMap((one) => (one.parsed.kind === 'parsed' ? [one.parsed.document] : []));
  const policies = parsed.filter((one) => one.kind === 'RolloutPolicy');
  const fallback = parsed.find((one) => one.kind === 'Repository')?.spec.defaults?.policy;
  const rollout = parsed.filter((one) => one.kind === 'Rollout').find((one) => one.metadata.name === name);
  const wanted = rollout === undefined ? (name ?? fallback) : (rollout.spec.policy ?? fallback);
  const policy =
    policies.find((one) => one.metadata.name === wanted) ??
    (name === undefined && policies.length === 1 ? policies[0] : undefined);
  if (policy !== undefined) return { policy, rollout: rollout?.metadata.name, documents: parsed };
  const broken = documents.filter((one) => one.parsed.kind === 'broken');
  const meant = broken.find(({ file }) => file.replace(/\.(ya?ml|json)$/, '') === `${layout.policies}/${wanted}`);
  if (meant?.parsed.kind === 'broken') throw brokenPolicy(meant.file, meant.parsed.errors);
  const known = policies.map((one) => one.metadata.name).slice(0, 20);
  throw new CodedError({
    code: 'POLICY_UNKNOWN',
    message: `There is no readable rollout or policy ${JSON.stringify(wanted ?? '')}.`,
    remedy:
      broken.length > 0
        ? '`slipway validate` shows what is wrong with the documents.'
        : `Pass a rollout, a policy (${known.join(', ') || 'there are none'}) or the file of a policy.`,
  });
}

/** Throws REPO_NO_DOCUMENTS, POLICY_UNKNOWN, FILE_UNREADABLE or FILE_SIZE, and every problem of the policy. */
export async function findPolicy(name: string | undefined, options: RepositoryOptions): Promise<FoundPolicy> {
  if (name === undefined || !/\.(ya?ml|json)$/.test(name)) {
    return choosePolicy(await withFiles(options, readManifests), name);
  }
  return { policy: parsePolicy(name, await readBoundedFile(name, MOST_BYTES)), documents: [] };
}
