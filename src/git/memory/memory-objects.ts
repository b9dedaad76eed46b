// Owns Git objects in memory: the same bytes under the same ids as any Git, so that equal work gives equal commits.
import { createHash } from 'node:crypto';
import { objectMissing, objectOfOtherType } from '../git-errors.ts';
import type { CommitFacts } from '../manifests-repository.ts';
import { parseCommit } from '../objects/commit-object.ts';
import type { GitObjects, ObjectType } from '../objects/git-objects.ts';
import { parseTree, type RawEntry } from '../objects/tree-object.ts';

export class MemoryObjects implements GitObjects {
  readonly #objects = new Map<string, { readonly type: ObjectType; readonly bytes: Buffer }>();

  async read(oid: string, type: ObjectType): Promise<Buffer> {
    const found = this.#objects.get(oid);
    if (found === undefined) throw objectMissing(oid);
    if (found.type !== type) throw objectOfOtherType(oid, found.type, type);
    return found.bytes;
  }

  async readTree(oid: string): Promise<readonly RawEntry[]> {
    return parseTree(oid, await this.read(oid, 'tree'));
  }

  async readCommit(oid: string): Promise<CommitFacts> {
    return parseCommit(oid, await this.read(oid, 'commit'));
  }

  async write(type: ObjectType, object: Uint8Array): Promise<string> {
    const oid = createHash('sha1').update(`${type} ${object.length}\0`).update(object).digest('hex');
    if (!this.#objects.has(oid)) this.#objects.set(oid, { type, bytes: Buffer.from(object) });
    return oid;
  }

  async sync(): Promise<void> {}
}
