// Owns what metrics say of the process: build, memory, processor time and when it started.
import process from 'node:process';
import type { Clock } from '../base/clock.ts';
import type { Metrics } from '../base/metrics.ts';
import { VERSION } from '../base/version.ts';

export function meterProcess(metrics: Metrics, clock: Clock): void {
  const startedAtMs = clock.now() - process.uptime() * 1000;
  const one = (name: string, help: string, read: () => number, type: 'counter' | 'gauge' = 'gauge'): void =>
    metrics.reading(name, help, () => [{ value: read() }], type);
  const build = { version: VERSION, node: process.versions.node };
  metrics.reading('slipway_build_info', 'Version of Slipway, and of the Node.js that runs it: 1.', () => [
    { value: 1, labels: build },
  ]);
  one('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => startedAtMs / 1000);
  one('process_resident_memory_bytes', 'Memory that the process holds.', () => process.memoryUsage.rss());
  one(
    'process_cpu_seconds_total',
    'Processor time that the process used.',
    () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
    'counter',
  );
}
