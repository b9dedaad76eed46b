// Owns the npm package of the service: the sources as JavaScript in the same folders, the screen's script and the device agent made ready.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { build, transform } from 'esbuild';
import { writeVersions } from '../../examples/invoices/train.ts';
import { buildAgentFiles } from '../../fleet-agent/build.ts';
import { bundleScript, READY_SCRIPT } from '../../src/dashboard/assets.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const LAUNCHER = 'src/cli/slipway.mjs';
const ENTRY = 'src/cli/main.ts';
/** What the sources read beside themselves, and what belongs to any package. */
const KEPT = [
  'src/cli/*.mjs',
  'src/**/*.{css,json}',
  'schemas/*.schema.json',
  'deploy/{github,gitlab}/*.yml',
  'deploy/systemd/*',
  '{LICENSE,README.md,CHANGELOG.md,SECURITY.md}',
];
/** Sources that the package has in another form. */
const IN_ANOTHER_FORM: Readonly<Record<string, string>> = {
  'fleet-agent/src/model/onnx-thread.ts': 'fleet-agent/dist/onnx-host.cjs',
};
/** Made while packing, so that the package needs no tool for it. */
const ONLY_FOR_BUILDING = ['esbuild'];

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly [name: string]: unknown;
}

/** The sources that the command line reaches, and the packages that they import. */
async function reachedFrom(entry: string): Promise<{ readonly files: string[]; readonly packages: Set<string> }> {
  const { metafile } = await build({
    ...{ absWorkingDir: ROOT, entryPoints: [entry], bundle: true, platform: 'node', format: 'esm' },
    ...{ packages: 'external', outdir: 'dist', metafile: true, write: false, logLevel: 'error' },
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const named = imports.filter(({ external, path: name }) => external === true && !name.startsWith('node:'));
  const packages = named.map(({ path: name }) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
  return { files: Object.keys(metafile.inputs), packages: new Set(packages) };
}

/** A source as JavaScript: its types go, and each path to another source ends as that one does in the package. */
async function compile(file: string): Promise<string> {
  const text = await readFile(path.join(ROOT, file), 'utf8');
  const { code } = await transform(text, { loader: 'ts', format: 'esm', target: 'node24', sourcefile: file });
  return code.replaceAll(/"(\.{1,2}\/[\w./-]+)\.ts"/g, (literal, reference: string) => {
    const source = path.posix.join(path.posix.dirname(file), `${reference}.ts`);
    if (!existsSync(path.join(ROOT, source))) return literal;
    const target = IN_ANOTHER_FORM[source] ?? source.replace(/\.ts$/, '.js');
    const relative = path.posix.relative(path.posix.dirname(file), target);
    return JSON.stringify(relative.startsWith('.') ? relative : `./${relative}`);
  });
}

/** Exact versions, of the packages that are imported alone. Throws where one is imported that no dependency names. */
function manifestOf(manifest: Manifest, packages: ReadonlySet<string>): Record<string, unknown> {
  const imported = [...packages].filter((name) => !ONLY_FOR_BUILDING.includes(name)).sort();
  const dependencies = imported.map((name) => {
    const version = manifest.dependencies[name];
    if (version === undefined) throw new Error(`${name} is imported, and package.json has it not as a dependency`);
    return [name, version] as const;
  });
  const { name, version, description, license, type, engines, optionalDependencies } = manifest;
  const bin = { slipway: LAUNCHER, 'slipway-agent': 'fleet-agent/dist/slipway-agent.cjs' };
  const kept = { name, version, description, license, type, engines, bin };
  return { ...kept, dependencies: Object.fromEntries(dependencies), optionalDependencies };
}

async function write(folder: string, file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
  await writeFile(path.join(folder, file), text);
}

/** Writes the package's folder. */
export async function assemble(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { files, packages } = await reachedFrom(ENTRY);
  const sources = files.filter((file) => file.endsWith('.ts') && IN_ANOTHER_FORM[file] === undefined);
  for (const file of sources) await write(folder, file.replace(/\.ts$/, '.js'), await compile(file));
  for await (const file of glob(KEPT, { cwd: ROOT })) {
    await cp(path.join(ROOT, file), path.join(folder, file), { recursive: true });
  }
  await write(folder, LAUNCHER, (await readFile(path.join(ROOT, LAUNCHER), 'utf8')).replace('./main.ts', './main.js'));
  await write(folder, path.relative(ROOT, READY_SCRIPT), await bundleScript());
  await buildAgentFiles(path.join(folder, 'fleet-agent/dist'));
  await writeVersions(path.join(folder, 'examples/invoices/files'));
  const manifest = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as Manifest;
  await write(folder, 'package.json', `${JSON.stringify(manifestOf(manifest, packages), null, 2)}\n`);
}

/** Makes `slipway-<version>.tgz` in a folder; returns the file. */
export async function packService(destination: string): Promise<string> {
  const folder = path.join(destination, 'package');
  await assemble(folder);
  const args = ['pack', folder, '--pack-destination', destination, '--json', '--ignore-scripts'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: destination, maxBuffer: 64 * 1024 * 1024 });
  const packed: unknown = JSON.parse(stdout);
  const [one] = Object.values(packed as Record<string, { readonly filename: string }>);
  if (one === undefined) throw new Error('npm packed nothing');
  await rm(folder, { recursive: true });
  return path.join(destination, one.filename);
}

if (import.meta.main) {
  const destination = path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'));
  await mkdir(destination, { recursive: true });
  process.stdout.write(`${await packService(destination)}\n`);
}
