// Owns the servers of the reports' benchmark in a process of their own: the real one over a real store, and a bare one that reads the same bodies.
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SystemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { Metrics } from '../src/base/metrics.ts';
import { composeFleetApi } from '../src/cli/compose-fleet-api.ts';
import { openSqliteFleetStore } from '../src/store/sqlite/open-sqlite-fleet-store.ts';
import { type EnrolledDevice, enrolDevices, openForAll, windowSpec } from './report-load.ts';

export interface ServersReady {
  readonly port: number;
  readonly barePort: number;
  readonly devices: readonly EnrolledDevice[];
}

const [folder = '', devices = '0'] = process.argv.slice(2);
const clock = new SystemClock();
const publicationFolder = path.join(folder, 'publication');
mkdirSync(publicationFolder, { recursive: true });
const store = openSqliteFleetStore({ file: path.join(folder, 'fleet.db'), clock });
const enrolled = await enrolDevices(store, Number(devices));
await openForAll(store, windowSpec(Number(devices)), Date.now());
const unlimited = { perSecond: 1e9, burst: 1e9 };
const api = composeFleetApi({
  ...{ store, clock, logger: silentLogger, metrics: new Metrics(), port: 0, publicationFolder },
  ...{ isDenied: () => false, isReady: () => true, onHook: () => undefined, readRollouts: async () => [] },
  ...{ perAddress: unlimited, perDevice: unlimited },
});
const port = await api.start();

const bare = createServer((request, response) => {
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(`{"bytes":${size}}`));
});
bare.listen(0, '127.0.0.1', () => {
  const { port: barePort } = bare.address() as AddressInfo;
  process.send?.({ port, barePort, devices: enrolled } satisfies ServersReady);
});
process.once('disconnect', () => process.exit(0));
