// Owns reading the device on Linux: processors, memory, heat, disk and battery from /proc, /sys and the file system.
import { readdir, readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { type GaugeName, gaugeBounds } from '../../../src/contract/gauges.ts';
import type { TakeReadings } from './device-gauges.ts';

interface Busy {
  readonly busy: number;
  readonly total: number;
}

/** Reads below `root`, which is `/` on a device, and the disk that holds `folder`. */
export function systemReadings(folder: string, root = '/'): TakeReadings {
  let before: Busy | undefined;
  const readCpu = async (): Promise<number | undefined> => {
    const last = before;
    before = await readBusy(root);
    if (before === undefined || last === undefined || before.total <= last.total) return undefined;
    return (before.busy - last.busy) / (before.total - last.total);
  };
  let npuBefore: NpuTimes | undefined;
  const readNpu = async (): Promise<number | undefined> => {
    const last = npuBefore;
    npuBefore = await readNpuTimes(root);
    return npuBefore === undefined || last === undefined ? undefined : busiestNpu(last, npuBefore);
  };
  return async () => {
    const [npu, cpu, memory, temperature, disk, battery] = await Promise.all([
      readNpu(),
      readCpu(),
      readMemory(root),
      readTemperature(root),
      readDisk(folder),
      readBattery(root),
    ]);
    const found: [GaugeName, number | undefined][] = [
      ['cpu', cpu],
      ['memory', memory],
      ['temperature', temperature],
      ['disk', disk],
      ['battery', battery?.left],
      ['battery_drain', battery?.drainPerHour],
      ['npu', npu],
    ];
    return new Map(found.flatMap(([name, value]) => (isPossible(name, value) ? [[name, value] as const] : [])));
  };
}

/** Some drivers report nonsense, such as −274 °C for a sensor that sleeps. */
function isPossible(name: GaugeName, value: number | undefined): value is number {
  const { least, most } = gaugeBounds(name);
  return value !== undefined && value >= least && value <= most;
}

async function readText(...parts: string[]): Promise<string | undefined> {
  return readFile(path.join(...parts), 'utf8').then(
    (text) => text.slice(0, 65_536),
    () => undefined,
  );
}

async function readNumber(...parts: string[]): Promise<number | undefined> {
  const text = (await readText(...parts))?.trim();
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

async function foldersIn(...parts: string[]): Promise<string[]> {
  const folder = path.join(...parts);
  const names = await readdir(folder).catch(() => []);
  return names
    .sort()
    .slice(0, 64)
    .map((name) => path.join(folder, name));
}

/** Jiffies since boot: user, nice, system, idle, iowait, irq, softirq, steal. Guests are part of user already (proc(5)). */
async function readBusy(root: string): Promise<Busy | undefined> {
  const line = /^cpu +([\d ]+)$/m.exec((await readText(root, 'proc/stat')) ?? '')?.[1];
  if (line === undefined) return undefined;
  const jiffies = line.trim().split(/ +/).map(Number).slice(0, 8);
  const total = jiffies.reduce((sum, one) => sum + one, 0);
  return { busy: total - (jiffies[3] ?? 0) - (jiffies[4] ?? 0), total };
}

/** Since they were started, at a time since the device was. */
interface NpuTimes {
  readonly uptimeUs: number;
  /** Time that each neural processor was busy, by its folder. */
  readonly busyUs: ReadonlyMap<string, number>;
}

/**
 * Of those whose driver counts the time that it executed jobs: Intel's does (Linux 6.11, Documentation/ABI/testing/sysfs-driver-ivpu). The `load` of
 * others' frequency governors is no such thing: on some kernels it reads 100 on an idle device.
 */
async function readNpuTimes(root: string): Promise<NpuTimes | undefined> {
  const seconds = Number((await readText(root, 'proc/uptime'))?.split(' ')[0]);
  const busyUs = new Map<string, number>();
  for (const accelerator of await foldersIn(root, 'sys/class/accel')) {
    const busy = await readNumber(accelerator, 'device/npu_busy_time_us');
    if (busy !== undefined) busyUs.set(accelerator, busy);
  }
  return busyUs.size === 0 || !(seconds > 0) ? undefined : { uptimeUs: seconds * 1e6, busyUs };
}

/** The share of the time between in which the busiest was so; the clock of one reading is a little off the other's. */
function busiestNpu(before: NpuTimes, now: NpuTimes): number | undefined {
  const shares = [...now.busyUs].flatMap(([accelerator, busy]) => {
    const past = before.busyUs.get(accelerator);
    return past === undefined ? [] : [(busy - past) / (now.uptimeUs - before.uptimeUs)];
  });
  return shares.length === 0 ? undefined : Math.min(1, Math.max(...shares));
}

async function readMemory(root: string): Promise<number | undefined> {
  const text = (await readText(root, 'proc/meminfo')) ?? '';
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1]);
  const share = 1 - kilobytes('MemAvailable') / kilobytes('MemTotal');
  return Number.isFinite(share) ? share : undefined;
}

/** The hottest zone, in degrees Celsius. */
async function readTemperature(root: string): Promise<number | undefined> {
  const zones = (await foldersIn(root, 'sys/class/thermal')).filter((zone) =>
    path.basename(zone).startsWith('thermal_zone'),
  );
  const read = await Promise.all(zones.map((zone) => readNumber(zone, 'temp')));
  const degrees = read.flatMap((milli) =>
    isPossible('temperature', milli && milli / 1000) ? [(milli ?? 0) / 1000] : [],
  );
  return degrees.length === 0 ? undefined : Math.max(...degrees);
}

/** As `df` counts: blocks reserved for the superuser are neither used nor free. */
async function readDisk(folder: string): Promise<number | undefined> {
  const facts = await statfs(folder).catch(() => undefined);
  if (facts === undefined) return undefined;
  const used = facts.blocks - facts.bfree;
  return used + facts.bavail > 0 ? used / (used + facts.bavail) : undefined;
}

interface Battery {
  readonly left: number | undefined;
  readonly drainPerHour: number | undefined;
}

/** The first battery that feeds the device itself: those of mice and pens have the scope `Device`. */
async function readBattery(root: string): Promise<Battery | undefined> {
  for (const supply of await foldersIn(root, 'sys/class/power_supply')) {
    const [type, scope, status] = await Promise.all(['type', 'scope', 'status'].map((name) => readText(supply, name)));
    if (type?.trim() !== 'Battery' || scope?.trim() === 'Device') continue;
    const capacity = await readNumber(supply, 'capacity');
    const drains = status?.trim() === 'Discharging';
    return {
      left: capacity === undefined ? undefined : capacity / 100,
      drainPerHour: drains ? await readDrain(supply) : undefined,
    };
  }
  return undefined;
}

/** Microwatts of microwatt-hours, or microamperes of microampere-hours; the kernel may give either pair, and a draw of either sign. */
async function readDrain(supply: string): Promise<number | undefined> {
  for (const [draw, full] of [
    ['power_now', 'energy_full'],
    ['current_now', 'charge_full'],
  ] as const) {
    const [now, most] = await Promise.all([readNumber(supply, draw), readNumber(supply, full)]);
    if (now !== undefined && most !== undefined && most > 0) return Math.abs(now) / most;
  }
  return undefined;
}
