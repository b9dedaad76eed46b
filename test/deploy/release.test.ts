// Proves a release: its list and checksums hold for each file and are signed, and its Debian packages install, run, upgrade and go.
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CommandBlock } from '../../.ci/page-commands.ts';
import { PROTOCOL } from '../../src/contract/protocol.ts';
import { filledIn, page } from '../support/pages.ts';
import { isThere, testOrSkip } from '../support/systemd.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-release-'));
const release = path.join(folder, 'release');
const at = (...names: string[]): string => path.join(folder, ...names);
const HAS_DEBIAN = isThere('dpkg-deb');
const NAMES = ['slipway', 'slipway-agent'] as const;
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
const packageOf = (name: string): string => path.join(release, `${name}_0.1.0_${ARCHITECTURE}.deb`);

/** `$0` is the root of the image, `$1` the programs above the system's, `$2` the volume; then the command. */
const AS_IMAGE = `set -e
mount --bind "$0" "$0"
mount -t overlay overlay -o "lowerdir=$1:/usr" "$0/usr"
mount --bind "$2" "$0/var/lib/slipway"
mount -t tmpfs tmpfs "$0/tmp"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -o remount,ro,bind "$0"
shift 2
exec "$@"`;
const CAN_MOUNT = isThere('unshare', ['--mount', 'true']);

/** Owners of files are part of a package, so only root installs one. */
function asRoot(title: string, body: () => Promise<void>): void {
  if (process.getuid?.() === 0) testOrSkip('dpkg-deb', title, body);
  else test.skip(`${title} (only root can install)`);
}

function slipway(...args: string[]): Promise<{ stdout: string; code: number }> {
  return run(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], { cwd: release }).then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (failed: { stdout: string; code: number }) => failed,
  );
}

const [MAKE, CHECK, CHECK_BY_HAND] = page('docs/how-to/install.md', ['test/deploy/release.test.ts']);

/** A block of the page, with our places for its own; answers with what it printed. */
async function type(block: CommandBlock | undefined, cwd: string, ...own: [string, string][]): Promise<string> {
  const typed = filledIn(block === undefined ? [] : [block], own).flatMap(({ commands }) => commands);
  const slipwayHere = `slipway() { '${process.execPath}' '${path.join(ROOT, 'src/cli/main.ts')}' "$@"; }`;
  const script = ['set -euo pipefail', slipwayHere, ...typed.map(({ command }) => command)].join('\n');
  return (await run('bash', ['-c', script], { cwd })).stdout;
}

