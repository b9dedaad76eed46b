// Owns the Debian packages: service and agent out of the same files as elsewhere, each with the Node that it runs on.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { VERSION } from '../../src/base/version.ts';
import { assemble } from '../npm/pack.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
/** As Node and as Debian name machines. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const SCRIPTS = ['postinst', 'prerm', 'postrm'];
/** Of the Node in npm: what nobody runs. */
const LEFT_OUT_OF_NODE = ['include', 'share', 'README.md', 'CHANGELOG.md'];

/** As Debian's own tools take it from the environment. */
const { DEBFULLNAME = 'Slipway', DEBEMAIL = 'slipway@slipway.example' } = process.env;
const MAINTAINER = `${DEBFULLNAME} <${DEBEMAIL}>`;

export interface DebianOptions {
  /** As Node names it. */
  readonly arch: string;
  /** As `dpkg-deb -Z` names it. */
  readonly compression: string;
}

/** One package: what differs between service and agent. */
interface Package {
  readonly name: string;
  readonly summary: string;
  /** Of its data folder. */
  readonly dataMode: string;
  /** The program that its command runs. */
  readonly program: string;
  /** Puts the programs and Node into a folder, `/usr/lib/<name>` once installed. `service` is that of the service. */
  readonly fill: (folder: string, arch: string, service: string) => Promise<void>;
  /** Starts only where there is a configuration. */
  readonly unit: (arch: string) => Promise<string>;
}

const nodeOf = (arch: string): string => `node_modules/node-linux-${arch}/bin/node`;

const SERVICE: Package = {
  name: 'slipway',
  summary: 'GitOps for ML models on fleets of devices: service and command line',
  dataMode: '0700',
  program: 'src/cli/slipway.mjs',
  async fill(folder, arch) {
    await assemble(folder);
    await installPackages(folder, arch);
  },
  async unit() {
    const text = await readFile(path.join(ROOT, 'deploy/systemd/slipway.service'), 'utf8');
    return text
      .replace('/usr/local/bin/slipway', '/usr/bin/slipway')
      .replace('[Service]\n', '[Service]\nEnvironment=NODE_DISABLE_COMPILE_CACHE=1\n')
      .replace('\n\n[Service]', '\nConditionPathExists=/var/lib/slipway/trust-policy.yaml\n\n[Service]');
  },
};

const AGENT: Package = {
  name: 'slipway-agent',
  summary: 'GitOps for ML models on fleets of devices: agent of a device',
  dataMode: '0750',
  program: 'slipway-agent.cjs',
  async fill(folder, arch, service) {
    for (const file of ['slipway-agent.cjs', 'onnx-host.cjs'])
      await copyFile(path.join(service, 'fleet-agent/dist', file), path.join(folder, file));
    // The package of the service is made by now, and Node is large.
    await mkdir(path.join(folder, 'node_modules'));
    const node = `node_modules/node-linux-${arch}`;
    await rename(path.join(service, node), path.join(folder, node));
  },
  async unit(arch) {
    const text = await readFile(path.join(ROOT, 'fleet-agent/slipway-agent.service'), 'utf8');
    return text
      .replace('/usr/bin/node', `/usr/lib/slipway-agent/${nodeOf(arch)}`)
      .replace('/opt/slipway-agent/', '/usr/lib/slipway-agent/')
      .replace('\n\n[Service]', '\nConditionPathExists=/etc/slipway-agent/config.yaml\n\n[Service]');
  },
};

/** At the versions, and with the digests, of the lock file; Node for the machine that the package is for. */
async function installPackages(folder: string, arch: string): Promise<void> {
  const lock = path.join(folder, 'package-lock.json');
  await copyFile(path.join(ROOT, 'package-lock.json'), lock);
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const args = [
    'install',
    '--omit=dev',
    '--ignore-scripts',
    '--prefer-offline',
    '--os=linux',
    `--cpu=${arch}`,
    ...quiet,
  ];
  await run('npm', args, { cwd: folder });
  const node = path.join(folder, 'node_modules', `node-linux-${arch}`);
  await stat(path.join(node, 'bin/node'));
  const unused = [lock, ...['.package-lock.json', '.bin'].map((name) => path.join(folder, 'node_modules', name))];
  for (const file of [...unused, ...LEFT_OUT_OF_NODE.map((name) => path.join(node, name))])
    await rm(file, { recursive: true, force: true });
  for (const file of await filesBelow(folder)) {
    if (path.basename(file).startsWith('.')) await rm(path.join(folder, file));
    else if (file !== nodeOf(arch)) await chmod(path.join(folder, file), 0o644);
  }
}

/** Finds its folder by itself, so that it can be tried before it is installed. */
async function writeLauncher(folder: string, { name, program }: Package, arch: string): Promise<void> {
  const text = `#!/bin/sh
# Runs ${name} on the Node of this package. Compiled code is kept for each user, never beside the program; root runs none
# that lies in a folder of somebody else's.
set -e
folder=$(dirname "$(readlink -f "$0")")/..
: "\${NODE_COMPILE_CACHE:=\${XDG_CACHE_HOME:-\${HOME:-/nonexistent}/.cache}/${name}}"
export NODE_COMPILE_CACHE
[ "$(id -u)" -ne 0 ] || export NODE_DISABLE_COMPILE_CACHE=1
exec "$folder/${nodeOf(arch)}" "$folder/${program}" "$@"
`;
  await mkdir(path.join(folder, 'bin'));
  await writeFile(path.join(folder, 'bin', name), text, { mode: 0o755 });
}

