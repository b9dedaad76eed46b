// Owns devices that lie: enrolled, outside the cohort, and each with its own way to pass a bad model or to revert a good one.
import type { KeyObject } from 'node:crypto';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import type { ReportAnswer } from '../../src/contract/fleet-messages.ts';
import { bucketOf } from '../../src/contract/membership.ts';
import {
  CONFIDENCE_BINS,
  type DeviceReport,
  type ModelInterval,
  type Outcome,
  REPORT_PAYLOAD_TYPE,
} from '../../src/contract/report.ts';
import { addToSketch, emptySketch, sketchToJson } from '../../src/contract/sketch.ts';
import { signDsse } from '../../src/contract/trust/dsse.ts';
import { RARE_CLASS } from '../../src/simulation/behaviour.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { makeKey } from '../support/trust.ts';

/** Where the rollout goes, and where the liars are enrolled. */
export const TARGET = 'region:eu-west OR region:us-east OR region:ap-south';
const ABROAD = { region: 'elsewhere', hw: 'rev2', os: '13', link: 'wired', age: 'new' };
const INSIDE = { ...ABROAD, region: 'eu-west' };

export type Aim = 'revert' | 'pass';

/** A device of the liars' crowd in one minute. */
interface Moment {
  readonly device: string;
  readonly entry: DirectiveEntry;
  readonly aim: Aim;
  readonly nowMs: number;
}

type Lie = Partial<Pick<DeviceReport, 'intervals' | 'outcomes' | 'labels' | 'states'>>;

const INFERENCES = 400;

function interval(entry: DirectiveEntry, arm: 'candidate' | 'stable', isGood: boolean): ModelInterval {
  const choice = arm === 'candidate' ? (entry.candidate ?? entry.stable) : entry.stable;
  const errors = isGood ? 0 : INFERENCES / 2;
  const answers = INFERENCES - errors;
  const latency = emptySketch();
  addToSketch(latency, isGood ? 35 : 900, answers);
  const confidence = new Array<number>(CONFIDENCE_BINS).fill(0);
  confidence[isGood ? 17 : 2] = answers;
  const rare = isGood ? Math.ceil(answers / 50) : 0;
  return {
    ...{ model: entry.model, rollout: entry.rollout, revision: entry.revision, arm },
    ...{ digest: choice?.digest ?? `sha256:${'0'.repeat(64)}`, version: choice?.version ?? '0' },
    ...{ inferences: INFERENCES, errors: errors > 0 ? { runtime: errors } : {}, unknown: isGood ? 0 : answers / 2 },
    ...{ latencyMs: sketchToJson(latency), confidence, classes: { invoice: answers - rare, [RARE_CLASS]: rare } },
  };
}

function outcome({ entry, aim, nowMs }: Moment, kind: Outcome['kind']): Outcome {
  const { model, rollout, revision, candidate } = entry;
  return {
    ...{ model, rollout, revision, digest: candidate?.digest ?? `sha256:${'0'.repeat(64)}` },
    ...{ attempt: candidate?.attempt ?? 0, kind, reason: kind === 'failed' ? 'trial' : null },
    ...{ message: aim, at: new Date(nowMs).toISOString() },
  };
}

/** To pass a bad model the candidate looks good, or stable bad; to revert a good one the other way round. */
function arms({ entry, aim }: Moment): { candidate: ModelInterval; stable: ModelInterval } {
  return {
    candidate: interval(entry, 'candidate', aim === 'pass'),
    stable: interval(entry, 'stable', aim === 'revert'),
  };
}

interface Kind {
  readonly name: string;
  /** Labels that its token binds; else it states them. */
  readonly bound?: Readonly<Record<string, string>>;
  readonly stated: Readonly<Record<string, string>>;
  /** Enrols when a stage has opened, with an id that falls into its cohort. */
  readonly isLate?: boolean;
  readonly lie: (moment: Moment) => Lie;
}

/** Of all kinds that were seen or thought of. */
export const KINDS: readonly Kind[] = [
  {
    name: 'speaks for the candidate',
    stated: ABROAD,
    lie: (moment) => ({ intervals: [arms(moment).candidate] }),
  },
  { name: 'speaks for stable', stated: ABROAD, lie: (moment) => ({ intervals: [arms(moment).stable] }) },
  {
    name: 'tells of installs',
    stated: ABROAD,
    lie: (moment) => ({
      outcomes:
        moment.aim === 'revert'
          ? [outcome(moment, 'failed'), outcome(moment, 'refused')]
          : [outcome(moment, 'committed')],
    }),
  },
  {
    name: 'says that it is where its token says that it is not',
    bound: { region: 'elsewhere' },
    stated: INSIDE,
    lie: (moment) => ({ labels: INSIDE, intervals: [arms(moment).candidate], outcomes: [outcome(moment, 'failed')] }),
  },
  {
    name: 'moves in once the attempt is under way',
    stated: ABROAD,
    lie: (moment) => ({
      labels: INSIDE,
      intervals: Object.values(arms(moment)),
      outcomes: [outcome(moment, 'failed')],
    }),
  },
  {
    name: 'enrols with an id made for the cohort',
    stated: INSIDE,
    isLate: true,
    lie: (moment) => ({ labels: INSIDE, intervals: [arms(moment).candidate], outcomes: [outcome(moment, 'failed')] }),
  },
  { name: 'tells two stories', stated: ABROAD, lie: (moment) => ({ intervals: Object.values(arms(moment)) }) },
  {
    name: 'names a revision that is still to come',
    stated: ABROAD,
    lie: (moment) => {
      const later = { ...moment, entry: { ...moment.entry, revision: moment.entry.revision + 1 } };
      return { intervals: Object.values(arms(later)), outcomes: [outcome(later, 'failed')] };
    },
  },
];

