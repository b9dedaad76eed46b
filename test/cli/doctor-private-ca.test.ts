// Proves that a certificate of a private authority, which this machine does not know, is one finding of the doctor and not three.
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { CheckResult } from '../../src/cli/doctor/check.ts';
import { TestAuthority } from '../support/certificates.ts';
import { CliSession } from './cli-session.ts';

test('a missing authority is told once, with its remedy; with it the service itself is looked at', async () => {
  await using session = new CliSession();
  const authority = new TestAuthority();
  const server = createServer(authority.issue(), (_, response) => response.end('{"status":"ready"}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const doctor = async (env: Readonly<Record<string, string>>) => {
    const { stdout, code } = await session.run(['doctor', '--server', url, '--json'], env);
    const { checks } = JSON.parse(stdout) as { checks: CheckResult[] };
    const of = checks.filter(({ name }) => ['service', 'service cycle', 'certificate'].includes(name));
    return { code, found: of.map(({ name, finding }) => `${name}: ${finding}`), last: of.at(-1) };
  };
  const without = await doctor({});
  expect(without).toMatchObject({ code: 1, found: ['certificate: bad'] });
  expect(without.last?.remedy).toContain('private authority');
  expect(await doctor({ NODE_EXTRA_CA_CERTS: authority.caFile })).toMatchObject({
    found: ['service: ok', 'service cycle: not-known', expect.stringMatching('certificate: (ok|warn)')],
  });
  server.closeAllConnections();
  server.close();
});
