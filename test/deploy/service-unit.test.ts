// Proves the service's unit: that systemd takes it, that it leaves the service few rights, and that a running service tells how it is.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CliSession } from '../cli/cli-session.ts';
import { testOrSkip } from '../support/systemd.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const UNIT = path.join(import.meta.dirname, '../../deploy/systemd/slipway.service');
/** Takes what systemd would, into a file; a socket of this kind is nothing that Node can open. */
const RECEIVER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(receiver.recv(65536).decode(), flush=True)
`;

let session: CliSession;
beforeEach(() => {
  session = new CliSession();
});
afterEach(() => session[Symbol.asyncDispose]());

async function receive(socket: string): Promise<() => string> {
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  session.keep({
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString('utf8');
  });
  await until(() => heard.includes('ready'), 'the receiver');
  return () => heard;
}

describe('the unit of the service', () => {
  testOrSkip('systemd-analyze', 'is one that systemd takes', async () => {
    // The program stands elsewhere until it is installed.
    const file = session.path('slipway.service');
    writeFileSync(file, readFileSync(UNIT, 'utf8').replace('/usr/local/bin/slipway', process.execPath));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
    expect(stdout + stderr).toBe('');
  });

  testOrSkip('systemd-analyze', 'leaves it few rights', async () => {
    const { stdout } = await run('systemd-analyze', [
      'security',
      '--offline=true',
      '--no-pager',
      '--threshold=20',
      UNIT,
    ]);
    expect(stdout).toMatch(/Overall exposure level for slipway\.service: 1\.\d OK/);
  });

  test('has systemd hear the service, and restart it when it hangs', () => {
    const unit = readFileSync(UNIT, 'utf8');
    for (const line of ['Type=notify', 'NotifyAccess=all', 'WatchdogSec=60', 'Restart=always'])
      expect(unit.split('\n')).toContain(line);
  });
});

describe('a service below systemd', () => {
  testOrSkip('systemd-notify', 'tells when it serves, gives signs of life, and tells when it stops', async () => {
    await session.run(['init', 'models', '--example']);
    const socket = session.path('notify');
    const heard = await receive(socket);
    const service = await session.serve(['--repo', 'models', '--insecure-http'], {
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '900000',
    });
    await until(() => heard().includes('READY=1'), heard);
    expect(heard()).toContain(`STATUS=serves ${service.url}`);
    await until(() => heard().split('WATCHDOG=1').length > 3, heard);
    expect(heard().indexOf('WATCHDOG=1')).toBeGreaterThan(heard().indexOf('READY=1'));
    await service[Symbol.asyncDispose]();
    await until(() => heard().includes('STOPPING=1'), heard);
  });

  test('serves all the same where nobody can be told', async () => {
    await session.run(['init', 'models', '--example']);
    const service = await session.serve(['--repo', 'models', '--insecure-http'], {
      PATH: session.path('nowhere'),
      NOTIFY_SOCKET: session.path('nobody-listens'),
      WATCHDOG_USEC: '300000',
    });
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });
});
