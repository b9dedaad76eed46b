// Owns an independent judge of what a faulty world left on the branch: every step once, none lost, each legal and backed by a chain of evidence.
import { canonicalJson, digestOf, digestOfJson } from '../../src/contract/digest.ts';
import { verifyEvidence } from '../../src/contract/trust/verifier.ts';
import type { RolloutStatus } from '../../src/documents/types.generated.ts';
import type { CommitFacts } from '../../src/git/manifests-repository.ts';
import { findInTree } from '../../src/git/manifests-repository.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { findBreaches } from '../../src/simulation/check-history.ts';
import { payloadOf } from '../../src/snapshot/evidence.ts';
import { type Before, judgeDue, judgeStep } from '../rollout/legal-step.ts';
import { type Decided, type FaultyWorld, KEYS, MODELS, ROLLOUT, readRolloutAt } from './faulty-world.ts';

/** A step as it lies on the branch. */
interface OnBranch {
  readonly commit: CommitFacts;
  readonly status: RolloutStatus;
  readonly evidence: Uint8Array;
}

const EVIDENCE = 'Slipway-Evidence';

interface Branch {
  readonly first: RolloutStatus | null;
  readonly last: RolloutStatus | null;
  readonly steps: readonly OnBranch[];
  /** Why it can not be read as a chain of steps. */
  readonly unread: string | null;
}

async function readBranch(world: FaultyWorld): Promise<Branch> {
  const repository = new MemoryManifestsRepository({
    ...{ host: world.host, branch: 'main', author: { name: 'Judge', email: 'judge@example.org' } },
  });
  await repository.fetch();
  const commits = (await repository.log(repository.knownHead() ?? '', 10_000)).toReversed();
  const statusAt = async (commit: CommitFacts | undefined) =>
    commit === undefined ? null : ((await readRolloutAt(repository, commit.oid)).rollout.status ?? null);
  const steps: OnBranch[] = [];
  for (const commit of commits) {
    if (!commit.trailers.has(EVIDENCE)) continue;
    const status = await statusAt(commit);
    if (status === null) return { first: null, last: null, steps, unread: `a step left no status: ${commit.message}` };
    const found = findInTree(await repository.readTree(commit.oid), status.evidence);
    const evidence = found?.kind === 'blob' ? await repository.readBlob(found.oid, 10_000_000) : Buffer.of();
    steps.push({ commit, status, evidence });
  }
  return { first: await statusAt(commits[0]), last: await statusAt(commits.at(-1)), steps, unread: null };
}

function judgeEvidence(steps: readonly OnBranch[]): string[] {
  const wrong: string[] = [];
  const seen = new Set<string>();
  steps.forEach(({ commit, status, evidence }, i) => {
    const digest = digestOf(evidence);
    const named = commit.trailers.get(EVIDENCE) ?? [];
    if (!named.includes(digest)) wrong.push(`the commit of revision ${status.revision} names other evidence`);
    for (const one of named) {
      if (seen.has(one)) wrong.push(`the step of revision ${status.revision} is on the branch twice`);
      seen.add(one);
    }
    const check = verifyEvidence(evidence, KEYS.trust.reconciler);
    if (check.kind === 'refused') {
      wrong.push(`evidence of revision ${status.revision}: ${check.reason}`);
      return;
    }
    const { predicate } = check.value.value as { readonly predicate: { status?: unknown; previous?: unknown } };
    if (digestOfJson(JSON.parse(JSON.stringify(predicate.status ?? null))) !== digestOfJson(status))
      wrong.push(`revision ${status.revision} is not the status that its evidence has`);
    const before = steps[i - 1];
    if (before === undefined) return;
    const payload = payloadOf(before.evidence);
    if (payload === undefined || predicate.previous !== digestOf(payload))
      wrong.push(`the evidence of revision ${status.revision} does not follow on that before it`);
  });
  return wrong;
}

function worldOf({ facts }: Decided, world: FaultyWorld): Before['world'] {
  const { claim, policy, policyInForce, spec, versions, verdict, cohort, window, now } = facts;
  const status = claim.kind === 'authentic' ? claim.status : null;
  const pinned = new Map(status?.policy && policyInForce ? [[status.policy, policyInForce]] : []);
  return {
    ...{ spec, pinned, now, measured: { verdict, cohort, window }, versions: [...versions] },
    fleet: world.fleet.traits.map((one) => one.facts),
    policy: policy?.policy ?? null,
    policyStanding: policy?.standing ?? { kind: 'admitted', signer: 'nobody' },
  };
}

