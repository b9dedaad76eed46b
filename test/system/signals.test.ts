// Proves metrics, alert rules, dashboard and traces with a real Prometheus, Alertmanager, service and devices: each alert fires and ends, each query has data.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { agentMetricsText } from '../../fleet-agent/src/agent-readings.ts';
import { loadTrustPolicy } from '../../src/cli/load-trust.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import { FolderPublication } from '../../src/distribution/folder-publication.ts';
import { readOnlineKeys } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES } from '../../src/distribution/tuf-metadata.ts';
import { Publisher } from '../../src/reconcile/publisher.ts';
import { AlertmanagerServer } from '../support/alertmanager.ts';
import { rolloutText } from '../support/document-texts.ts';
import { answering, clock, Installation, openHost, running } from '../support/installation.ts';
import { attributeOf, OtlpReceiver } from '../support/otlp-receiver.ts';
import {
  findAlertmanager,
  findPrometheus,
  findPromtool,
  PrometheusServer,
  requireService,
  Shop,
} from '../support/prometheus.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const DEPLOY = path.join(ROOT, 'deploy');
const ALERTS = path.join(DEPLOY, 'prometheus/alerts.yaml');
const PAGE = path.join(ROOT, 'docs/reference/service-metrics.md');

const [prometheus, promtool, alertmanager] = [findPrometheus(), findPromtool(), findAlertmanager()];
requireService(prometheus, 'Prometheus', 'PROMETHEUS_BIN');
requireService(promtool, 'promtool', 'PROMTOOL_BIN');
requireService(alertmanager, 'Alertmanager', 'ALERTMANAGER_BIN');

const QUERY =
  'sum(rate(checkout_errors_total{version="{{candidate.version}}"}[2s])) / sum(rate(checkout_total{version="{{candidate.version}}"}[2s]))';
const policy = (name: string, stage: string): string => `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: ${name} }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: full, size: 100%, soak: 0s, minimum: { devices: 1 }, ${stage} }
`;
const WATCHED = policy(
  'watched',
  `rules: [{ rule: checkout_errors < 5% for 2s, prometheus: main, query: ${JSON.stringify(QUERY)} }]`,
);
const ASKED = policy('asked', 'rules: [failed_devices < 50%], approval: { approvers: [alice], count: 1 }');

interface Rule {
  readonly alert: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const RULES = (parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

/** The same rules in seconds in place of minutes. */
function hastened(text: string): string {
  return text.replace(/for: \d+m/g, 'for: 1s').replace('> 600', '> 4');
}

/** Queries of the dashboard, with the values of its variables. */
function queriesOf(file: string): string[] {
  const queries = (readFileSync(file, 'utf8').match(/"expr": "(?:[^"\\]|\\.)*"/g) ?? []).map(
    (match) => (JSON.parse(`{${match}}`) as { expr: string }).expr,
  );
  const values = { $__rate_interval: '20s', $__range: '60s', $rollout: '.*', $model: '.*' };
  return queries.map((query) =>
    Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), query),
  );
}

const host = openHost();
afterAll(() => host.close());
const has = prometheus !== undefined && promtool !== undefined && alertmanager !== undefined;

