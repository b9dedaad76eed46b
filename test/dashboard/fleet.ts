// Owns a fleet in a store in memory, and a reader over it, for the tests of lists, devices and exposure.
import { digestOf } from '../../src/contract/digest.ts';
import type { Directive, DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS } from '../../src/contract/membership.ts';
import type { DeviceReport } from '../../src/contract/report.ts';
import { FleetReader, type FleetReaderParts } from '../../src/dashboard/read-model/fleet-reader.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';

export const NOW = Date.parse('2026-11-20T10:00:00Z');
export const NEW = { version: '2.0.0', digest: digestOf('new'), parameters: {} };
export const OLD = { version: '1.0.0', digest: digestOf('old'), parameters: {} };

export function entry(over: Partial<DirectiveEntry> = {}): DirectiveEntry {
  const target = over.target ?? '*';
  return {
    ...{ rollout: 'ocr', revision: 5, model: 'invoice-ocr', target, stage: 'canary', salt: 'ocr\nnew\n1\nnonce' },
    ...{ spreadMs: 0, emergency: false, cohort: { cut: BUCKETS / 2, select: null, devices: [] } },
    candidate: { ...NEW, attempt: 1 },
    stable: { ...OLD, target },
    ...over,
  };
}

export type Words = NonNullable<ReturnType<FleetReaderParts['words']>>;

export class Fleet implements AsyncDisposable {
  readonly store: FleetStore = openMemoryFleetStore({ reportMs: 60_000, heartbeatMs: 1_000_000 });
  directive: Directive = { kind: 'Directive', entries: [entry()] };
  sequence = 1;
  words: Words | undefined;
  ms = 0;
  /** Resolves when whoever waits for a new view has waited for long enough. */
  patience: Promise<void> = new Promise(() => {});
  readonly #epochs = new Map<string, { epoch: number; sequence: number }>();
  readonly reader: FleetReader = new FleetReader({
    store: new Proxy(this.store, {
      get: (store, name) =>
        name === 'readPublication'
          ? async () => ({ sequence: this.sequence, directive: this.directive, metadataVersion: 1 })
          : Reflect.get(store, name),
    }),
    words: () => this.words,
    asOf: () => ({ atMs: NOW + this.ms, commit: 'c0ffee', sequence: 7, publication: this.sequence }),
    refusedWhy: () => undefined,
    reportMs: 60_000,
    rest: async () => {},
    sleep: () => this.patience,
    monotonicMs: () => this.ms,
  });

  /** Views are shared for a second: the next one is new. */
  pass(ms = 2_000): void {
    this.ms += ms;
  }

  async enrol(
    device: string,
    labels: Record<string, string> = {},
    bound: Record<string, string> = {},
    publicKey = `key of ${device}`,
  ): Promise<void> {
    const [token = ''] = await this.store.createEnrolmentTokens({ expiresAtMs: NOW + 1e9, labels: bound });
    const answer = await this.store.enrol({ token, device, publicKey, labels, nowMs: NOW });
    if (answer.kind !== 'enrolled') throw new Error(answer.reason);
    await this.store.keepEntries(this.directive.entries);
    this.#epochs.set(device, { epoch: answer.epoch, sequence: 0 });
  }

  async report(device: string, running: typeof NEW | null, over: Partial<DeviceReport> = {}): Promise<void> {
    const known = this.#epochs.get(device)!;
    known.sequence += 1;
    const { labels } = (await this.store.findDevice(device))!;
    const report: DeviceReport = {
      ...{ kind: 'DeviceReport', device, epoch: known.epoch, sequence: known.sequence, bootId: 'b' },
      ...{ startedAt: '2026-11-20T10:00:00Z', durationMs: 60_000, uptimeMs: 60_000, labels },
      ...{ properties: { platform: 'linux/arm64', agent: '0.1.0' }, intervals: [], outcomes: [] },
      states: [
        {
          ...{ model: 'invoice-ocr', rollout: 'ocr', revision: 5, state: 'committed', subject: null },
          running: running && { version: running.version, digest: running.digest, slot: 'A' },
        },
      ],
      ...over,
    };
    await this.store.ingest([{ report, receivedAtMs: NOW + this.ms }]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store.close();
  }
}
