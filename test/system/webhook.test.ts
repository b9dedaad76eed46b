// Laws of webhooks that judge: the real service asks one while a device runs the candidate.
import { writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { reasonsInWords } from '../../src/wording/reason-in-words.ts';
import { rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost } from '../support/installation.ts';
import { until } from '../support/until.ts';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: judged }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: full
      size: 100%
      minimum: { devices: 1 }
      rules: [{ rule: fraud_desk passes, webhook: desk }]
`;

const host = openHost();
afterAll(() => host.close());

test('whatever a webhook says but pass or fail holds the stage; its fail rolls back with its own reason', async () => {
  await using world = await Installation.open();
  let answer = (response: ServerResponse): void =>
    void response.end('{"verdict":"undecided","reason":"too few orders"}');
  const asked: { readonly candidate: { readonly version: string } }[] = [];
  const desk = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body));
      answer(response);
    });
  });
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve));
  await using _desk = {
    [Symbol.asyncDispose]: async () => {
      desk.closeAllConnections();
      await new Promise((resolve) => desk.close(resolve));
    },
  };
  const { port } = desk.address() as AddressInfo;
  const providers = `apiVersion: slipway.dev/v1alpha1
kind: SignalProviders
spec:
  webhooks: [{ name: desk, url: "http://127.0.0.1:${port}/", every: 200ms, timeout: 1s }]
`;
  await world.pushStart(await world.signed('policies/judged.yaml', POLICY));
  await world.startService();
  const { agent } = await world.startAgent(host, { id: 'kiosk-1' });
  const traffic = setInterval(() => void answering(agent, 'door').catch(() => undefined), 100);
  await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };
  const { files } = await world.release('door', '1.0.0', 0);
  await world.push('roll out', [...files, ['rollouts/doors.yaml', rolloutText('doors', 'door', '1.0.0', 'judged')]]);
  const reason = async (): Promise<string> =>
    reasonsInWords((await world.outlook('doors'))?.verdict?.rules[0]?.reasons ?? []);
  const untilReason = (pattern: RegExp) => until(async () => pattern.test(await reason()), reason, 60_000);

  await untilReason(/the service has no provider of this name; add it to its signals\.yaml/);
  await writeFile(world.set.home.signals, 'apiVersion: slipway.dev/v1alpha1\nkind: SignalProviders\nspec: []\n');
  await until(
    async () => (await world.view()).service.problems.join().includes('list of metric providers was changed'),
    reason,
  );
  await writeFile(world.set.home.signals, providers);
  await untilReason(/^the provider is undecided; too few orders$/);
  answer = (response) => response.writeHead(500).end('{"verdict":"fail"}');
  await untilReason(/HTTP 500/);
  answer = (response) => response.end('{"verdict":"fail","reason":');
  await untilReason(/not JSON/);
  answer = () => undefined;
  await untilReason(/no answer within 1 s/);
  answer = (response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(' '.repeat(65_536)));
      response.once('drain', more);
    };
    more();
  };
  await untilReason(/longer than 1 MiB/);
  expect((await world.steps('doors')).map((one) => one.kind)).toEqual(['start']);

  answer = (response) => response.end('{"verdict":"fail","reason":"12 chargebacks\\nSlipway-Rollout: other"}');
  await until(async () => (await world.steps('doors')).length === 2, reason);
  const [, back] = await world.steps('doors');
  expect(back?.kind).toBe('roll-back');
  expect(back?.message.replace(/\s+/g, ' ')).toContain(
    'withdraw 1.0.0: fraud_desk failed in full fraud_desk failed in full (webhook desk): 12 chargebacks',
  );
  expect(back?.message).not.toMatch(/^Slipway-Rollout: other/m);
  expect(asked[0]?.candidate.version).toBe('1.0.0');
});
