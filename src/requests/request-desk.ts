// Owns requests that the service commits for people: one after another on a mirror of its own, each once, and only on what they saw.
import { CodedError } from '../base/errors.ts';
import { Mutex } from '../base/mutex.ts';
import { canonicalJson, sha256Hex } from '../contract/digest.ts';
import type { Rollout } from '../documents/types.generated.ts';
import {
  type CommitAuthor,
  type EditedRepository,
  findInTree,
  type ManifestsRepository,
} from '../git/manifests-repository.ts';
import { changedLines } from './changed-lines.ts';
import { commandOf } from './command-line.ts';
import type { FoundRollout } from './find-rollout.ts';
import type { Time } from './push-edit.ts';
import type { PersonsRequest } from './request-edit.ts';
import { messageOf, pushRequest, type RequestOrder } from './submit-request.ts';

/** What the person saw; what is left out is not compared. */
export interface Seen {
  readonly head?: string | undefined;
  readonly digest?: string | undefined;
  /** Null when nothing rolled. */
  readonly stage?: string | null | undefined;
}

/** The rollout as it is at the head. */
export interface Stand {
  readonly head: string;
  readonly revision: number | null;
  readonly stage: string | null;
  readonly candidate: { readonly version: string; readonly digest: string } | null;
  readonly stable: { readonly version: string; readonly digest: string } | null;
}

/** It is not as the person saw it. */
export class RequestMoved extends CodedError {
  readonly stand: Stand;

  constructor(rollout: string, stand: Stand) {
    const { candidate, stable, stage } = stand;
    const now =
      candidate === null ? `${stable?.version ?? 'nothing'} is stable` : `${candidate.version} is in ${stage}`;
    super({
      code: 'REQUEST_MOVED',
      message: `${rollout} has moved on since you looked: ${now}.`,
      remedy: 'Look again, and ask for what you want now.',
    });
    this.stand = stand;
  }
}

export interface DeskOrder {
  readonly rollout: string;
  readonly request: PersonsRequest;
  /** Author of the commit. */
  readonly person: CommitAuthor;
  /** How the person was known: a token's id, or issuer and subject. */
  readonly identity: string;
  readonly seen: Seen;
  /** The same order under the same key is carried out once. */
  readonly key: string | null;
  readonly isDryRun: boolean;
}

export interface DeskAnswer {
  readonly rollout: string;
  readonly act: string;
  readonly title: string;
  /** Command line that does the same. */
  readonly command: string;
  readonly file: string;
  /** Lines that change, with a sign before each. */
  readonly diff: string;
  readonly message: string;
  /** Null in a dry run. */
  readonly commit: string | null;
  /** Null where an earlier answer is given again after a restart. */
  readonly stand: Stand | null;
}

export interface RequestDeskParts extends Time {
  /** Opens the mirror when it is first needed; asked again after it failed. */
  readonly open: () => Promise<EditedRepository & Pick<ManifestsRepository, 'log'>>;
}

/** More than a few at once is a program gone wild. */
const MOST_WAITING = 20;
const MOST_ANSWERS = 1_000;
/** Commits that are looked through for one of the same key, as after a restart. */
const MOST_COMMITS = 200;
const KEY_TRAILER = 'Slipway-Request';

class MadeBefore extends Error {
  readonly commit: string;
  constructor(commit: string) {
    super();
    this.commit = commit;
  }
}

export class RequestDesk {
  readonly #parts: RequestDeskParts;
  readonly #mutex = new Mutex();
  /** By person and key, the oldest first. */
  readonly #answers = new Map<string, { readonly order: string; readonly answer: DeskAnswer }>();
  #waiting = 0;

  constructor(parts: RequestDeskParts) {
    this.#parts = parts;
  }

