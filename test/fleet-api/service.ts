// Owns a running service with a real store, and devices that talk to it, for the tests of this room.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { composeFleetApi, type FleetApi, type FleetApiOptions } from '../../src/cli/compose-fleet-api.ts';
import { type DeviceReport, REPORT_PAYLOAD_TYPE } from '../../src/contract/report.ts';
import { type DsseEnvelope, signDsse } from '../../src/contract/trust/dsse.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { folder, LABELS, openStore, report } from '../store/reports.ts';

export interface Service extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly store: FleetStore;
  readonly api: FleetApi;
  readonly publicationFolder: string;
  readonly hooks: { count: number };
  readonly denied: Set<string>;
  readonly errors: unknown[];
  readonly state: { ready: boolean };
}

export async function startService(over: Partial<FleetApiOptions> = {}): Promise<Service> {
  const place = folder();
  const publicationFolder = path.join(place.path, 'publication');
  mkdirSync(publicationFolder);
  const store = openStore(place.file);
  const hooks = { count: 0 };
  const denied = new Set<string>();
  const errors: unknown[] = [];
  const state = { ready: true };
  const api = composeFleetApi({
    store,
    clock: new SystemClock(),
    logger: { ...silentLogger, error: (message, fields) => errors.push([message, fields]) },
    metrics: new Metrics(),
    port: 0,
    publicationFolder,
    isDenied: (device) => denied.has(device),
    isReady: () => state.ready,
    onHook: () => {
      hooks.count += 1;
    },
    hookSecret: 'hook secret',
    viewerToken: 'viewer-token',
    artifacts: new ArtifactUploads(publicationFolder, {
      quotaBytes: 1e12,
      readDisk: async () => ({ freeBytes: 1e12, reservedBytes: 1e9 }),
    }),
    readRollouts: async (name) => (name === undefined ? ['r1'] : name === 'r1' ? { name } : undefined),
    perAddress: { perSecond: 100_000, burst: 100_000 },
    ...over,
  });
  const port = await api.start();
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    store,
    api,
    publicationFolder,
    hooks,
    denied,
    errors,
    state,
    [Symbol.asyncDispose]: async () => {
      await api.stop(100);
      await store.close();
      place[Symbol.dispose]();
    },
  };
}

export function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
}

export interface Device {
  readonly id: string;
  readonly epoch: number;
  readonly key: KeyObject;
  readonly sign: (over?: Partial<DeviceReport>) => DsseEnvelope;
}

export function newKey(): { readonly key: KeyObject; readonly pem: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key: privateKey, pem: publicKey.export({ type: 'spki', format: 'pem' }).toString() };
}

export function signReport(one: unknown, keyid: string, key: KeyObject): DsseEnvelope {
  return signDsse(REPORT_PAYLOAD_TYPE, Buffer.from(JSON.stringify(one)), { keyid, key });
}

/** Enrols over HTTP. */
export async function enrolDevice(service: Service, id: string): Promise<Device> {
  const { key, pem } = newKey();
  const [token = ''] = await service.store.createEnrolmentTokens({ expiresAtMs: Date.now() + 60_000 });
  const answer = await post(`${service.url}/v1/enrol`, { token, device: id, publicKey: pem, labels: LABELS });
  const { epoch } = (await answer.json()) as { epoch: number };
  return { id, epoch, key, sign: (over = {}) => signReport(report({ device: id, epoch, ...over }), id, key) };
}

export async function send(service: Service, envelopes: unknown): Promise<{ status: number; body: unknown }> {
  const answer = await post(`${service.url}/v1/reports`, envelopes);
  return { status: answer.status, body: await answer.json() };
}
