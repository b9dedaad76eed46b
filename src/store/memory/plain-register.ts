// Owns devices without an agent in memory.
import { judgePlainReport, type KnownPlain, plainExposure } from '../place-plain-report.ts';
import {
  MOST_PLAIN_DEVICES,
  type PlainAnswer,
  type PlainDevice,
  type PlainRegister,
  type ReceivedPlainReport,
} from '../plain-reports.ts';
import { appendStep, recentPoints } from '../recent-reports.ts';
import type { Besides, MemoryRegister } from './device-register.ts';
import type { MemoryWindows } from './window-store.ts';

interface Parts extends Besides {
  readonly register: MemoryRegister;
  readonly windows: MemoryWindows;
}

const NO_POINTS = new Uint8Array(0);

export function plainRegisterInMemory({ register, windows, exposure, recent }: Parts): PlainRegister {
  const known = new Map<string, KnownPlain>();
  let version = 0;
  register.onEnrolled((device, atMs) => {
    if (!known.delete(device)) return;
    version++;
    exposure.end(device, atMs);
  });
  const ingest = (received: ReceivedPlainReport): PlainAnswer => {
    const { device: id } = received.report;
    if (register.recentStep(id) !== undefined) return 'enrolled';
    const before = known.get(id);
    if (before === undefined && known.size >= MOST_PLAIN_DEVICES) return 'too-many-devices';
    const judged = judgePlainReport(before, received, windows.listening().listenedMs);
    if (judged.kind !== 'accepted') return judged.kind;
    known.set(id, judged.known);
    if (judged.endedStep !== null) recent.set(id, appendStep(recent.get(id) ?? NO_POINTS, judged.endedStep));
    const change = plainExposure(before?.device, received);
    if (change !== null) exposure.write(change);
    return 'accepted';
  };
  return {
    ingestPlain: async (reports) => {
      version++;
      return reports.map(ingest);
    },
    readPlainFleet: async () => ({
      version,
      devices: new Map([...known].map(([id, { device }]): [string, PlainDevice] => [id, device])),
    }),
    readRecent: async (id) => {
      const step = register.recentStep(id) ?? known.get(id)?.recent;
      return step === undefined ? [] : recentPoints(recent.get(id) ?? NO_POINTS, step);
    },
  };
}
