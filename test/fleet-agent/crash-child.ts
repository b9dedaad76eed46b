// Owns a device in a process of its own that can be made to die, by SIGKILL, right after its journal's n-th write.
import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import process from 'node:process';
import { createAgent } from '../../fleet-agent/src/agent.ts';
import { HttpServiceLink } from '../../fleet-agent/src/link/http-service-link.ts';
import { createLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { verifierFor } from '../support/trust.ts';
import { clock, MODEL, oneRow, openHost } from './device-world.ts';

export interface ChildOrder {
  readonly folder: string;
  readonly serverUrl: string;
  readonly mirrorUrl: string;
  readonly rootFile: string;
  readonly publicPem: string;
  /** Die after this many journal writes; 0 = never. */
  readonly dieAfter: number;
}

/** Lines that it prints: what answers first, and each version that is committed. */
export type ChildLine =
  | { readonly kind: 'first'; readonly version: string | null; readonly best: number }
  | { readonly kind: 'state'; readonly version: string | null; readonly state: string; readonly writes: number };

function say(line: ChildLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(order: ChildOrder): Promise<void> {
  const host = openHost();
  let writes = 0;
  const agent = createAgent({
    ...{
      id: 'device-1',
      folder: order.folder,
      link: new HttpServiceLink({ serverUrl: order.serverUrl, clock }),
      distributionUrl: order.mirrorUrl,
      token: null,
    },
    ...{ labels: {}, factoryRoot: readFileSync(order.rootFile), host, clock, random: seededRandom(1, 'child') },
    ...{ verifier: verifierFor([{ name: 'ci', publicKey: order.publicPem }]), trustFingerprint: () => 'test' },
    intervals: { pollMs: 1000, reportMs: 60_000, wakeSpreadMs: 0 },
    reserveBytes: 0,
    logger: createLogger({ least: 'warn', pretty: false, now: Date.now, write: (line) => process.stderr.write(line) }),
    onPersisted: () => {
      writes += 1;
      if (writes === order.dieAfter) process.kill(process.pid, 'SIGKILL');
    },
  });
  const stop = new AbortController();
  process.on('SIGTERM', () => stop.abort());
  const done = agent.run(stop.signal);
  await agent.started;
  try {
    const answer = await agent.infer(MODEL, oneRow);
    const data = Array.from((answer.outputs[0]?.data ?? []) as ArrayLike<number>);
    say({ kind: 'first', version: answer.modelVersion, best: data.indexOf(Math.max(...data)) });
  } catch {
    say({ kind: 'first', version: null, best: -1 });
  }
  let last = '';
  while (!stop.signal.aborted) {
    const status = agent.status().models.find((one) => one.model === MODEL);
    const line: ChildLine = {
      kind: 'state',
      version: status?.isServing ? (status.running?.version ?? null) : null,
      state: status?.state ?? 'idle',
      writes,
    };
    if (`${line.version} ${line.state}` !== last) say(line);
    last = `${line.version} ${line.state}`;
    await clock.sleep(10, stop.signal);
  }
  await done;
  await host.close();
}

// Killed processes don't write it by themselves, and dozens of them start.
flushCompileCache();
await main(JSON.parse(process.argv[2] ?? '{}') as ChildOrder);