beforeAll(async () => {
  mkdirSync(release);
  const parts = HAS_DEBIAN ? 'agent debian' : 'agent';
  await type(
    MAKE,
    ROOT,
    ['--out release', `--out ${at('release')}`],
    ['--key release.key', `--key ${at('release.key')} ${parts} --out ${release} --compression none`],
  );
}, 480_000);
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('the list of a release', () => {
  test('names version, protocol and each file with its platforms and its digest', () => {
    const list = JSON.parse(readFileSync(path.join(release, 'release.json'), 'utf8'));
    expect(list).toMatchObject({ kind: 'SlipwayRelease', version: '0.1.0', protocol: PROTOCOL });
    expect(list.node).toEqual({ agent: '>=20', bundled: expect.stringMatching(/^24\./) });
    const names = list.files.map((file: { name: string }) => file.name);
    expect(names).toEqual(expect.arrayContaining(['onnx-host.cjs', 'slipway-agent.cjs', 'slipway-agent.service']));
    for (const { name, sha256, sizeBytes, platforms } of list.files) {
      const bytes = readFileSync(path.join(release, name));
      expect([name, createHash('sha256').update(bytes).digest('hex')]).toEqual([name, sha256]);
      expect([bytes.length, platforms.length > 0]).toEqual([sizeBytes, true]);
    }
  });

  test('is checked as the page says: by slipway verify, and by hand with sha256sum and openssl', async () => {
    const key: [string, string] = ['release.pub', at('release.pub')];
    const checked = await type(CHECK, release, key);
    expect(checked).toMatch(/^good .*release.json.*\ngood .*SUMS.*\n(.*: OK\n)+$/);
    expect(readFileSync(path.join(release, 'SHA256SUMS'), 'utf8')).toMatch(/ {2}release\.json$/m);
    expect(
      await type(
        CHECK_BY_HAND,
        release,
        key,
        ['> signature', `> ${at('signature')}`],
        ['-signature signature', `-signature ${at('signature')}`],
      ),
    ).toBe('Verified OK\n');
  });

  test('is refused when it is changed, signed by another key, or not signed', async () => {
    for (const suffix of ['', '.sigstore.json'])
      writeFileSync(at(`SHA256SUMS${suffix}`), readFileSync(path.join(release, `SHA256SUMS${suffix}`)));
    appendFileSync(at('SHA256SUMS'), '0'.repeat(64));
    const changed = await slipway('verify', '--key', at('release.pub'), at('SHA256SUMS'));
    expect(changed).toMatchObject({ code: 1, stdout: expect.stringContaining('SIGNATURE_WRONG') });
    await slipway('keygen', '--out', at('other'));
    const foreign = await slipway('verify', '--key', at('other.pub'), 'release.json');
    expect(foreign).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('SIGNER_UNKNOWN: It is not signed with'),
    });
    const bare = await slipway('verify', '--key', at('release.pub'), 'slipway-agent.cjs');
    expect(bare).toMatchObject({ code: 1, stdout: expect.stringContaining('SIGNATURE_MISSING') });
  });
});

