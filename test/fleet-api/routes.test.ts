// What the table of routes promises: which routes there are, who may ask, and that a request finds its own or hears why not.
import { describe, expect, it, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { fleetApiRoutes, intakeOf, locationsOf } from '../../src/cli/compose-fleet-api.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import { ChangeWaiters } from '../../src/fleet-api/change-waiters.ts';
import { DeviceSignatures } from '../../src/fleet-api/device-signatures.ts';
import type { Route } from '../../src/fleet-api/http/route.ts';
import { RouteTable } from '../../src/fleet-api/http/route-table.ts';
import { RateLimiter } from '../../src/fleet-api/rate-limit.ts';
import { RefusedReports } from '../../src/fleet-api/refused-reports.ts';
import { ReportIntake } from '../../src/fleet-api/report-intake.ts';
import { folder, NOW, openStore, report } from '../store/reports.ts';
import { newKey, signReport } from './service.ts';

const clock = new SystemClock();

test('the service has these routes', () => {
  const metrics = new Metrics();
  using place = folder();
  const options = {
    ...{ store: openStore(place.file), clock, logger: silentLogger, metrics, port: 0, publicationFolder: place.path },
    artifacts: new ArtifactUploads(place.path, { quotaBytes: 1e9 }),
    ...{ isDenied: () => false, isReady: () => true, onHook: () => undefined, readRollouts: async () => [] },
  };
  const changes = new ChangeWaiters(clock, metrics.gauge('waiting', 'Waiting.'));
  const signatures = new DeviceSignatures({ ...options, register: options.store });
  const [intake, locations] = [intakeOf(options, signatures), locationsOf(options, signatures)];
  const routes = fleetApiRoutes(options, { changes, intake, locations });
  const lines = routes.map(
    ({ method, path, scope, request, response }) =>
      `${method} ${path} ${scope}: ${request === null ? '' : `${request.schema} `}→ ${response}`,
  );
  expect(lines).toEqual([
    'POST /v1/enrol device: EnrolmentRequest → Enrolment',
    'POST /v1/reports device: DsseEnvelope[] → ReportAnswer[]',
    'POST /v1/artifacts/location device: DsseEnvelope → ArtifactLocation',
    'GET /v1/changes anyone: → Change',
    'GET /distribution/{rest} anyone: → file',
    'GET /healthz anyone: → Health',
    'GET /readyz anyone: → Readiness',
    'GET /metrics view: → text',
    'POST /v1/hooks/git git-host: any → nothing',
    'GET /v1/outlooks view: → Outlooks',
    'GET /v1/outlooks/{name} view: → Outlook',
    'POST /v1/reports/plain report: PlainReport[] → PlainAnswer[]',
    'POST /v1/tokens admin: ApiTokenRequest → NewApiToken',
    'GET /v1/tokens admin: → ApiTokenPage',
    'DELETE /v1/tokens/{id} admin: → ApiToken',
    'POST /v1/enrolment-tokens enrol: EnrolmentTokenRequest → EnrolmentTokens',
    'GET /v1/artifacts/{digest} publish: → Artifact',
    'PUT /v1/artifacts/{digest} publish: bytes → Artifact',
    'GET /v1/openapi.json anyone: → OpenApi',
  ]);
});

describe('a request', () => {
  const route = (method: Route['method'], path: string): Route => ({
    ...{ name: path, method, path, scope: 'anyone', request: null, response: 'any' },
    handle: () => ({ kind: 'empty', status: 204 }),
  });
  const table = new RouteTable([
    route('GET', '/things'),
    route('POST', '/things'),
    route('GET', '/things/{name}'),
    route('GET', '/files/{rest}'),
    route('GET', '/a.b'),
  ]);
  const params = (target: string) => {
    const found = table.find('GET', target);
    return found.kind === 'route' ? { ...found.params } : found.answer.status;
  };

  it('finds its route, with names decoded and the rest as it was sent', () => {
    expect(params('/things/a%20b?x=1')).toEqual({ name: 'a b' });
    expect(params('/files/a/b%2fc')).toEqual({ rest: 'a/b%2fc' });
    expect(params('/a.b')).toEqual({});
  });

  it('of an unknown address is answered 404', () => {
    for (const target of [
      '/',
      '/thing',
      '/things/',
      '/things/a/b',
      '/things/%ff',
      '/aXb',
      'things',
      '*',
      `/${'x'.repeat(9000)}`,
    ])
      expect(params(target)).toBe(404);
  });

  it('with another method is answered 405, with the methods that the address has', () => {
    expect(table.find('DELETE', '/things')).toMatchObject({
      name: '/things',
      answer: { status: 405, headers: { Allow: 'GET, HEAD, POST' } },
    });
    expect(table.find('HEAD', '/things/a').kind).toBe('route');
  });
});

test('reports need no HTTP: the intake answers values', async () => {
  using place = folder();
  const store = openStore(place.file);
  const counter = new Metrics().counter('answers', 'Answers.');
  const perDevice = new RateLimiter({ perSecond: 0.001, burst: 1 });
  const refused = new RefusedReports(clock, silentLogger);
  const isDenied = (): boolean => false;
  const signatures = new DeviceSignatures({ register: store, isDenied, clock });
  const intake = new ReportIntake({ register: store, signatures, perDevice, refused, clock, answers: counter });
  const { key, pem } = newKey();
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
  const answer = await store.enrol({ token, device: 'd1', publicKey: pem, labels: {}, nowMs: NOW });
  if (answer.kind === 'refused') throw new Error(answer.reason);
  const sign = (sequence: number) => signReport(report({ device: 'd1', epoch: answer.epoch, sequence }), 'd1', key);
  const answers = [
    { kind: 'accepted', sequence: 1 },
    { kind: 'rejected', sequence: null, reason: 'bad-envelope' },
  ];
  expect(await intake.take([sign(1), null], '127.0.0.1')).toEqual({ kind: 'answered', answers });
  expect(await intake.take([sign(2)], '127.0.0.1')).toMatchObject({ kind: 'too-many', device: 'd1' });
  await expect(intake.take('no list', '127.0.0.1')).rejects.toMatchObject({ code: 'REPORTS_SHAPE', kind: 'fix-input' });
  await store.close();
});
