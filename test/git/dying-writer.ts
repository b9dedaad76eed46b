// Owns a process for the kill tests that dies at its n-th step of writing: half through a file, at its end, or after a rename.
import { createRequire, flushCompileCache, syncBuiltinESMExports } from 'node:module';

const [remote = '', folder = '', lastStep = '0', packs = '200'] = process.argv.slice(2);
const files = createRequire(import.meta.url)('node:fs/promises') as typeof import('node:fs/promises');
const { open, rename, writeFile, mkdir } = files;
let step = 0;

function dieIfDue(): void {
  if (++step === Number(lastStep)) process.kill(process.pid, 'SIGKILL');
}

type Data = Uint8Array | string;

async function inHalves(write: (data: Data) => Promise<void>, data: Data): Promise<void> {
  if (step + 1 === Number(lastStep)) await write(data.slice(0, data.length / 2));
  dieIfDue();
  await write(data);
  dieIfDue();
}

files.open = async (...args) => {
  const handle = await open(...args);
  const write = handle.writeFile.bind(handle);
  handle.writeFile = ((data: Data) => inHalves(write, data)) as typeof handle.writeFile;
  return handle;
};
files.writeFile = ((file: string, data: Data) =>
  inHalves((part) => writeFile(file, part), data)) as typeof files.writeFile;
files.rename = async (...args) => {
  await rename(...args);
  dieIfDue();
};
files.mkdir = (async (...args: Parameters<typeof mkdir>) => {
  const made = await mkdir(...args);
  dieIfDue();
  return made;
}) as typeof files.mkdir;
syncBuiltinESMExports();

const { SystemClock } = await import('../../src/base/clock.ts');
const { silentLogger } = await import('../../src/base/logger.ts');
const { openManifestsRepository } = await import('../../src/git/isomorphic/isomorphic-git-repository.ts');
const { sameStep } = await import('./git-fixture.ts');
// Killed processes don't write it by themselves, and dozens of them start.
flushCompileCache();
const repository = await openManifestsRepository({
  remote,
  branch: 'main',
  folder,
  clock: new SystemClock(),
  logger: silentLogger,
  author: { name: 'Slipway', email: 'slipway@example.org' },
  environment: { PATH: process.env.PATH },
  limits: { packs: Number(packs) },
});
const outcome = await repository.fetch();
if (outcome.kind !== 'head') throw new Error(outcome.kind);
const commit = await repository.commit(sameStep(outcome.commit));
// It goes no further than to the push: what reached the host is the other tests' matter.
console.log(commit);
