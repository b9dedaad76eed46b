// Proves that the npm package works where no checkout is: installed out of its tarball, on each Node that is here, from `init` to the screen.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNodes } from '../support/nodes.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-package-'));
const prefix = path.join(folder, 'prefix');
const installed = path.join(prefix, 'lib/node_modules/slipway');
const NODES = findNodes();

/** The folders of a person: the programs of the package, one Node, and the system's. */
function environment(node: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const PATH = [path.dirname(node), path.join(prefix, 'bin'), '/usr/bin', '/bin'].join(path.delimiter);
  return { PATH, HOME: folder, GIT_AUTHOR_NAME: 'alice', GIT_AUTHOR_EMAIL: 'alice@example.org', ...more };
}

const slipway = (args: readonly string[], more?: Readonly<Record<string, string>>, node = process.execPath) =>
  run('slipway', args, { cwd: folder, env: environment(node, more) });

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [path.join(ROOT, 'deploy/npm/pack.ts'), path.join(folder, 'dist')]);
  const args = ['install', '--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', [...args, stdout.trim()], { cwd: folder });
}, 480_000);
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('the package', () => {
  test('has neither sources nor what only building needs, and runs no script when it is installed', () => {
    const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
    expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(['scripts', 'devDependencies', 'workspaces']));
    for (const name of [
      'src/cli/main.ts',
      'node_modules/esbuild',
      'node_modules/onnxruntime-web',
      'node_modules/vitest',
    ])
      expect([name, existsSync(path.join(installed, name))]).toEqual([name, false]);
  });

  test.each(NODES)('says its version, and the agent its own, on %s', async (_, node) => {
    expect((await slipway(['--version'], {}, node)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const agent = await run('slipway-agent', ['--version'], { env: environment(node) });
    expect(agent.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('begins a repository that is valid, and names commands as they are called here', async () => {
    const { stdout } = await slipway(['init', 'models', '--example']);
    expect(stdout).toContain('\n  slipway run --repo models\n');
    const checked = await slipway(['validate', '--repo', 'models', '--trust', '.slipway/trust-policy.yaml']);
    expect(checked.stdout).toContain('no errors');
  });

  test('asks a model its example in the runtime of devices', async () => {
    writeFileSync(path.join(folder, 'sorter.onnx'), constantClassifier(2));
    writeFileSync(path.join(folder, 'one.json'), '{ "inputs": { "x": [1, 0, 0, 0] } }');
    const manifest = 'models/models/sorter/1.0.0.yaml';
    await slipway(['package', 'sorter.onnx', '--manifest', manifest, '--example', 'one.json']);
    expect(readFileSync(path.join(folder, manifest), 'utf8')).toContain('examples:');
  });

  test('serves: status answers, and the screen has its sheet and its script', async () => {
    const tokens = { SLIPWAY_VIEWER_TOKEN: 'v'.repeat(32) };
    const args = ['run', '--repo', 'models', '--listen', '127.0.0.1:0', '--insecure-http', '--poll', '1s'];
    const child = spawn('slipway', args, {
      cwd: folder,
      env: environment(process.execPath, tokens),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString('utf8');
    });
    const ended = once(child, 'exit');
    try {
      const url = await until(
        () => /"url":"([^"]+)"/.exec(log)?.[1],
        () => log,
      );
      const status = await slipway(['status', '--server', url, '--json'], {
        SLIPWAY_TOKEN: tokens.SLIPWAY_VIEWER_TOKEN,
      });
      expect(JSON.parse(status.stdout)).toBeTypeOf('object');
      const page = await (await fetch(`${url}/login`)).text();
      expect(page).toContain('<html');
      const front = await fetch(`${url}/`, { headers: { authorization: `Bearer ${tokens.SLIPWAY_VIEWER_TOKEN}` } });
      const assets = [...(await front.text()).matchAll(/"(\/assets\/[0-9a-f]+\.(?:css|js))"/g)].map(([, name]) => name);
      expect(new Set(assets.map((name) => path.extname(name ?? '')))).toEqual(new Set(['.css', '.js']));
      for (const name of assets) {
        const answer = await fetch(`${url}${name}`);
        expect([name, answer.status, (await answer.text()).length > 1000]).toEqual([name, 200, true]);
      }
    } finally {
      child.kill('SIGTERM');
    }
    expect([(await ended)[0], log]).toEqual([0, expect.not.stringContaining('"level":"error"')]);
  });
});
