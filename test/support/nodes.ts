// Owns which Nodes tests find on this machine.
import { execFileSync } from 'node:child_process';
import path from 'node:path';

/** Every Node here from 20 on, by version: the one that runs this, and the one on the path, which may be older. */
export function findNodes(): readonly [version: string, file: string][] {
  const nodes = new Map([[process.version, process.execPath]]);
  for (const folder of ['/usr/bin', '/usr/local/bin', ...(process.env.PATH ?? '').split(path.delimiter)]) {
    try {
      const file = path.join(folder, 'node');
      const version = execFileSync(file, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      if (Number(/^v(\d+)/.exec(version)?.[1]) >= 20) nodes.set(version, file);
    } catch {
      // no Node in this folder
    }
  }
  return [...nodes];
}
