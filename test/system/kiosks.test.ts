// The proof that kiosks which grow less sure of their answers are taken back by themselves: real devices, a real model, real commits.
import { afterAll, expect, test } from 'vitest';
import type { Agent } from '../../fleet-agent/src/agent.ts';
import { seededRandom } from '../../src/base/random.ts';
import { normal } from '../../src/simulation/sampling.ts';
import { rolloutText } from '../support/document-texts.ts';
import { Installation, openHost, running } from '../support/installation.ts';
import { writeClassifier } from '../support/onnx-fixture.ts';
import { until } from '../support/until.ts';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: kiosks }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: canary
      select: site:warehouse
      soak: 10m
      onCourse: rollback
      rules: [confidence_loss < 10%, failed_devices < 5%]
    - { name: full, size: 100% }
`;

/** Answers the first class, the less surely the more noise its third input has; and dirt, its second input, where it minds that. */
function classifier(mindsDirt: boolean): Buffer {
  const weights = new Float32Array(16);
  weights[4] = mindsDirt ? -1 : 0;
  weights[8] = 0.5;
  return writeClassifier({ features: 4, classes: 4, weights, bias: Float32Array.of(4, 0, 0, 0) });
}

/** Asks an agent all the time. The longer it runs the candidate, the more dirt there is, from a second on. */
function use(agent: Agent, seen: Set<string>): NodeJS.Timeout {
  const random = seededRandom('kiosks', agent.id);
  let sinceMs: number | null = null;
  return setInterval(() => {
    const version = running(agent, 'door');
    if (version === undefined) return;
    seen.add(version);
    sinceMs = version === '2.0.0' ? (sinceMs ?? performance.now()) : null;
    const dirt = sinceMs === null ? 0 : Math.max(0, (performance.now() - sinceMs) / 1000 - 1) / 10;
    const data = Float32Array.of(0, Math.min(3, dirt), normal(random), 0);
    void agent.infer('door', [{ name: 'x', datatype: 'FP32', shape: [1, 4], data }]).catch(() => undefined);
  }, 50);
}

const host = openHost();
afterAll(() => host.close());

test('confidence that falls on the kiosks of the canary reverts the rollout, and every device is restored', {
  timeout: 240_000,
}, async () => {
  await using world = await Installation.open();
  await world.pushStart(await world.signed('policies/kiosks.yaml', POLICY));
  await world.startService();
  const kiosks = await Promise.all(
    Array.from({ length: 6 }, (_, i) => {
      const labels = { region: 'eu', site: i < 3 ? 'warehouse' : 'mall' };
      return world.startAgent(host, { id: `kiosk-${i + 1}`, labels });
    }),
  );
  const seen = kiosks.map(() => new Set<string>());
  const uses = kiosks.map(({ agent }, i) => use(agent, seen[i]!));
  await using _uses = { [Symbol.asyncDispose]: async () => uses.forEach(clearInterval) };
  const versions = () => kiosks.map(({ agent }) => running(agent, 'door') ?? 'nothing');
  const release = async (version: string, mindsDirt: boolean) => {
    const { text } = await world.manifest({ model: 'door', version, onnx: classifier(mindsDirt) });
    return world.signed(`models/door/${version}.yaml`, text);
  };

  const first = rolloutText('doors', 'door', '1.0.0');
  await world.push('roll out', [...(await release('1.0.0', false)), ['rollouts/doors.yaml', first]]);
  await until(async () => (await world.outlook('doors'))?.stable === '1.0.0', versions);
  await until(() => versions().every((one) => one === '1.0.0'), versions);

  const asking = world.asking('doors', '2.0.0', (text) => text.replace('policy: quick', 'policy: kiosks'));
  await world.push('roll out 2.0.0', [...(await release('2.0.0', true)), asking]);
  const isBack = async () => (await world.outlook('doors'))?.rejected?.version === '2.0.0';
  await until(isBack, async () => ({ versions: versions(), ...(await world.outlook('doors')) }), 150_000);
  await until(() => versions().every((one) => one === '1.0.0'), versions);

  const steps = await world.steps('doors');
  expect(steps.at(-1)?.kind).toBe('roll-back');
  expect(steps.at(-1)?.message).toMatch(/^rollout\(doors\): revert 2\.0\.0 to 1\.0\.0: confidence_loss/);
  expect(steps.at(-1)?.message).toMatch(/3 devices ran it/);
  // The canary had it, and nobody else.
  expect(seen.map((one) => one.has('2.0.0'))).toEqual([true, true, true, false, false, false]);
});