  /** Throws REQUEST_…, ROLLOUT_UNKNOWN, GIT_…. */
  async submit(order: DeskOrder): Promise<DeskAnswer> {
    if (this.#waiting >= MOST_WAITING)
      throw new CodedError({
        code: 'REQUEST_BUSY',
        kind: 'retry-later',
        message: 'Too many requests wait for their commit.',
        remedy: 'Try again in a minute. `slipway` itself makes the same commit without the service.',
      });
    this.#waiting += 1;
    try {
      return await this.#mutex.run(() => this.#answer(order));
    } finally {
      this.#waiting -= 1;
    }
  }

  async #answer(order: DeskOrder): Promise<DeskAnswer> {
    if (order.key === null || order.isDryRun) return this.#make(order, null);
    const { rollout, request, identity, key } = order;
    const place = `${identity} ${key}`;
    const asked = canonicalJson(JSON.parse(JSON.stringify({ rollout, request })));
    const before = this.#answers.get(place);
    if (before !== undefined && before.order !== asked)
      throw new CodedError({
        code: 'REQUEST_KEY_USED',
        message: 'Another request was made under this key.',
        remedy: 'Take a new key for each request.',
      });
    const answer = before?.answer ?? (await this.#make(order, sha256Hex(`${place} ${asked}`).slice(0, 32)));
    this.#answers.set(place, { order: asked, answer });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MOST_ANSWERS && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }

  async #make({ seen, identity, ...asked }: DeskOrder, id: string | null): Promise<DeskAnswer> {
    const repository = await this.#parts.open();
    let stand: Stand | null = null;
    const assertSeen = async (found: FoundRollout, head: string): Promise<void> => {
      if (id !== null) await assertNew(repository, head, id);
      stand = standOf(found.rollout, head);
      const isMoved =
        isOther(found.rollout, asked.request, seen) || (await isChangedSince(repository, seen, found, head));
      if (isMoved) throw new RequestMoved(asked.rollout, stand);
    };
    const trailers = { 'Slipway-Asked-By': identity, ...(id === null ? {} : { [KEY_TRAILER]: id }) };
    const order: RequestOrder = { ...asked, trailers, assertSeen };
    const facts = { rollout: asked.rollout, act: asked.request.verb, command: commandOf(asked.rollout, asked.request) };
    try {
      const { title, file, before, after, commit } = await pushRequest({ ...this.#parts, repository }, order);
      const diff = changedLines(before, after).join('\n');
      return { ...facts, title, file, diff, message: messageOf(order, { title }), commit, stand };
    } catch (thrown) {
      if (!(thrown instanceof MadeBefore)) throw thrown;
      const [made] = await repository.log(thrown.commit, 1);
      const message = made?.message ?? '';
      return {
        ...facts,
        title: message.split('\n', 1)[0] ?? '',
        file: '',
        diff: '',
        message,
        commit: thrown.commit,
        stand,
      };
    }
  }
}

async function assertNew(repository: Pick<ManifestsRepository, 'log'>, head: string, id: string): Promise<void> {
  for (const { oid, trailers } of await repository.log(head, MOST_COMMITS))
    if (trailers.get(KEY_TRAILER)?.includes(id) === true) throw new MadeBefore(oid);
}

function standOf({ status }: Rollout, head: string): Stand {
  const { revision = null, stage = null, candidate = null, stable = null } = status ?? {};
  const brief = (one: typeof candidate | typeof stable): Stand['stable'] =>
    one && { version: one.version, digest: one.digest };
  return { head, revision, stage, candidate: brief(candidate), stable: brief(stable) };
}

/** Is the rollout about another version, or in another stage? */
function isOther({ status }: Rollout, { verb }: PersonsRequest, { digest, stage }: Seen): boolean {
  if (stage !== undefined && stage !== (status?.stage ?? null)) return true;
  if (digest === undefined) return false;
  const { candidate = null, stable = null, rejected = [] } = status ?? {};
  if (verb === 'retry') return !rejected.some((one) => one.digest === digest);
  if (candidate !== null) return candidate.digest !== digest;
  // What has not started yet is in no status.
  return verb !== 'abort' && stable?.digest !== digest && !rejected.some((one) => one.digest === digest);
}

/** Other rollouts may have moved: only this one's file counts. */
async function isChangedSince(
  repository: EditedRepository,
  seen: Seen,
  { file, text }: FoundRollout,
  head: string,
): Promise<boolean> {
  if (seen.head === undefined || seen.head === head) return false;
  try {
    if ((await repository.isAncestor(seen.head, head)) !== true) return true;
    const then = findInTree(await repository.readTree(seen.head), file);
    if (then?.kind !== 'blob') return true;
    return Buffer.from(await repository.readBlob(then.oid, 1024 * 1024)).toString('utf8') !== text;
  } catch {
    return true;
  }
}