test.skipIf(promtool === undefined)('promtool checks the alert rules, and their tests pass', () => {
  const folder = path.dirname(ALERTS);
  const tool = (...args: string[]): string =>
    execFileSync(promtool ?? '', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  expect(tool('check', 'rules', 'alerts.yaml')).toContain('SUCCESS');
  expect(tool('test', 'rules', 'alerts.test.yaml')).toContain('SUCCESS');
  for (const { alert, annotations } of RULES) {
    expect(Object.keys(annotations).sort(), alert).toEqual(['description', 'runbook_url', 'summary']);
    const page = /docs\/runbooks\/[a-z-]+\.md$/.exec(annotations.runbook_url ?? '')?.[0] ?? 'no page';
    if (existsSync(path.join(ROOT, 'docs/runbooks'))) expect(existsSync(path.join(ROOT, page)), page).toBe(true);
  }
});

test.skipIf(!has)(
  'each alert fires and ends in a real Prometheus and Alertmanager, each query of the dashboard has data, and a step is one trace',
  async () => {
    await using world = await Installation.open();
    await using collector = await OtlpReceiver.open();
    await using shop = await Shop.open();
    const { home } = world.set;
    const folder = path.join(world.set.folder, 'prometheus');
    const startService = (): Promise<void> =>
      world.startService({ environment: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
    const signals = (url: string): Promise<void> =>
      writeFile(
        home.signals,
        `apiVersion: slipway.dev/v1alpha1\nkind: SignalProviders\nspec:\n  prometheus: [{ name: main, url: "${url}", every: 250ms, timeout: 2s }]\n`,
      );
    await signals('http://127.0.0.1:9');
    await world.pushStart([
      ...(await world.signed('policies/watched.yaml', WATCHED)),
      ...(await world.signed('policies/asked.yaml', ASKED)),
    ]);
    await startService();
    await using pager = await AlertmanagerServer.start(alertmanager ?? '', path.join(world.set.folder, 'alertmanager'));
    const rules = path.join(world.set.folder, 'alerts.yaml');
    await writeFile(rules, hastened(await readFile(ALERTS, 'utf8')));
    const config = `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms }
rule_files: ["${rules}"]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["${new URL(pager.url).host}"] }] }] }
scrape_configs:
  - { job_name: shop, static_configs: [{ targets: ["127.0.0.1:${shop.port}"] }] }
  - job_name: slipway
    authorization: { credentials: "${world.set.viewerToken}" }
    static_configs: [{ targets: ["${new URL(world.service.url).host}"] }]
`;
    await using server = await PrometheusServer.create(prometheus ?? '', folder, { config, resendMs: 1_000 });
    await server.start();

    // What it was told last of each: on a slow machine an alert may come and go before its time.
    const latest = (alert: string, rollout?: string): string[] => {
      const statuses = new Map<string, string>();
      for (const { labels, status } of pager.received)
        if (labels.alertname === alert && (rollout === undefined || labels.rollout === rollout))
          statuses.set(JSON.stringify(labels), status);
      return [...statuses.values()];
    };
    const what = async () => ({
      told: pager.received.map(({ labels, status }) => [labels.alertname, status]),
      rollouts: (await world.view().catch(() => ({ rollouts: [] }))).rollouts.map(({ rollout, waitingOn }) => [
        rollout,
        waitingOn,
      ]),
    });
    const fires = (alert: string, rollout?: string) => until(() => latest(alert, rollout).includes('firing'), what);
    const ends = (alert: string, rollout?: string) =>
      until(() => latest(alert, rollout).length > 0 && !latest(alert, rollout).includes('firing'), what);
    const empty = new Set(queriesOf(path.join(DEPLOY, 'grafana/slipway.json')));
    expect(empty.size).toBeGreaterThan(15);
    const asking = setInterval(async () => {
      for (const query of empty) {
        const answer = await fetch(`${server.url}/api/v1/query?query=${encodeURIComponent(query)}`).catch(
          () => undefined,
        );
        const { data } = ((await answer?.json().catch(() => ({}))) ?? {}) as { data?: { result: unknown[] } };
        if ((data?.result.length ?? 0) > 0) empty.delete(query);
      }
    }, 700);
    await using _asking = { [Symbol.asyncDispose]: async () => clearInterval(asking) };

    // A provider that is silent, a stage that waits for a person, and a rollout that can't go on.
    const kiosk = await world.startAgent(host, { id: 'kiosk-1' });
    const traffic = setInterval(() => {
      for (const model of ['door', 'gate']) void answering(kiosk.agent, model).catch(() => undefined);
    }, 100);
    await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };
    for (const [version, share] of [
      ['1.0.0', 0.02],
      ['2.0.0', 0.4],
      ['3.0.0', 0.02],
    ] as const)
      shop.failing(version, share);
    const [door, gate, lamp] = [
      await world.release('door', '1.0.0', 0),
      await world.release('gate', '1.0.0', 0),
      await world.release('lamp', '1.0.0', 0),
    ];
    const toEu = (text: string): string => text.replace('target: "*"', 'target: "region:eu"');
    await world.push('roll out', [
      ...[...door.files, ...gate.files, ...lamp.files],
      ['rollouts/doors.yaml', toEu(rolloutText('doors', 'door', '1.0.0', 'watched'))],
      ['rollouts/gates.yaml', toEu(rolloutText('gates', 'gate', '1.0.0', 'asked'))],
      ['rollouts/lost.yaml', toEu(rolloutText('lost', 'lamp', '1.0.0', 'nowhere'))],
    ]);
    await Promise.all([
      fires('SlipwaySilentProvider'),
      fires('SlipwayWaitsForApproval', 'gates'),
      fires('SlipwayStalled', 'lost'),
    ]);
    await signals(server.url);
    await world.push('no such policy', [['rollouts/lost.yaml', null]]);
    const approved = await world.slipway(
      'approve',
      'gates',
      '--by',
      'alice',
      '--repo',
      world.set.repositoryUrl,
      '--insecure-http',
    );
    expect(approved).toMatchObject({ code: 0 });
    await Promise.all([
      ends('SlipwaySilentProvider'),
      ends('SlipwayWaitsForApproval', 'gates'),
      ends('SlipwayStalled', 'lost'),
    ]);
    await until(async () => (await world.steps('doors')).length === 2, what);

    // A bad version is reverted; a device that trusts others refuses a model. Both end with the next good thing.
    const strangers = path.join(home.folder, 'strangers.yaml');
    await world.writeTrust(
      `    - { name: ci, publicKey: ${JSON.stringify(makeKey().publicPem)}, models: ["*"] }`,
      strangers,
    );
    const verifierOf = async (file: string) => new DocumentVerifier(await loadTrustPolicy(file));
    const west = { id: 'kiosk-2', labels: { region: 'us' } };
    const doubter = await world.startAgent(host, {
      ...west,
      verifier: await verifierOf(strangers),
      trustFingerprint: () => 'strangers',
    });
    const bad = await world.release('door', '2.0.0', 1);
    await world.push('roll out 2.0.0', [
      ...[...bad.files, world.asking('doors', '2.0.0')],
      ['rollouts/west.yaml', rolloutText('west', 'lamp', '1.0.0').replace('target: "*"', 'target: "region:us"')],
    ]);
    await Promise.all([fires('SlipwayReverted', 'doors'), fires('SlipwayDevicesRefusing')]);
    await doubter.stop();
    const believer = await world.startAgent(host, { ...west, verifier: await verifierOf(home.trustPolicy) });
    const good = await world.release('door', '3.0.0', 2);
    await world.push('roll out 3.0.0', [...good.files, world.asking('doors', '3.0.0')]);
    await Promise.all([ends('SlipwayReverted', 'doors'), ends('SlipwayDevicesRefusing')]);
    await until(() => running(kiosk.agent, 'door') === '3.0.0' && running(believer.agent, 'lamp') === '1.0.0', what);
    await until(
      () => empty.size === 0,
      () => [...empty],
      30_000,
    );

    await agreesWithPage(world);
    await tracesSteps(world, collector);

    // The repository goes away, the publication can't be written, another process holds it and does not renew it, the service is down.
    await rename(world.set.repository, `${world.set.repository}.away`);
    await fires('SlipwaySourceAway');
    await rename(`${world.set.repository}.away`, world.set.repository);
    await ends('SlipwaySourceAway');
    const { publication } = home;
    await rename(publication, `${publication}.away`);
    await writeFile(publication, '');
    await fires('SlipwayCycleOld');
    await rm(publication);
    await rename(`${publication}.away`, publication);
    await ends('SlipwayCycleOld');
    const other = await holdPublication(world);
    await fires('SlipwayPublicationExpiring');
    await other.release();
    await ends('SlipwayPublicationExpiring');
    await world.stopService();
    await fires('SlipwayDown');
    await startService();
    await ends('SlipwayDown');
    const all = RULES.map(({ alert }) => alert).sort();
    expect([...new Set(pager.received.map(({ labels }) => labels.alertname))].sort()).toEqual(all);
    const withRunbook = pager.received.filter(({ annotations }) =>
      annotations.runbook_url?.includes('/docs/runbooks/'),
    );
    expect(withRunbook).toHaveLength(pager.received.length);
  },
  240_000,
);

/** Another process takes the publication over with a pointer that expires in an hour. */
async function holdPublication(world: Installation): Promise<Publisher> {
  const { store, signer, publisher } = world.service.composed;
  const keys = await readOnlineKeys(world.set.home.tuf);
  const lifetimes = { ...DEFAULT_LIFETIMES, timestampMs: 3_600_000 };
  const other = new Publisher({
    ...{ store, signer, clock, holder: 'another process', leaseMs: 120_000, renewBeforeMs: Number.POSITIVE_INFINITY },
    publication: new FolderPublication({ folder: world.set.home.publication, keys, lifetimes }),
    repository: undefined as never,
  });
  await until(async () => {
    await publisher.release();
    const record = await store.readPublication();
    if (record.directive === null) return false;
    const answer = await other.publish({
      directive: record.directive,
      published: record.directive,
      record,
      snapshot: null,
    });
    return answer.kind === 'published';
  }, 'the other process to publish');
  return other;
}

/** The page of metrics names exactly those that service and agent have, with their types and in their words; and promtool finds nothing. */
async function agreesWithPage(world: Installation): Promise<void> {
  const headers = { authorization: `Bearer ${world.set.viewerToken}` };
  const service = await (await fetch(`${world.service.url}/metrics`, { headers })).text();
  expect(execFileSync(promtool ?? '', ['check', 'metrics'], { input: service, encoding: 'utf8', stdio: 'pipe' })).toBe(
    '',
  );
  const status = { device: 'd', models: [], directiveRefusal: null, problems: [] };
  const agent = agentMetricsText({ status, servers: [], directiveAtMs: null, reportsWaiting: null });
  const [ofService = '', ofAgent = ''] = (await readFile(PAGE, 'utf8')).split('## The agent');
  const onPage = (text: string) =>
    [...text.matchAll(/^\| `(\w+)` \| (\w+) \| .*? \| (.*) \|$/gm)].map((row) =>
      row.slice(1).join(' ').replaceAll('&lt;', '<'),
    );
  const written = (text: string) =>
    [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\w+)$/gm)].map(
      ([, name, help, type]) => `${name} ${type} ${help}`,
    );
  // This service speaks no TLS, so it has none of those.
  const ofTls = onPage(ofService).filter((row) => row.startsWith('slipway_tls_'));
  expect(ofTls.length).toBeGreaterThan(0);
  const besides = onPage(ofService).filter((row) => !ofTls.includes(row));
  expect(besides.sort()).toEqual(written(service).sort());
  expect(onPage(ofAgent).sort()).toEqual(written(agent).sort());
}

async function tracesSteps(world: Installation, collector: OtlpReceiver): Promise<void> {
  const steps = await world.steps('doors');
  const start = steps.find(({ kind }) => kind === 'start');
  const traceOf = () => {
    const root = collector.spans.find((span) => attributeOf(span, 'slipway.commit') === start?.commit);
    return collector.spans.filter(({ traceId }) => traceId === root?.traceId).map(({ name }) => name);
  };
  const wanted = [
    'start doors',
    'observe',
    'decide',
    'push',
    'publish',
    'update kiosk-1',
    'report kiosk-1',
    'store and count',
    'judge',
  ];
  await until(() => wanted.every((name) => traceOf().includes(name)), traceOf, 30_000);
}