describe('the Debian packages', () => {
  const root = at('root');
  const inRoot = (...names: string[]): string => path.join(root, ...names);
  /** As whoever builds an image does: scripts run outside, and dependencies are the image's. */
  const dpkg = (...args: string[]) => {
    const forced = ['depends', 'not-root', 'unsafe-io', 'script-chrootless', 'confold'].map((one) => `--force-${one}`);
    return run('dpkg', [`--root=${root}`, ...forced, ...args]);
  };
  const WANTS = 'etc/systemd/system/multi-user.target.wants';

  asRoot('install with user, folder and an enabled unit, and run on their own Node', async () => {
    for (const name of ['info', 'updates', 'triggers']) mkdirSync(inRoot('var/lib/dpkg', name), { recursive: true });
    writeFileSync(inRoot('var/lib/dpkg/status'), '');
    mkdirSync(inRoot('etc'));
    await dpkg('--install', ...NAMES.map(packageOf));
    for (const name of NAMES) {
      expect(readFileSync(inRoot('etc/passwd'), 'utf8')).toContain(`:/var/lib/${name}:`);
      const mode = (statSync(inRoot('var/lib', name)).mode & 0o777).toString(8);
      expect([name, mode]).toEqual([name, name === 'slipway' ? '700' : '750']);
      expect(existsSync(inRoot('usr/lib/systemd/system', `${name}.service`))).toBe(true);
      // With none of the machine's Nodes on the path.
      const environment = { PATH: '/usr/bin:/bin', HOME: folder };
      const { stdout } = await run(inRoot('usr/bin', name), ['--version'], { env: environment });
      expect([name, stdout]).toEqual([name, '0.1.0\n']);
    }
    const { stdout } = await run('ls', [inRoot(WANTS)]);
    expect(stdout.trim().split('\n')).toEqual(['slipway-agent.service', 'slipway.service']);
  });

  asRoot('have units that systemd takes, with few rights, and that wait for a configuration', async () => {
    for (const [name, condition] of [
      ['slipway', '/var/lib/slipway/trust-policy.yaml'],
      ['slipway-agent', '/etc/slipway-agent/config.yaml'],
    ] as const) {
      const unit = readFileSync(inRoot('usr/lib/systemd/system', `${name}.service`), 'utf8');
      expect(unit).toContain(`\nConditionPathExists=${condition}\n`);
      const program = /^ExecStart=(\S+)/m.exec(unit)?.[1] ?? '';
      expect(existsSync(inRoot(program)) || program).toBe(true);
      const file = at(`${name}.service`);
      writeFileSync(file, unit.replace(program, inRoot(program)));
      const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
      expect(verified.stdout + verified.stderr).toBe('');
      const how = ['security', '--offline=true', '--no-pager', '--threshold=20', file];
      expect((await run('systemd-analyze', how)).stdout).toMatch(/Overall exposure level .*: 1\.\d OK/);
    }
  });

  // What the image and its pod are, without a registry: the package over the system's programs, all of it read-only but the volume.
  test.skipIf(!HAS_DEBIAN || !CAN_MOUNT)(
    'serve without root on a read-only root (where this test may mount)',
    async () => {
      const links = ['bin', 'lib', 'lib64'].map((name) => `ln -s usr/${name} "$1/${name}";`).join(' ');
      const folders = ['usr', 'etc', 'proc', 'dev', 'tmp', 'var/lib/slipway'].map((name) => `"$1/${name}"`).join(' ');
      await run('sh', ['-c', `mkdir -p ${folders} && ${links}`, 'sh', at('image')]);
      mkdirSync(at('volume'));
      await run('chown', ['65532:65532', at('volume')]);
      const variables = [
        'HOME=/tmp',
        'NODE_DISABLE_COMPILE_CACHE=1',
        'SLIPWAY_HOME=/var/lib/slipway/home',
        'PATH=/usr/bin:/bin',
      ];
      const author = ['GIT_AUTHOR_NAME=alice', 'GIT_AUTHOR_EMAIL=alice@example.org', 'SLIPWAY_LISTEN=127.0.0.1:0'];
      const inside = ['/usr/sbin/chroot', '--userspec=65532:65532', at('image'), 'env', '-i', ...variables, ...author];
      const how = ['--mount', 'sh', '-c', AS_IMAGE, at('image'), inRoot('usr'), at('volume'), ...inside];
      const touched = await run('unshare', [...how, 'touch', '/usr/lib/slipway/x']).catch((failed) => failed);
      expect(touched.stderr).toContain('Read-only file system');
      const models = ['--home', '/var/lib/slipway/home', '--example', '/var/lib/slipway/models'];
      await run('unshare', [...how, 'slipway', 'init', ...models]);
      const child = spawn('unshare', [...how, 'slipway', 'run', '--repo', '/var/lib/slipway/models']);
      const ended = once(child, 'exit');
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8');
      });
      try {
        const address = () => /"url":"([^"]+)"/.exec(log)?.[1];
        const url = await until(address, () => log);
        await until(
          async () => (await fetch(`${url}/readyz`)).ok,
          () => log,
        );
      } finally {
        child.kill('SIGTERM');
      }
      expect([(await ended)[0], log]).toEqual([0, expect.not.stringContaining('"level":"error"')]);
    },
  );

  asRoot('leave settings as people wrote them at an upgrade, and data at a purge', async () => {
    const settings = inRoot('etc/slipway/service.env');
    appendFileSync(settings, 'SLIPWAY_REPO=https://git.example/models.git\n');
    writeFileSync(inRoot('var/lib/slipway/slipway.db'), 'what people need');
    rmSync(inRoot(WANTS, 'slipway.service'));
    await dpkg('--install', packageOf('slipway'));
    expect(readFileSync(settings, 'utf8')).toContain('SLIPWAY_REPO=https');
    expect(existsSync(inRoot(WANTS, 'slipway.service')), 'who disabled it finds it disabled').toBe(false);
    await dpkg('--remove', 'slipway');
    expect([existsSync(settings), existsSync(inRoot('usr/lib/slipway'))]).toEqual([true, false]);
    const { stdout } = await dpkg('--purge', ...NAMES);
    expect(stdout).toContain('/var/lib/slipway stays');
    expect([existsSync(settings), existsSync(inRoot('etc/slipway-agent'))]).toEqual([false, false]);
    expect(existsSync(inRoot('var/lib/slipway/slipway.db'))).toBe(true);
  });
});
