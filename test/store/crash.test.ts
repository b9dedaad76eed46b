// What survives kill -9, and what two processes on one file do to each other.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { plainRow } from '../telemetry/plain-tallies.ts';
import { enrolled, folder, NOW, openPublished, openStore, report, spec } from './reports.ts';

interface Child {
  readonly process: ChildProcess;
  readonly acknowledged: Map<number, string>;
  readonly ended: Promise<void>;
}

function start(file: string, device: string, epoch: number, from: number): Child {
  const script = path.join(import.meta.dirname, 'crash-child.ts');
  const child = spawn(process.execPath, [script, file, device, String(epoch), String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged = new Map<number, string>();
  let rest = '';
  child.stdout.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, sequence, answer = ''] = line.split(' ');
      acknowledged.set(Number(sequence), answer);
    }
  });
  return { process: child, acknowledged, ended: new Promise((resolve) => child.on('close', () => resolve())) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the store under kill -9', () => {
  it('has every acknowledged report after the restart, and none twice', async () => {
    using place = folder();
    const setUp = openStore(place.file);
    const epoch = await enrolled(setUp, 'd1');
    await openPublished(setUp, spec(), NOW);
    await setUp.close();
    let next = 1;
    for (let round = 0; round < 6; round++) {
      const child = start(place.file, 'd1', epoch, next);
      await until(() => child.acknowledged.size > 20 * (round + 1));
      child.process.kill('SIGKILL');
      await child.ended;
      expect([...new Set(child.acknowledged.values())]).toEqual(['accepted']);
      await using store = openStore(place.file);
      const last = Math.max(...child.acknowledged.keys());
      const recount = async () => (await store.readWindow('invoice-ocr-eu', 5))?.tallies.candidate.summary.inferences;
      // All that was acknowledged, and the few that may have been in flight, are sent again: exactly the set must count.
      const sent = Array.from({ length: 16 }, (_, i) => last - 7 + i).filter((sequence) => sequence >= next);
      const answers = await store.ingest(
        sent.map((sequence) => ({ report: report({ epoch, sequence }), receivedAtMs: NOW })),
      );
      sent.forEach((sequence, i) => {
        if (child.acknowledged.has(sequence)) expect(answers[i]).toBe('duplicate');
      });
      next = (sent.at(-1) ?? 0) + 1;
      expect(await recount()).toBe(10 * (next - 1));
    }
  });

  it('lets two processes write to one file at once without losing or doubling a report', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const epochs = [await enrolled(store, 'd1'), await enrolled(store, 'd2')] as const;
    await openPublished(store, spec(), NOW);
    const children = [start(place.file, 'd1', epochs[0], 1), start(place.file, 'd2', epochs[1], 1)] as const;
    await until(() => children.every((child) => child.acknowledged.size > 300));
    for (const child of children) child.process.kill('SIGKILL');
    await Promise.all(children.map((child) => child.ended));
    const tallies = (await store.readWindow('invoice-ocr-eu', 5))?.tallies.candidate;
    children.forEach((child, i) => {
      expect([...new Set(child.acknowledged.values())]).toEqual(['accepted']);
      const counted = plainRow(tallies, `d${i + 1}`)?.whole[0]?.reports ?? 0;
      expect(counted).toBeGreaterThanOrEqual(child.acknowledged.size);
      expect(counted - child.acknowledged.size).toBeLessThanOrEqual(8);
    });
  });
});
