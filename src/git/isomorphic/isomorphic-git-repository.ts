// Owns the manifests repository as a bare mirror in a data folder: fetched, read, committed to and pushed without a work tree.
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { branchNameInvalid, fetchProblem, objectCorrupt, objectMissing, objectTooLarge } from '../git-errors.ts';
import type {
  CommitAuthor,
  CommitDraft,
  CommitFacts,
  CommitSigner,
  FetchOutcome,
  ManifestsRepository,
  ProposalBranches,
  ProposalPush,
  PushOutcome,
  Tree,
} from '../manifests-repository.ts';
import { objectsBetween, writeCommit } from '../objects/commit-writer.ts';
import { TreeReader } from '../objects/tree-reader.ts';
import { withLimit } from '../wire/deadline.ts';
import { type CredentialSource, HttpTransport } from '../wire/http-transport.ts';
import type { Advertisement } from '../wire/pkt-line.ts';
import { type Environment, ProcessTransport } from '../wire/process-transport.ts';
import { parseRemoteAddress } from '../wire/remote-address.ts';
import { fetchPack, listBranches, pushPack } from '../wire/smart-client.ts';
import type { SmartSession, SmartTransport } from '../wire/smart-transport.ts';
import { type Generation, Mirror } from './mirror.ts';
import { lockMirror } from './mirror-lock.ts';
import { DEFAULT_REPOSITORY_LIMITS, type RepositoryLimits } from './repository-limits.ts';

/** Branches named when the one wanted is missing. */
const MOST_SHOWN = 50;

export interface RepositoryOptions {
  /** `https://…`, `ssh://…`, `user@host:path`, `file:///…` or a folder (relative ones from where the process started). */
  readonly remote: string;
  readonly branch: string;
  /** Where the mirror lives; for this process alone. */
  readonly folder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly author: CommitAuthor;
  /** Signs commits; unsigned without. */
  readonly signer?: CommitSigner | undefined;
  readonly credentials?: CredentialSource | undefined;
  /** For the git and ssh commands: PATH, HOME, SSH_AUTH_SOCK. */
  readonly environment?: Environment | undefined;
  readonly insecureHttp?: boolean | undefined;
  readonly limits?: Partial<RepositoryLimits> | undefined;
}

