// Laws of outside signals with a real Prometheus: the real service asks it, while devices run the candidate.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { RuleReason } from '../../src/gates/rule-reason.ts';
import { rolloutText } from '../support/document-texts.ts';
import { answering, Installation, openHost, running } from '../support/installation.ts';
import { findPrometheus, PrometheusServer, Shop } from '../support/prometheus.ts';
import { until } from '../support/until.ts';

const prometheus = findPrometheus();
if (prometheus === undefined) {
  const missing = 'no Prometheus found: install it, or name it with PROMETHEUS_BIN';
  if (process.env.REQUIRE_SERVICES === '1') throw new Error(missing);
  console.warn(`${missing}; its laws are skipped`);
}

const QUERY =
  'sum(rate(checkout_errors_total{version="{{candidate.version}}"}[3s])) / sum(rate(checkout_total{version="{{candidate.version}}"}[3s]))';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: watched }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - name: full
      size: 100%
      minimum: { devices: 1 }
      rules:
        - { rule: checkout_errors < 5% for 6s, prometheus: main, query: ${JSON.stringify(QUERY)} }
        - { rule: checkout_missing < 1, prometheus: main, query: no_such_series, dryRun: true }
`;

const host = openHost();
afterAll(() => host.close());

test.skipIf(prometheus === undefined)(
  'while Prometheus is away the stage holds and says so; when it is back the stage goes on; a value beyond the limit is rolled back',
  async () => {
    await using world = await Installation.open();
    await using shop = await Shop.open();
    const folder = path.join(world.set.folder, 'prometheus');
    await using server = await PrometheusServer.create(prometheus ?? '', folder, shop.port);
    const providers = `apiVersion: slipway.dev/v1alpha1
kind: SignalProviders
spec:
  prometheus: [{ name: main, url: "${server.url}", every: 250ms, timeout: 2s }]
`;
    await writeFile(world.set.home.signals, providers);
    const ask = rolloutText('doors', 'door', '1.0.0', 'watched');
    await world.pushStart(await world.signed('policies/watched.yaml', POLICY));
    await world.startService();
    const { agent } = await world.startAgent(host, { id: 'kiosk-1' });
    const traffic = setInterval(() => void answering(agent, 'door').catch(() => undefined), 100);
    await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };
    shop.failing('1.0.0', 0.02);
    await server.start();

    const first = await world.release('door', '1.0.0', 0);
    await world.push('roll out 1.0.0', [...first.files, ['rollouts/doors.yaml', ask]]);
    const signal = async (): Promise<RuleSeen | undefined> => {
      const rules = (await world.outlook('doors'))?.verdict?.rules ?? [];
      return rules.find((one) => one.metric === 'checkout_errors');
    };
    await until(async () => (await signal())?.reasons.some((one) => one.kind === 'signal-short' && one.within), signal);

    await server.stop();
    await world.untilStatusShows(
      /checkout_errors: prometheus main: it can't be reached \(ECONNREFUSED\), since 20/,
      /doors: a metric provider does not answer, so its rule can't be decided/,
    );
    const silent = await world.outlook('doors');
    expect(silent?.conditions.find((one) => one.type === 'SignalsAnswered')).toMatchObject({ status: false });
    expect(silent?.verdict?.kind).toBe('undecided');
    // Longer than the rule's time: what it said before does not carry it over.
    await new Promise((resolve) => setTimeout(resolve, 7000));
    expect((await world.outlook('doors'))?.stage).toBe('full');
    expect((await world.steps('doors')).map((one) => one.kind)).toEqual(['start']);
    const warnings = world.log.filter((line) => line.includes('outside signal is silent'));
    expect(warnings.filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1);

    await server.start();
    await until(
      async () => running(agent, 'door') === '1.0.0' && (await world.steps('doors')).length === 2,
      () => world.outlook('doors'),
    );
    const [, complete] = await world.steps('doors');
    expect(complete?.kind).toBe('complete');
    expect(complete?.message).toMatch(
      / {2}checkout_errors +(2|1\.9\d|2\.0\d)% +< 5% for 6s +pass +prometheus main, \d+ answers over \d+ s until 20/,
    );
    expect(complete?.message).toMatch(/checkout_missing .*undecided \(dry run\).* returns no series/);
    expect(world.log.some((line) => line.includes('outside signal answers again'))).toBe(true);

    shop.failing('2.0.0', 0.4);
    const second = await world.release('door', '2.0.0', 1);
    await world.push('roll out 2.0.0', [...second.files, world.asking('doors', '2.0.0')]);
    await until(async () => (await world.steps('doors')).some((one) => one.kind === 'roll-back'), signal);
    const back = (await world.steps('doors')).at(-1);
    expect(back?.message).toMatch(
      /revert 2\.0\.0 to 1\.0\.0: [\s\S]*\ncheckout_errors (39\.\d|40|40\.\d)% in full, not < 5% \(prometheus main/,
    );
    await until(
      () => running(agent, 'door') === '1.0.0',
      () => agent.status(),
    );
    await world.ci.pull();
    const file = /evidence\/doors\/\d+-full-stable\.json/.exec(await world.ci.read('rollouts/doors.yaml'))?.[0] ?? '';
    const envelope = JSON.parse(await world.ci.read(file)) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(envelope.payload, 'base64').toString());
    const { kind, sums } = predicate.verdict.rules[0];
    expect(kind).toBe('signal');
    expect(sums).toMatchObject({ from: 'prometheus', provider: 'main', sustainedMs: 6000 });
    expect(sums.asked).toContain('checkout_errors_total{version="2.0.0"}');
    expect(sums.track.run).toMatchObject({ within: false });
    expect(sums.track.samples.length).toBeGreaterThanOrEqual(3);
  },
  400_000,
);

interface RuleSeen {
  readonly reasons: readonly RuleReason[];
  readonly verdict: string;
}
