// Owns writing a branch that is in memory as a real bare repository, for tests that ask Git itself.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import type { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';

/** Loose objects, all that the branch's head reaches. */
export async function writeRepository(
  { objects, ...host }: MemoryGitHost,
  head: string,
  folder: string,
): Promise<void> {
  void host;
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', folder]);
  const write = (type: string, bytes: Uint8Array): boolean => {
    const whole = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes]);
    const oid = createHash('sha1').update(whole).digest('hex');
    const file = path.join(folder, 'objects', oid.slice(0, 2), oid.slice(2));
    if (existsSync(file)) return false;
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, deflateSync(whole, { level: 1 }));
    return true;
  };
  const writeTree = async (oid: string): Promise<void> => {
    if (!write('tree', await objects.read(oid, 'tree'))) return;
    for (const { oid: child, mode } of await objects.readTree(oid)) {
      if (mode.endsWith('40000')) await writeTree(child);
      else write('blob', await objects.read(child, 'blob'));
    }
  };
  const left = [head];
  for (let oid = left.pop(); oid !== undefined; oid = left.pop()) {
    const { tree, parents } = await objects.readCommit(oid);
    if (!write('commit', await objects.read(oid, 'commit'))) continue;
    await writeTree(tree);
    left.push(...parents);
  }
  execFileSync('git', ['-C', folder, 'update-ref', 'refs/heads/main', head]);
}
