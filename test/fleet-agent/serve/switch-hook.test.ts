// Owns the proof that models which another process runs are switched too, and that a process which does not hear is noticed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { processHost } from '../../../fleet-agent/src/model/model-host.ts';
import { callSwitchHook, type SwitchHook } from '../../../fleet-agent/src/serve/switch-hook.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { clock, DeviceWorld, MODEL, modelStatus, until, untilRuns } from '../device-world.ts';

const switched = { model: 'm', version: '1', digest: null, path: '/somewhere' };
const call = (hook: SwitchHook) => callSwitchHook(hook, switched, clock, new AbortController().signal);

test('a command hears which version runs and where it lies; the pointer is switched before it starts', async () => {
  await using world = await DeviceWorld.open();
  const log = path.join(world.folder, 'hook.log');
  const script = path.join(world.folder, 'hook.sh');
  writeFileSync(
    script,
    `#!/bin/sh\necho "$SLIPWAY_MODEL $SLIPWAY_VERSION $(grep -c '"'$SLIPWAY_VERSION'"' "$SLIPWAY_PATH/../../current/manifest.yaml")" >> ${log}\n`,
    { mode: 0o755 },
  );
  const stable = await world.publishModel({ version: '1.0.0' });
  const next = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'letter' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(processHost, { onSwitch: { kind: 'command', argv: [script] } });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: next }));
  await untilRuns(agent, '2.0.0');
  expect(readFileSync(log, 'utf8')).toBe(`${MODEL} 1.0.0 1\n${MODEL} 2.0.0 1\n`);
});

test('a candidate whose process can not be notified is rolled back', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const next = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1) });
  await world.direct(world.entry({ stable }));
  const script = path.join(world.folder, 'hook.sh');
  writeFileSync(script, '#!/bin/sh\ntest "$SLIPWAY_VERSION" = 1.0.0\n', { mode: 0o755 });
  const { agent } = await world.startAgent(processHost, { onSwitch: { kind: 'command', argv: [script] } });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: next }));
  await untilRuns(agent, '1.0.0', 'failed');
  expect(modelStatus(agent)?.failures[0]).toMatchObject({
    reason: 'load',
    message: expect.stringContaining('ended with 1'),
  });
});

test('changed parameters reach the process without a new model', async () => {
  await using world = await DeviceWorld.open();
  const heard = path.join(world.folder, 'heard');
  const script = path.join(world.folder, 'hook.sh');
  writeFileSync(script, `#!/bin/sh\ncp "$SLIPWAY_PATH/../../parameters.json" ${heard} 2>/dev/null || true\n`, {
    mode: 0o755,
  });
  const stable = await world.publishModel({ version: '1.0.0' });
  const entry = world.entry({ stable });
  await world.direct(entry);
  const { agent } = await world.startAgent(processHost, { onSwitch: { kind: 'command', argv: [script] } });
  await untilRuns(agent, '1.0.0');
  const changed = world.entry({ stable });
  await world.direct({ ...changed, stable: changed.stable && { ...changed.stable, parameters: { threshold: 0.7 } } });
  await until(
    () => existsSync(heard) && readFileSync(heard, 'utf8') === '{"threshold":0.7}',
    'the parameters to arrive',
  );
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.7 });
});

test('a signal reaches the process of the file; a file without one, a missing program, a late one and an angry server are errors', async () => {
  await using world = await DeviceWorld.open();
  const pidFile = path.join(world.folder, 'pid');
  const child = spawn(process.execPath, [
    '-e',
    'process.on("SIGHUP", () => process.exit(7)); console.log("ready"); setInterval(() => {}, 1000);',
  ]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  writeFileSync(pidFile, `${child.pid}\n`);
  await call({ kind: 'signal', pidFile, signal: 'SIGHUP' });
  expect(await ended).toBe(7);
  for (const text of ['', '1', '-5', 'x']) {
    writeFileSync(pidFile, text);
    await expect(call({ kind: 'signal', pidFile, signal: 'SIGHUP' })).rejects.toMatchObject({
      code: 'AGENT_SWITCH_HOOK',
    });
  }
  await expect(call({ kind: 'command', argv: ['/nowhere/program'] })).rejects.toMatchObject({
    code: 'AGENT_SWITCH_HOOK',
  });
  await expect(call({ kind: 'command', argv: ['/bin/sleep', '30'], timeoutMs: 200 })).rejects.toThrow(
    /longer than 200 ms/,
  );
  const server = createServer((_, response) => response.writeHead(500).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/reload`;
  await expect(call({ kind: 'http', url })).rejects.toThrow(/answered 500/);
  server.close();
});
