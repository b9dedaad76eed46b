// Owns the Git server of a benchmark in a process of its own, so that neither side's event loop pays for it.
import { startGitHttpServer } from '../src/cli/demo/git-http-server.ts';

const [root = ''] = process.argv.slice(2);
const server = await startGitHttpServer({ root });
process.send?.(server.url);
process.once('disconnect', () => process.exit(0));
