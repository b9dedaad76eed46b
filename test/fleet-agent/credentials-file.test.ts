// Laws of a device's credentials file while an agent runs: a broken one keeps no model from serving, is told, and counts again once it is mended or rotated.
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { ArtifactCredentials } from '../../fleet-agent/src/link/artifact-credentials.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { DeviceWorld, openHost, until, untilRuns } from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

/** A host that gives the bytes to whoever shows the token. */
async function privateHost(bytes: Buffer) {
  const state = { token: 'first', refused: 0 };
  const server = createServer((request, response) => {
    if (request.headers.authorization === `Bearer ${state.token}`) return void response.end(bytes);
    state.refused += 1;
    response.writeHead(401).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, state, [Symbol.asyncDispose]: stop };
}

function write(file: string, text: string, mode = 0o600): void {
  writeFileSync(file, text);
  chmodSync(file, mode);
}

test('a device serves on with a file that others can read, says so until it is mended, and takes a rotated secret', async () => {
  await using world = await DeviceWorld.open();
  const onnx = constantClassifier(1, 5_000);
  await using origin = await privateHost(onnx);
  const file = path.join(world.folder, 'credentials.yaml');
  write(file, `credentials: [{ prefix: "${origin.url}/", bearer: { file: token } }]`);
  write(path.join(world.folder, 'token'), 'first');
  const artifactCredentials = new ArtifactCredentials({ file, environment: {} });
  const one = await world.publishModel({ version: '1.0.0' });
  await world.direct(world.entry({ stable: one }));
  const before = await world.startAgent(host, { artifactCredentials });
  await untilRuns(before.agent, '1.0.0');
  await before.stop();

  chmodSync(file, 0o644);
  const { agent } = await world.startAgent(host, { artifactCredentials });
  await untilRuns(agent, '1.0.0');
  expect(agent.status().problems).toMatchObject([{ code: 'FILE_MODE' }]);
  chmodSync(file, 0o600);
  await until(() => agent.status().problems.length === 0, 'the problem to be gone');

  origin.state.token = 'second';
  const spec = { onnx, expects: 'receipt', origin: origin.url, isElsewhere: true };
  const two = await world.publishModel({ version: '2.0.0', ...spec });
  await world.direct(world.entry({ stable: two }));
  await until(() => origin.state.refused > 0, 'the old secret to be refused');
  write(path.join(world.folder, 'token'), 'second');
  await untilRuns(agent, '2.0.0');
});

test.each([
  ['its flag', (file: string) => ({ args: ['--artifact-credentials', file], env: {} })],
  ['the environment', (file: string) => ({ args: [], env: { SLIPWAY_AGENT_ARTIFACT_CREDENTIALS: file } })],
])('a device that has no model yet does not start with a file that others can read, given by %s', async (_, given) => {
  await using world = await DeviceWorld.open();
  const file = path.join(world.folder, 'credentials.yaml');
  write(file, 'credentials: []', 0o644);
  const at = (name: string): string => path.join(world.folder, name);
  const signers = '[{ name: ci, key: ci.pub, models: ["*"] }]';
  write(at('trust.yaml'), `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec: { signers: ${signers} }\n`);
  write(at('ci.pub'), world.ci.publicPem);
  writeFileSync(at('root.json'), world.factoryRoot);
  const { args, env } = given(file);
  const main = path.join(import.meta.dirname, '../../fleet-agent/src/main.ts');
  const where = ['--data', at('device'), '--trust', at('trust.yaml'), '--root', at('root.json')];
  const all = [main, 'run', '--server', world.serverUrl, ...where, ...args];
  const ended = await promisify(execFile)(process.execPath, all, { env, timeout: 60_000 }).catch(
    (error: { code: number; stderr: string }) => error,
  );
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/FILE_MODE[\s\S]*chmod 600/) });
});
