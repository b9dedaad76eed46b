// The proof that a bad network takes no version back: real devices behind a slow link that they share, and that cuts every connection.
import { afterAll, expect, test } from 'vitest';
import { joinUrl } from '../../fleet-agent/src/link/http.ts';
import { HttpServiceLink } from '../../fleet-agent/src/link/http-service-link.ts';
import { rolloutText } from '../support/document-texts.ts';
import { answering, clock, Installation, openHost, running } from '../support/installation.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { ThrottledLink } from '../support/throttled-link.ts';
import { until } from '../support/until.ts';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: patient }
spec:
  appliesTo: { rollouts: ["*"] }
  spread: 1s
  stages:
    - name: canary
      size: { devices: 3 }
      soak: 500ms
      minimum: { devices: 2 }
      rules:
        - undelivered_devices < 5% after 5m
        - failed_devices < 5%
        - { rule: download_tries > 99%, dryRun: true }
    - { name: full, size: 100%, soak: 500ms }
`;
const DEVICES = 5;
const FILE_BYTES = 300_000;
const CUT_AFTER_BYTES = 120_000;

const host = openHost();
afterAll(() => host.close());

test('a file longer than any connection lasts reaches every device, and nobody counts as undelivered', {
  timeout: 240_000,
}, async () => {
  await using world = await Installation.open();
  await world.pushStart(await world.signed('policies/patient.yaml', POLICY));
  await world.startService();
  const terms = { target: world.service.url, bytesPerSecond: 150_000, cutAfterBytes: CUT_AFTER_BYTES };
  await using link = await ThrottledLink.start(terms);
  const over = {
    link: new HttpServiceLink({ serverUrl: link.url, clock }),
    distributionUrl: joinUrl(link.url, 'distribution'),
  };
  const agents = await Promise.all(
    Array.from({ length: DEVICES }, (_, i) => world.startAgent(host, { id: `kiosk-${i + 1}`, ...over })),
  );
  const ask = () => agents.map(({ agent }) => answering(agent, 'door').catch(() => undefined));
  const traffic = setInterval(ask, 100);
  await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };
  const onnx = constantClassifier(0, FILE_BYTES);
  const { text } = await world.manifest({ model: 'door', version: '1.0.0', onnx });
  const before = link.carriedBytes;
  await world.push('roll out', [
    ...(await world.signed('models/door/1.0.0.yaml', text)),
    ['rollouts/doors.yaml', rolloutText('doors', 'door', '1.0.0', 'patient')],
  ]);

  const versions = () => agents.map(({ agent }) => running(agent, 'door') ?? 'nothing');
  const isDone = async () => (await world.outlook('doors'))?.stable === '1.0.0';
  await until(isDone, async () => ({ versions: versions(), ...(await world.outlook('doors')) }), 200_000);
  await until(() => versions().every((one) => one === '1.0.0'), versions);

  const steps = await world.steps('doors');
  expect(steps.map(({ kind }) => kind)).toEqual(['start', 'advance', 'complete']);
  for (const { message } of steps.slice(1)) expect(message).toMatch(/undelivered_devices +0 of \d .*pass/);
  // Tries end badly; devices do not.
  expect(steps[1]?.message).toMatch(/download_tries +\d\d(\.\d+)?%/);
  expect(link.cuts).toBeGreaterThanOrEqual(2 * DEVICES);
  // Each goes on where it was cut: the files came once, and little besides.
  expect(link.carriedBytes - before).toBeLessThan(1.5 * DEVICES * onnx.length);
});