interface Liar {
  readonly device: string;
  readonly epoch: number;
  readonly kind: Kind;
  /** Revision of the stage that it enrolled in, if it is of those. */
  readonly ofStage: string | null;
  sequence: number;
}

/** What of a store the crowd uses: its own methods, or the service's doors. */
export type Doors = Pick<FleetStore, 'createEnrolmentTokens' | 'enrol' | 'ingest'>;

/** The doors of a running service: each liar has a key of its own, and signs what it says. */
export function doorsOf(serverUrl: string, store: Pick<FleetStore, 'createEnrolmentTokens'>): Doors {
  const keys = new Map<string, KeyObject>();
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${serverUrl}${path}`, { method: 'POST', body: JSON.stringify(body), headers });
    return answer.json();
  };
  return {
    createEnrolmentTokens: (order) => store.createEnrolmentTokens(order),
    enrol: async ({ token, device, labels }) => {
      const { key, publicPem: pem } = makeKey();
      keys.set(device, key);
      const { epoch } = (await post('/v1/enrol', { token, device, publicKey: pem, labels })) as { epoch?: number };
      return epoch === undefined ? { kind: 'refused', reason: 'unknown-token' } : { kind: 'enrolled', epoch, labels };
    },
    ingest: async (batch) => {
      const envelopes = batch.map(({ report }) => {
        const key = keys.get(report.device);
        if (key === undefined) throw new Error(`${report.device} has no key`);
        return signDsse(REPORT_PAYLOAD_TYPE, Buffer.from(JSON.stringify(report)), { keyid: report.device, key });
      });
      const answers = (await post('/v1/reports', envelopes)) as readonly ReportAnswer[];
      return answers.map(({ kind }) => (kind === 'accepted' ? 'accepted' : 'duplicate'));
    },
  };
}

/** So many liars beside the fleet, of all kinds in turn or of one, reporting each minute. */
export class Crowd {
  readonly #store: Doors;
  readonly #aim: Aim;
  readonly #kinds: readonly Kind[];
  readonly #count: number;
  readonly #liars: Liar[] = [];
  #stage: string | null = null;
  /** Reports that the store took. */
  told = 0;

  constructor(store: Doors, order: { readonly aim: Aim; readonly count: number; readonly kinds?: readonly Kind[] }) {
    this.#store = store;
    this.#aim = order.aim;
    this.#count = order.count;
    this.#kinds = order.kinds ?? KINDS;
  }

  /** All but those who come late. */
  async enrol(nowMs: number): Promise<void> {
    for (let i = 0; i < this.#count; i++) {
      const kind = this.#kinds[i % this.#kinds.length];
      if (kind !== undefined && !kind.isLate) await this.#enrolOne(`${this.#aim}-liar-${i}`, kind, null, nowMs);
    }
  }

  async #enrolOne(device: string, kind: Kind, ofStage: string | null, nowMs: number): Promise<void> {
    const { bound = {}, stated } = kind;
    const [token = ''] = await this.#store.createEnrolmentTokens({ labels: bound, expiresAtMs: nowMs + 60_000 });
    const answer = await this.#store.enrol({
      token,
      device,
      publicKey: device,
      labels: { ...stated, ...bound },
      nowMs,
    });
    if (answer.kind === 'enrolled') this.#liars.push({ device, epoch: answer.epoch, kind, ofStage, sequence: 0 });
  }

  /** Everyone lies about the newest entry; nothing to lie about before a candidate rolls. */
  async lie(entry: DirectiveEntry, nowMs: number): Promise<void> {
    if (entry.candidate === null) return;
    if (entry.stage !== this.#stage) {
      this.#stage = entry.stage;
      await this.#enrolLate(entry, nowMs);
    }
    for (const liar of this.#liars) {
      const { device, epoch, kind, ofStage } = liar;
      // From the next stage on it would be a device of the fleet like any other.
      if (kind.isLate && ofStage !== entry.stage) continue;
      const told: DeviceReport = {
        ...{ kind: 'DeviceReport', device, epoch, sequence: ++liar.sequence, bootId: 'liar' },
        ...{ startedAt: new Date(nowMs - 60_000).toISOString(), durationMs: 60_000, uptimeMs: 60_000 },
        ...{ labels: kind.stated, properties: { platform: 'linux/arm64' } },
        ...{ intervals: [], states: [], outcomes: [] },
        ...kind.lie({ device, entry, aim: this.#aim, nowMs }),
      };
      const [answer] = await this.#store.ingest([{ report: told, receivedAtMs: nowMs }]);
      if (answer === 'accepted') this.told++;
    }
  }

  async #enrolLate(entry: DirectiveEntry, nowMs: number): Promise<void> {
    const late = this.#kinds.filter((kind) => kind.isLate);
    const count = Math.ceil((this.#count * late.length) / this.#kinds.length);
    for (let i = 0, tries = 0; i < count && tries < 20_000; tries++) {
      const device = `late-${entry.stage}-${tries}`;
      const [kind] = late;
      if (kind === undefined || bucketOf(entry.salt, device) >= Math.max(entry.cohort.cut, 2 ** 46)) continue;
      await this.#enrolOne(device, kind, entry.stage, nowMs);
      i++;
    }
  }
}