/** Opens (and locks) the mirror. Throws GIT_MIRROR_BUSY, GIT_URL_UNSUPPORTED, GIT_URL_CREDENTIALS; asks nothing of the network. */
export async function openManifestsRepository(options: RepositoryOptions): Promise<IsomorphicGitRepository> {
  const limits = { ...DEFAULT_REPOSITORY_LIMITS, ...options.limits };
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}$/.test(options.branch) || /\.\.|\/\/|\/$|\.lock$/.test(options.branch)) {
    throw branchNameInvalid(options.branch);
  }
  const address = parseRemoteAddress(options.remote, '.');
  const { clock } = options;
  const transport =
    address.kind === 'http'
      ? new HttpTransport({
          address,
          clock,
          limits: limits.transport,
          credentials: options.credentials,
          insecureHttp: options.insecureHttp ?? false,
        })
      : new ProcessTransport({ address, clock, limits: limits.transport, environment: options.environment ?? {} });
  const folder = path.resolve(options.folder);
  const lock = await lockMirror(folder);
  try {
    const mirror = await Mirror.open(folder, { remote: transport.shown, branch: options.branch });
    return new IsomorphicGitRepository(options, limits, transport, mirror, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export class IsomorphicGitRepository implements ManifestsRepository, ProposalBranches {
  readonly #options: RepositoryOptions;
  readonly #limits: RepositoryLimits;
  readonly #transport: SmartTransport;
  readonly #mirror: Mirror;
  readonly #lock: Disposable;
  readonly #trees: TreeReader;
  /** Set when something that must be there could not be read: the next fetch then clones anew. */
  #suspect = false;
  #last: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(
    options: RepositoryOptions,
    limits: RepositoryLimits,
    transport: SmartTransport,
    mirror: Mirror,
    lock: Disposable,
  ) {
    this.#options = options;
    this.#limits = limits;
    this.#transport = transport;
    this.#mirror = mirror;
    this.#lock = lock;
    this.#trees = new TreeReader(limits.tree);
  }

  async fetch(signal?: AbortSignal): Promise<FetchOutcome> {
    return this.#alone(async () => {
      try {
        return await withLimit(this.#deadline('Fetching', signal), (bounded) => this.#fetch(bounded));
      } catch (thrown) {
        const error = toCodedError(thrown, 'GIT_FETCH_FAILED');
        return { kind: 'failed', problem: fetchProblem(error), error };
      }
    });
  }

  knownHead(): string | null {
    return this.#mirror.generation?.head ?? null;
  }

  async #fetch(signal: AbortSignal): Promise<FetchOutcome> {
    const { branch } = this.#options;
    const session = await this.#transport.open('git-upload-pack', signal);
    try {
      const { offered, branches } = await listBranches(this.#transport, session, signal);
      const commit = branches.get(branch);
      if (branches.size === 0) return { kind: 'empty' };
      if (commit === undefined)
        return { kind: 'branch-missing', branch, others: [...branches.keys()].slice(0, MOST_SHOWN) };
      const present = this.#mirror.generation;
      const previous = present?.head ?? null;
      if (present !== undefined && !this.#suspect && commit === previous)
        return { kind: 'head', commit, previous, continues: true };
      const fresh = present === undefined || this.#suspect || (await present.store.packCount()) >= this.#limits.packs;
      await (fresh
        ? this.#clone(session, offered, commit, signal)
        : this.#update(present, session, offered, commit, signal));
      const continues = previous === null || (await this.isAncestor(previous, commit)) === true;
      return { kind: 'head', commit, previous, continues };
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  /** A new generation from a full history: shallow mirrors could not tell whether a head continues the one before. */
  async #clone(session: SmartSession, offered: Advertisement, commit: string, signal: AbortSignal): Promise<void> {
    await this.#mirror.removeOthers();
    const generation = await this.#mirror.begin();
    await this.#addPack(generation, session, offered, commit, [], signal);
    await generation.setHead(commit);
    await this.#mirror.adopt(generation);
    this.#suspect = false;
    this.#options.logger.info('git mirror cloned', { remote: this.#transport.shown, commit });
  }

  async #update(
    generation: Generation,
    session: SmartSession,
    offered: Advertisement,
    commit: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#addPack(generation, session, offered, commit, await this.#haves(generation), signal);
    await generation.setHead(commit);
  }

  async #haves({ head, history }: Generation): Promise<readonly string[]> {
    return head === null ? [] : history.offers(head);
  }

  async #addPack(
    generation: Generation,
    session: SmartSession,
    offered: Advertisement,
    commit: string,
    haves: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const request = { want: commit, haves, shallow: [...generation.shallow], limits: this.#limits.pack };
    const { pack, objects, shallow } = await fetchPack(this.#transport, session, offered, request, signal);
    signal.throwIfAborted();
    if (objects > 0) await generation.store.addPack(pack, objects);
    await generation.addShallow(shallow);
    if (!(await generation.isReadable(commit))) {
      this.#suspect = haves.length > 0;
      throw objectCorrupt(commit, `${this.#transport.shown} sent a pack without it or without its tree`);
    }
  }

  async readTree(commit: string): Promise<Tree> {
    const { store } = this.#generation(commit);
    const { tree } = await store.readCommit(commit);
    return this.#reading(() => this.#trees.read(store, tree));
  }

  async readBlob(oid: string, limitBytes: number): Promise<Uint8Array> {
    const { store } = this.#generation(oid);
    const bytes = await this.#reading(() => store.read(oid, 'blob'));
    if (bytes.length > limitBytes) throw objectTooLarge(oid, bytes.length, limitBytes);
    return bytes;
  }

  async commit(draft: CommitDraft): Promise<string> {
    const { author, signer } = this.#options;
    return this.#alone(() => writeCommit(this.#generation(draft.parent).store, draft, signer ?? author, signer));
  }

  async push(commit: string, expectedHead: string, signal?: AbortSignal): Promise<PushOutcome> {
    const { branch } = this.#options;
    return this.pushBranch({ branch, commit, base: expectedHead, expected: expectedHead }, signal);
  }

  async pushBranch({ branch, commit, base, expected }: ProposalPush, signal?: AbortSignal): Promise<PushOutcome> {
    return this.#alone(async () => {
      const generation = this.#generation(commit);
      const { store } = generation;
      const pack = async (): Promise<Buffer> =>
        store.makePack(await objectsBetween(store, base, commit, this.#limits.commitsPerPush));
      const request = { ref: `refs/heads/${branch}`, from: expected, to: commit, pack };
      const push = (bounded: AbortSignal): Promise<PushOutcome> => pushPack(this.#transport, request, bounded);
      const outcome = await withLimit(this.#deadline('Pushing to', signal), push).catch(
        (thrown: unknown): PushOutcome => ({ kind: 'unknown', error: toCodedError(thrown, 'GIT_PUSH_FAILED') }),
      );
      if (outcome.kind === 'pushed' && branch === this.#options.branch) await generation.setHead(commit);
      return outcome;
    });
  }

  async fetchBranch(branch: string, signal?: AbortSignal): Promise<string | null> {
    return this.#alone(() =>
      withLimit(this.#deadline('Fetching', signal), (bounded) => this.#fetchBranch(branch, bounded)),
    );
  }

  async #fetchBranch(branch: string, signal: AbortSignal): Promise<string | null> {
    const session = await this.#transport.open('git-upload-pack', signal);
    try {
      const { offered, branches } = await listBranches(this.#transport, session, signal);
      const [commit, { generation }] = [branches.get(branch), this.#mirror];
      if (commit === undefined || generation === undefined) return null;
      if (await generation.isReadable(commit)) return commit;
      await this.#addPack(generation, session, offered, commit, await this.#haves(generation), signal);
      return commit;
    } finally {
      await session[Symbol.asyncDispose]();
    }
  }

  #deadline(what: string, signal: AbortSignal | undefined): Parameters<typeof withLimit>[0] {
    const { clock } = this.#options;
    return { clock, limitMs: this.#limits.operationMs, signal, what: `${what} ${this.#transport.shown}` };
  }

  async isAncestor(ancestor: string, descendant: string): Promise<boolean | 'unknown'> {
    return this.#generation(descendant).history.isAncestor(ancestor, descendant);
  }

  async log(from: string, most: number): Promise<readonly CommitFacts[]> {
    return this.#generation(from).history.log(from, undefined, most);
  }

  async logUntil(from: string, until: string, most: number): Promise<readonly CommitFacts[]> {
    return this.#generation(from).history.log(from, until, most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return;
    await this.#last.catch(() => {});
    this.#disposed = true;
    this.#lock[Symbol.dispose]();
  }

  #generation(oid: string): Generation {
    const { generation } = this.#mirror;
    if (generation === undefined || this.#disposed) throw objectMissing(oid);
    return generation;
  }

  /** What a snapshot needs must be readable; where it is not, the mirror is damaged. */
  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof CodedError && (error.code === 'GIT_OBJECT_MISSING' || error.code === 'GIT_OBJECT_CORRUPT'))
        this.#suspect = true;
      throw error;
    }
  }

  /** One writer at a time, in the order asked. */
  #alone<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(run, run);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
