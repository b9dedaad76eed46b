// Owns what a virtual device reports: real report documents, an interval each, numbered when they leave and kept while nobody can take them.
import {
  activeContent,
  type ModelRecord,
  type SlotContent,
  subjectOf,
} from '../../fleet-agent/src/record/model-record.ts';
import { mergeBodies, type ReportBody } from '../../fleet-agent/src/report/report-body.ts';
import type { Transferred } from '../../fleet-agent/src/update/transfers.ts';
import type { Digest } from '../contract/digest.ts';
import type { Summary } from '../contract/gauges.ts';
import type { ModelInterval, ModelState, Outcome, TransferResult, TransferStep } from '../contract/report.ts';
import { type AnswerTable, Served } from './behaviour.ts';
import type { Traits } from './population.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** What the directive that the device follows says of it. */
export interface Assigned {
  readonly rollout: string;
  readonly revision: number;
  readonly arm: 'candidate' | 'stable' | null;
}

type Version = Pick<SlotContent, 'digest' | 'version'>;

interface Counted {
  readonly assigned: Assigned | null;
  readonly content: Version;
  readonly served: Served;
  /** Downloads and installs that ended, by how. */
  readonly transfers: Partial<Record<TransferStep, Partial<Record<TransferResult, number>>>>;
}

export interface ReportingWorld {
  readonly startMs: number;
  readonly epoch: number;
  readonly model: string;
  readonly network: VirtualNetwork;
  readonly answers: AnswerTable;
}

/** Reports that wait for the network; beyond this the oldest are merged. */
const MOST_QUEUED = 60;

export class DeviceReporting {
  readonly #traits: Traits;
  readonly #world: ReportingWorld;
  #counted: Counted[] = [];
  #sinceMs: number;
  #sequence = 0;
  #queue: ReportBody[] = [];
  #told: { readonly record: ModelRecord; readonly assigned: Assigned | null; readonly state: ModelState } | null = null;

  constructor(traits: Traits, world: ReportingWorld) {
    this.#traits = traits;
    this.#world = world;
    this.#sinceMs = world.startMs;
  }

  /** Where to count what runs now: what ran under another word of the directive is counted apart. */
  intervalOf(assigned: Assigned | null, content: Version): Served {
    return this.#countedOf(assigned, content).served;
  }

  /** A try to download or to install a version ended. */
  countTransfer(assigned: Assigned | null, { goal, step, result }: Transferred): void {
    const { transfers } = this.#countedOf(assigned, goal);
    const ended = transfers[step] ?? {};
    transfers[step] = { ...ended, [result]: (ended[result] ?? 0) + 1 };
  }

  #countedOf(assigned: Assigned | null, content: Version): Counted {
    const known = this.#counted.find((one) => one.assigned === assigned && one.content.digest === content.digest);
    if (known !== undefined) return known;
    const counted: Counted = { assigned, content, served: new Served(this.#world.answers), transfers: {} };
    this.#counted.push(counted);
    return counted;
  }

  /** Closes the interval, and sends its report with those that waited when the service can be reached. */
  tell(now: {
    readonly record: ModelRecord;
    readonly assigned: Assigned | null;
    readonly outcomes: readonly Outcome[];
    readonly gauges: Readonly<Record<string, Summary>>;
    readonly at: number;
  }): void {
    const { network, epoch } = this.#world;
    this.#enqueue(this.#body(now));
    if (!network.isOnline(this.#traits, now.at)) return;
    for (const body of this.#queue) network.send(Object.assign(body, { epoch, sequence: ++this.#sequence }), now.at);
    this.#queue = [];
  }

  #enqueue(body: ReportBody): void {
    this.#queue.push(body);
    if (this.#queue.length <= MOST_QUEUED) return;
    const [oldest, next, ...rest] = this.#queue;
    const merged = oldest && next && mergeBodies(oldest, next);
    this.#queue = merged === undefined ? this.#queue.slice(1) : [merged, ...rest];
  }

  #body({ record, assigned, outcomes, gauges, at }: Parameters<DeviceReporting['tell']>[0]): ReportBody {
    const { facts } = this.#traits;
    const { startMs, network } = this.#world;
    const sinceMs = this.#sinceMs;
    const served = this.#counted.filter((one) => one.served.inferences > 0).length;
    const intervals = this.#counted
      .filter((one) => one.served.inferences > 0 || Object.keys(one.transfers).length > 0)
      .map((one) => this.#interval(one, served === 1 ? Math.round(at - sinceMs) : 0));
    this.#counted = [];
    this.#sinceMs = at;
    return {
      kind: 'DeviceReport',
      device: facts.id,
      bootId: `boot-${this.#traits.index}`,
      startedAt: new Date(sinceMs + network.clockErrorMs(this.#traits)).toISOString(),
      durationMs: at - sinceMs,
      uptimeMs: at - startMs,
      labels: facts.labels,
      properties: facts.properties,
      gauges,
      intervals,
      states: [this.#state(record, assigned)],
      outcomes,
    };
  }

  /** `servedMs`: 0 where it is not known. */
  #interval({ assigned, content, served, transfers }: Counted, servedMs: number): ModelInterval {
    return {
      model: this.#world.model,
      rollout: assigned?.rollout ?? null,
      revision: assigned?.revision ?? null,
      arm: assigned?.arm ?? null,
      digest: content.digest,
      version: content.version,
      ...served.toInterval(),
      ...(served.inferences > 0 && servedMs > 0 ? { servedMs } : {}),
      ...(Object.keys(transfers).length > 0 ? { transfers } : {}),
    };
  }

  /** The same object for as long as nothing changes. */
  #state(record: ModelRecord, assigned: Assigned | null): ModelState {
    if (this.#told?.record === record && this.#told.assigned === assigned) return this.#told.state;
    const running = activeContent(record);
    const slot = record.active;
    const subject = subjectOf(record);
    const state: ModelState = {
      model: record.model,
      rollout: assigned?.rollout ?? null,
      revision: assigned?.revision ?? null,
      running: running === null || slot === null ? null : { digest: running.digest, version: running.version, slot },
      state: record.phase.kind,
      subject: subject === null ? null : { digest: subject.digest as Digest, attempt: subject.attempt },
    };
    this.#told = { record, assigned, state };
    return state;
  }
}
