// Owns a service as a process with settings that the command line does not offer: one of several on one store and repository.
import { flushCompileCache } from 'node:module';
import process from 'node:process';
import { SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { SystemRandom } from '../../src/base/random.ts';
import type { ServiceSettings } from '../../src/cli/compose-service.ts';
import { homeAt } from '../../src/cli/home.ts';
import { startService } from '../../src/cli/start-service.ts';

export interface ChildOrder extends Pick<ServiceSettings, 'repository' | 'viewerToken' | 'hookSecret'> {
  readonly credentials: { readonly username: string; readonly password: string };
  readonly home: string;
  readonly port: number;
  readonly instance: string;
  readonly leaseMs: number;
}

// Killed processes don't write it by themselves, and dozens of them start.
flushCompileCache();
const order = JSON.parse(process.argv[2] ?? '{}') as ChildOrder;
const clock = new SystemClock();
const settings: ServiceSettings = {
  ...order,
  credentials: () => ({ kind: 'basic', ...order.credentials }),
  home: homeAt(order.home),
  branch: 'main',
  insecureHttp: true,
  host: '127.0.0.1',
  reportIntervalMs: 300,
  heartbeatMs: 200,
  reconciler: { pollMs: 300, tickMs: 100, emergencyAfterMs: 60_000 },
  environment: process.env,
};
const logger = createLogger({
  least: 'info',
  pretty: false,
  now: () => clock.now(),
  write: (line) => process.stderr.write(line),
});
await startService({ settings, clock, random: new SystemRandom(), logger, instance: order.instance });