function judgeSteps(world: FaultyWorld, first: RolloutStatus | null, steps: readonly OnBranch[]): string[] {
  const wrong: string[] = [];
  const planned = new Map(
    world.decided.flatMap((one) => (one.step ? [[digestOfJson(plain(one.step.next)), one]] : [])),
  );
  let truth = first;
  const attempts = new Map<string, number>();
  const evidence = new Set<string>();
  for (const { status } of steps) {
    const decided = planned.get(digestOfJson(plain(status)));
    if (decided?.step == null) {
      wrong.push(`nobody decided revision ${status.revision}`);
      truth = status;
      continue;
    }
    const { claim } = decided.facts;
    const headIsTruth =
      truth === null ? claim.kind === 'none' : claim.kind === 'authentic' && claim.status.revision === truth.revision;
    const before: Before = {
      ...{ world: worldOf(decided, world), truth: plain(truth), headIsTruth, attempts, evidence },
      floor: truth?.revision ?? 0,
    };
    for (const one of judgeStep(before, { ...decided.step, next: plain(decided.step.next) }))
      wrong.push(`revision ${status.revision}: ${one}`);
    truth = status;
    evidence.add(status.evidence);
    const { candidate } = status;
    if (decided.step.kind === 'start' && candidate) attempts.set(candidate.digest, candidate.attempt);
  }
  for (const decided of world.decided) {
    const { claim } = decided.facts;
    if (claim.kind !== 'authentic') continue;
    const before = { world: worldOf(decided, world), truth: claim.status, headIsTruth: true };
    const due = judgeDue({ ...before, floor: 0, attempts, evidence }, decided.step);
    for (const one of due) wrong.push(`at revision ${claim.status.revision}: ${one}`);
  }
  return wrong;
}

/** As JSON, with its fields in one order: evidence and documents write them in different ones. */
function plain<T>(value: T): T {
  return JSON.parse(canonicalJson(JSON.parse(JSON.stringify(value))));
}

/** What is wrong with the world's history; empty when nothing is. */
export async function judgeBranch(world: FaultyWorld): Promise<readonly string[]> {
  const { first, last, steps, unread } = await readBranch(world);
  if (unread !== null) return [unread];
  const statuses = [...(first === null ? [] : [first]), ...steps.map(({ status }) => status)];
  const wrong = [...judgeEvidence(steps), ...judgeSteps(world, first, steps)];
  const named = new Set(steps.flatMap(({ commit }) => commit.trailers.get(EVIDENCE) ?? []));
  for (const { evidence, step } of world.landed)
    if (!named.has(evidence)) wrong.push(`the step to revision ${step.next.revision} was taken for landed and is lost`);
  const { fleet, directives } = world;
  const revisions = new Set(statuses.map(({ revision }) => revision));
  for (const { entries } of directives)
    for (const { revision } of entries)
      if (!revisions.has(revision)) wrong.push(`revision ${revision} was published and never committed`);
  const facts = fleet.traits.map((one) => one.facts);
  const { served, heard } = fleet;
  // What all devices came with is nobody's candidate.
  for (const { digest } of world.startsStable ? MODELS.slice(1) : MODELS) {
    const candidateDigest: string = digest;
    wrong.push(...findBreaches({ fleet: facts, candidateDigest, statuses, directives, served, heard }));
  }
  const end = statuses.at(-1);
  if (end !== undefined && JSON.stringify(plain(last)) !== JSON.stringify(plain(end)))
    wrong.push('the branch does not end with the status that the service wrote last');
  if (end?.candidate && world.bad.has(end.candidate.digest)) wrong.push('a bad candidate was not taken back');
  const isPromoted = world.requests.includes('promote');
  if (!isPromoted && statuses.some(({ stable }) => stable && world.bad.has(stable.digest)))
    wrong.push('a bad candidate became stable, and nobody asked for it');
  return wrong.map((one) => `${ROLLOUT}: ${one}`);
}
