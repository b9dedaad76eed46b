// Owns which versions of a model run where, by what the rollouts say of each, and how that changed in the last days.
import type { TimeSeries } from '../../store/time-series.ts';
import { chosenPoints } from '../../store/time-series.ts';
import { countOf } from '../../wording/amounts.ts';
import { MOST_NAME, text } from './bounded.ts';
import type { DigestCounts, FleetCounts } from './fleet-counts.ts';
import type { AdoptionPoint, ModelVersions, VersionInField } from './types.generated.ts';

type Role = VersionInField['role'];

/** What the rollouts say of a digest. */
export type RolesOfModel = ReadonlyMap<string, { readonly role: Role; readonly version: string }>;

const ROLE_ORDER: readonly Role[] = ['candidate', 'stable', 'before', 'rejected', 'other', 'unknown'];
const ROLE_WORDS: Readonly<Record<Role, string>> = {
  stable: 'stable',
  candidate: 'is rolling out',
  rejected: 'was rejected',
  before: 'was stable before',
  other: 'no rollout names it',
  unknown: 'no manifest is known',
};
const MOST_VERSIONS = 100;

function versionInField(digest: string, counts: DigestCounts, roles: RolesOfModel): VersionInField {
  const known = roles.get(digest);
  const version = known?.version ?? counts.version;
  const role = known?.role ?? (version === '' ? 'unknown' : 'other');
  return {
    version: version === '' ? null : { version: text(version, MOST_NAME), digest },
    ...{ role, devices: counts.running, kept: counts.kept },
    text: `${countOf(counts.running, 'device')}; ${ROLE_WORDS[role]}`,
  };
}

const NONE: ReadonlyMap<string, DigestCounts> = new Map();

/** The versions of each model that devices run or rollouts name, the most important first. */
export function modelVersions(
  { models }: FleetCounts,
  rolesByModel: ReadonlyMap<string, RolesOfModel>,
): ModelVersions[] {
  const names = [...new Set([...rolesByModel.keys(), ...models.keys()])].sort();
  return names.map((model) => {
    const roles: RolesOfModel = rolesByModel.get(model) ?? new Map();
    const counts = models.get(model) ?? NONE;
    const named = [...roles].filter(
      ([digest, { role }]) => !counts.has(digest) && (role === 'stable' || role === 'candidate'),
    );
    const absent = named.map(([digest, { version }]) => [digest, { version, running: 0, kept: 0 }] as const);
    const versions = [...counts, ...absent].map(([digest, one]) => versionInField(digest, one, roles));
    versions.sort((a, b) => ROLE_ORDER.indexOf(a.role) - ROLE_ORDER.indexOf(b.role) || b.devices - a.devices);
    return { model: text(model, MOST_NAME), versions: versions.slice(0, MOST_VERSIONS) };
  });
}

/** The curves go back as far. */
export const DAYS_14_MS = 14 * 24 * 3_600_000;
/** Counts are noted when they changed, and no more often. */
const LEAST_BETWEEN_MS = 60_000;
const MOST_IN_MEMORY = 120;
export const MOST_SENT = 60;
const MOST_DRAWN = 20;

interface Known {
  points: AdoptionPoint[];
  notedMs: number;
  text: string;
}

/** Devices by version over time, of each model. */
export class Adoption {
  readonly #store: Pick<TimeSeries, 'appendPoints' | 'readPoints'>;
  readonly #known = new Map<string, Known>();

  constructor(store: Pick<TimeSeries, 'appendPoints' | 'readPoints'>) {
    this.#store = store;
  }

  /** Takes note of the present counts. Throws what the store throws. */
  async note(models: readonly ModelVersions[], nowMs: number): Promise<void> {
    const due: { readonly series: string; readonly point: AdoptionPoint; readonly known: Known }[] = [];
    for (const { model, versions } of models) {
      const counts = countsOf(versions);
      const known = this.#known.get(model) ?? (await this.#load(model, nowMs));
      const now = JSON.stringify(counts);
      if (now === known.text || (nowMs - known.notedMs < LEAST_BETWEEN_MS && nowMs >= known.notedMs)) continue;
      due.push({ series: seriesOf(model), point: { atMs: Math.floor(nowMs), counts }, known });
    }
    if (due.length === 0) return;
    const points = due.map(({ series, point }) => ({ series, atMs: point.atMs, isKept: false, value: point.counts }));
    await this.#store.appendPoints(points);
    for (const { point, known } of due) {
      known.points.push(point);
      if (known.points.length > MOST_IN_MEMORY) known.points = [...chosen(known.points, MOST_SENT)];
      known.notedMs = nowMs;
      known.text = JSON.stringify(point.counts);
    }
  }

  /** The last 14 days, up to the present counts, in at most `MOST_SENT` points. */
  read({ model, versions }: ModelVersions, nowMs: number): AdoptionPoint[] {
    const points = (this.#known.get(model)?.points ?? []).filter(
      ({ atMs }) => atMs >= nowMs - DAYS_14_MS && atMs < nowMs,
    );
    return [...chosen(points, MOST_SENT - 1), { atMs: nowMs, counts: countsOf(versions) }];
  }

  async #load(model: string, nowMs: number): Promise<Known> {
    const stored = await this.#store.readPoints(seriesOf(model), { sinceMs: nowMs - DAYS_14_MS, most: MOST_SENT });
    const points = stored.map(({ atMs, value }): AdoptionPoint => ({ atMs, counts: readCounts(value) }));
    const last = points.at(-1);
    const known = {
      points,
      notedMs: last?.atMs ?? Number.NEGATIVE_INFINITY,
      text: JSON.stringify(last?.counts ?? null),
    };
    this.#known.set(model, known);
    return known;
  }
}

function chosen(points: readonly AdoptionPoint[], most: number): readonly AdoptionPoint[] {
  return chosenPoints(
    points.map((point) => ({ ...point, isKept: false })),
    most,
  ).map(({ atMs, counts }) => ({ atMs, counts }));
}

function seriesOf(model: string): string {
  return `adoption ${model}`;
}

function readCounts(value: unknown): Record<string, number> {
  if (value === null || typeof value !== 'object') return {};
  return Object.fromEntries(Object.entries(value).flatMap(([name, n]) => (typeof n === 'number' ? [[name, n]] : [])));
}

/** By version; one that is not known by name counts under a part of its digest. */
function countsOf(versions: readonly VersionInField[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const [i, { version, devices }] of versions.entries()) {
    if (devices === 0) continue;
    const name = i >= MOST_DRAWN ? '(others)' : (version?.version ?? '(unknown)');
    counts.set(name, (counts.get(name) ?? 0) + devices);
  }
  return Object.fromEntries(counts);
}