async function write(root: string, file: string, content: string | Buffer, mode = 0o644): Promise<void> {
  await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  await writeFile(path.join(root, file), content);
  await chmod(path.join(root, file), mode);
}

/** The files of the package below a root, and what dpkg has to know below `DEBIAN`. */
async function lay(root: string, one: Package, options: DebianOptions, service: string): Promise<void> {
  const { name } = one;
  const programs = path.join(root, 'usr/lib', name);
  await mkdir(programs, { recursive: true });
  await one.fill(programs, options.arch, service);
  await writeLauncher(programs, one, options.arch);
  await mkdir(path.join(root, 'usr/bin'), { recursive: true });
  await symlink(`../lib/${name}/bin/${name}`, path.join(root, 'usr/bin', name));
  await write(root, `usr/lib/systemd/system/${name}.service`, await one.unit(options.arch));
  await write(root, `usr/lib/sysusers.d/${name}.conf`, `u ${name} - "Slipway" /var/lib/${name}\n`);
  await write(root, `usr/lib/tmpfiles.d/${name}.conf`, `d /var/lib/${name} ${one.dataMode} ${name} ${name}\n`);
  const own = path.join(ROOT, 'deploy/debian', name);
  await cp(path.join(own, 'etc'), path.join(root, 'etc'), { recursive: true });
  const doc = `usr/share/doc/${name}`;
  await write(root, `${doc}/copyright`, await readFile(path.join(ROOT, 'deploy/debian/copyright')));
  await write(root, `${doc}/changelog.gz`, gzipSync(changelogOf(name), { level: 9 }));
  await write(root, `usr/share/lintian/overrides/${name}`, await readFile(path.join(own, 'lintian-overrides')));
  await writeControl(root, one, options);
}

/** Debian's form; what changed stands in CHANGELOG.md. */
function changelogOf(name: string): string {
  const { SOURCE_DATE_EPOCH } = process.env;
  const date = SOURCE_DATE_EPOCH === undefined ? new Date() : new Date(Number(SOURCE_DATE_EPOCH) * 1000);
  const signed = ` -- ${MAINTAINER}  ${date.toUTCString().replace('GMT', '+0000')}`;
  return `${name} (${VERSION}) stable; urgency=medium\n\n  * Version ${VERSION} of Slipway.\n\n${signed}\n`;
}

async function writeControl(root: string, one: Package, { arch }: DebianOptions): Promise<void> {
  const { name, summary } = one;
  const files = await filesBelow(root);
  const sizes = await Promise.all(files.map(async (file) => (await stat(path.join(root, file))).size));
  const conffiles = files.filter((file) => file.startsWith('etc/'));
  for (const file of conffiles) await chmod(path.join(root, file), 0o640);
  const sums = await Promise.all(
    files
      .filter((file) => !file.startsWith('etc/'))
      .map(async (file) => `${await md5(path.join(root, file))}  ${file}\n`),
  );
  const control = {
    ...{ Package: name, Version: VERSION, Architecture: ARCHITECTURES[arch], Section: 'net', Priority: 'optional' },
    ...{
      Maintainer: MAINTAINER,
      'Installed-Size': Math.ceil(sizes.reduce((a, b) => a + b, 0) / 1024),
    },
    Depends: 'libc6 (>= 2.28), libgcc-s1, libstdc++6, systemd',
    Description: `${summary}\n It brings the Node.js that it runs on, and a unit of systemd that starts\n once there is a configuration.`,
  };
  await write(
    root,
    'DEBIAN/control',
    Object.entries(control)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  await write(root, 'DEBIAN/conffiles', conffiles.map((file) => `/${file}\n`).join(''));
  await write(root, 'DEBIAN/md5sums', sums.join(''));
  for (const script of SCRIPTS) {
    const text = await readFile(path.join(ROOT, 'deploy/debian', script), 'utf8');
    await write(root, `DEBIAN/${script}`, text.replaceAll('@NAME@', name), 0o755);
  }
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => path.relative(root, path.join(entry.parentPath, entry.name))).sort();
}

async function md5(file: string): Promise<string> {
  return createHash('md5')
    .update(await readFile(file))
    .digest('hex');
}

/** Makes both packages in a folder. SOURCE_DATE_EPOCH makes them alike, byte for byte, wherever they are made. */
export async function packDebian(destination: string, options: DebianOptions): Promise<void> {
  const architecture = ARCHITECTURES[options.arch];
  if (architecture === undefined) throw new Error(`${options.arch} is no machine of these packages: x64 or arm64`);
  const work = await mkdtemp(path.join(tmpdir(), 'slipway-debian-'));
  try {
    for (const one of [SERVICE, AGENT]) {
      const root = path.join(work, one.name);
      await lay(root, one, options, path.join(work, SERVICE.name, 'usr/lib', SERVICE.name));
      const args = ['--root-owner-group', `-Z${options.compression}`, '--build', root, destination];
      await run('dpkg-deb', args, { maxBuffer: 16 * 1024 * 1024 });
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
