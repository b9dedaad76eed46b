// Owns which documents of the repository have to be signed again before a signer ends.
import { digestOf } from '../../contract/digest.ts';
import type { TrustPolicy } from '../../contract/trust/trust-policy.ts';
import { DocumentVerifier } from '../../contract/trust/verifier.ts';
import type { RepositoryFiles } from '../../git/repository-files.ts';
import { type FoundDocuments, readSignature, rolloutsOf } from '../../snapshot/repository-documents.ts';

export interface ToSignAgain {
  /** Policies, and versions that a rollout asks for and that none has admitted yet. */
  readonly needed: readonly string[];
  /** Versions that no rollout asks for: only if one ever shall. */
  readonly older: readonly string[];
  /** Versions in the middle of a rollout: devices that get them after the end refuse them. */
  readonly rolling: readonly string[];
}

/** Those that only the ending signer vouches for. What is stable stays so: the reconciler's signature proves that it was admitted in time. */
export async function findToSignAgain(
  files: RepositoryFiles,
  found: FoundDocuments,
  next: TrustPolicy,
  endsAtMs: number,
): Promise<ToSignAgain> {
  const verifier = new DocumentVerifier(next);
  const { rollouts } = rolloutsOf(found);
  const statuses = rollouts.flatMap(({ rollout }) => rollout.status ?? []);
  const kept = new Set(
    statuses.flatMap(({ stable, previous = [] }) => [stable, ...previous]).flatMap((one) => one?.digest ?? []),
  );
  const candidates = new Set(statuses.flatMap(({ candidate }) => candidate?.digest ?? []));
  const asked = new Set(rollouts.map(({ rollout: { spec } }) => `${spec.model} ${spec.version}`));
  const result = { needed: [] as string[], older: [] as string[], rolling: [] as string[] };
  for (const { file, bytes, parsed } of found.documents) {
    if (parsed.kind !== 'parsed') continue;
    const { document } = parsed;
    const question = { now: endsAtMs + 1, purpose: 'admit' } as const;
    const signature = await readSignature(files, file);
    if (document.kind === 'RolloutPolicy') {
      const answer = verifier.verifyPolicy(bytes, signature, { ...question, policy: document.metadata.name });
      if (answer.kind === 'refused' && answer.code === 'SIGNER_EXPIRED') result.needed.push(file);
    } else if (document.kind === 'ModelManifest') {
      const { name } = document.metadata;
      const answer = verifier.verifyModel(bytes, signature, { ...question, model: name });
      if (answer.kind !== 'refused' || answer.code !== 'SIGNER_EXPIRED') continue;
      const digest = digestOf(bytes);
      if (candidates.has(digest)) result.rolling.push(file);
      else if (asked.has(`${name} ${document.metadata.version}`) && !kept.has(digest)) result.needed.push(file);
      else result.older.push(file);
    }
  }
  return result;
}
