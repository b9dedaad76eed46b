// Owns the traces of steps: each step of a rollout is one trace, with the phases of the cycles that made and published it, and the devices that took it.
import type { Phase } from '../base/phases.ts';
import type { Tracer } from '../base/tracer.ts';
import type { DeviceReport, ModelState, Outcome } from '../contract/report.ts';
import type { WrittenStep } from './landing.ts';
import type { Observation } from './observe.ts';
import type { ReconcilerEvents } from './reconciler.ts';

/** Keys of spans that others are part of. */
const STEP = 'step';
/** Steps that wait for their directive, and those whose devices are traced. */
const MOST_STEPS = 1_000;
/** Of each step: the first that take it show how it goes, and a fleet of 100,000 would fill the collector. */
const MOST_DEVICES = 100;
/** Reports that wait to be judged; the others have no span. */
const MOST_REPORTS = 500;

/** Reports that the store has taken. */
export interface TakenReports {
  readonly reports: readonly DeviceReport[];
  readonly receivedMs: number;
  readonly storedMs: number;
}

interface Traced {
  readonly trace: readonly string[];
  /** What each device was seen doing, and since when. */
  readonly devices: Map<string, Seen[]>;
}

interface Seen {
  readonly state: ModelState['state'];
  readonly atMs: number;
}

interface Waiting {
  readonly written: WrittenStep;
  readonly phases: readonly Phase[];
}

interface WaitingReport {
  readonly traced: Traced;
  readonly report: DeviceReport;
  readonly receivedMs: number;
  readonly storedMs: number;
}

/** What a device does in a state, in the words of traces. */
const WORK: Partial<Readonly<Record<ModelState['state'], string>>> = {
  fetching: 'download',
  verified: 'verify',
  staged: 'self-test',
  selfTested: 'self-test',
  trial: 'trial',
  rollingBack: 'roll back',
};

export class StepTraces {
  readonly #tracer: Tracer;
  /** The phases since the last fetch. */
  #phases: Phase[] = [];
  /** By rollout. */
  readonly #waiting = new Map<string, Waiting>();
  /** By rollout and revision, the newest last. */
  readonly #steps = new Map<string, Traced>();
  #reports: WaitingReport[] = [];

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  /** The events that it needs, passed on to others. */
  events(others: ReconcilerEvents = {}): ReconcilerEvents {
    return {
      ...others,
      onSteps: (steps) => {
        this.#noteSteps(steps);
        others.onSteps?.(steps);
      },
      onPublished: (sequence) => {
        this.#tellWaiting([...this.#waiting.keys()]);
        others.onPublished?.(sequence);
      },
      onObserved: (observation) => {
        this.#noteObserved(observation);
        others.onObserved?.(observation);
      },
    };
  }

  notePhase(phase: Phase): void {
    if (phase.name === 'fetch') this.#phases = [];
    // A cycle that asks nobody begins by looking.
    if (phase.name === 'observe') this.#phases = this.#phases.filter(({ name }) => name === 'fetch');
    this.#phases.push(phase);
    if (phase.name === 'decide') this.#tellJudged(phase.endMs);
  }

  noteReports({ reports, receivedMs, storedMs }: TakenReports): void {
    for (const report of reports) {
      for (const { rollout, revision, subject, state } of report.states) {
        const traced = this.#find(rollout, revision);
        if (traced !== undefined && subject !== null) note(traced, report.device, { state, atMs: receivedMs });
      }
      for (const outcome of report.outcomes) {
        const traced = this.#find(outcome.rollout, outcome.revision);
        if (traced === undefined) continue;
        this.#tellDevice(traced, report.device, outcome, receivedMs);
        if (this.#reports.length < MOST_REPORTS) this.#reports.push({ traced, report, receivedMs, storedMs });
      }
    }
  }

  #find(rollout: string | null, revision: number | null): Traced | undefined {
    return this.#steps.get(`${rollout}\n${revision}`);
  }

  #noteSteps(steps: readonly WrittenStep[]): void {
    for (const written of steps) {
      const { rollout, next } = written.step;
      this.#tellWaiting([rollout]);
      this.#waiting.set(rollout, { written, phases: this.#phases });
      const trace = [rollout, String(next.revision), written.commit];
      this.#steps.set(`${rollout}\n${next.revision}`, { trace, devices: new Map() });
      const [oldest] = this.#steps.keys();
      if (this.#steps.size > MOST_STEPS && oldest !== undefined) this.#steps.delete(oldest);
    }
  }

  /** What stands in the directive already, another process published. */
  #noteObserved({ facts }: Observation): void {
    const published = facts.published?.entries ?? [];
    const told = published.filter(
      ({ rollout, revision }) => (this.#waiting.get(rollout)?.written.step.next.revision ?? Infinity) <= revision,
    );
    this.#tellWaiting(told.map(({ rollout }) => rollout));
  }

  #tellWaiting(rollouts: readonly string[]): void {
    for (const rollout of rollouts) {
      const waiting = this.#waiting.get(rollout);
      if (waiting === undefined) continue;
      this.#waiting.delete(rollout);
      this.#tellStep(waiting);
    }
  }

  #tellStep({ written: { commit, step }, phases: before }: Waiting): void {
    const { rollout, model, kind, from, to, next, subject } = step;
    const trace = [rollout, String(next.revision), commit];
    const after = this.#phases.filter((phase) => !before.includes(phase));
    const phases = [...before, ...after];
    const [startMs, endMs] = [
      Math.min(...phases.map((one) => one.startMs)),
      Math.max(...phases.map((one) => one.endMs)),
    ];
    if (!Number.isFinite(startMs)) return;
    const attributes = {
      ...{ 'slipway.rollout': rollout, 'slipway.model': model, 'slipway.revision': next.revision },
      ...{ 'slipway.commit': commit, 'slipway.step': kind, 'slipway.from': from, 'slipway.to': to },
      ...(subject === null ? {} : { 'slipway.version': subject.version, 'slipway.digest': subject.digest }),
    };
    this.#tracer.record({ trace, key: STEP, parent: null, name: `${kind} ${rollout}`, startMs, endMs, attributes });
    for (const [i, phase] of phases.entries()) {
      const { name, startMs: fromMs, endMs: untilMs } = phase;
      this.#tracer.record({ trace, key: `${name} ${i}`, parent: STEP, name, startMs: fromMs, endMs: untilMs });
    }
  }

  /** From the first report that shows the device at work to the one with the outcome; what came in between is as fine as reports are. */
  #tellDevice(traced: Traced, device: string, outcome: Outcome, atMs: number): void {
    const seen = traced.devices.get(device);
    if (seen === undefined && traced.devices.size >= MOST_DEVICES) return;
    const { trace } = traced;
    const key = `device ${device}`;
    const { kind, reason, message, at, attempt, digest } = outcome;
    const attributes = {
      ...{ 'slipway.device': device, 'slipway.outcome': kind, 'slipway.device.at': at },
      ...{ 'slipway.digest': digest, 'slipway.attempt': attempt },
    };
    const failure = kind === 'committed' ? {} : { failure: `${reason ?? kind}: ${message}` };
    const startMs = seen?.[0]?.atMs ?? atMs;
    const name = `update ${device}`;
    this.#tracer.record({ trace, key, parent: STEP, name, startMs, endMs: atMs, attributes, ...failure });
    for (const [i, { state, atMs: fromMs }] of (seen ?? []).entries()) {
      const work = WORK[state];
      const untilMs = seen?.[i + 1]?.atMs ?? atMs;
      if (work !== undefined)
        this.#tracer.record({ trace, key: `${key} ${i}`, parent: key, name: work, startMs: fromMs, endMs: untilMs });
    }
    traced.devices.set(device, []);
  }

  #tellJudged(judgedMs: number): void {
    const reports = this.#reports;
    this.#reports = [];
    for (const { traced, report, receivedMs, storedMs } of reports) {
      const { trace } = traced;
      const { device, sequence } = report;
      const key = `report ${device} ${sequence}`;
      const attributes = { 'slipway.device': device, 'slipway.report': sequence };
      const times = { startMs: receivedMs, endMs: Math.max(judgedMs, storedMs) };
      this.#tracer.record({ trace, key, parent: STEP, name: `report ${device}`, ...times, attributes });
      const part = (name: string, startMs: number, endMs: number): void =>
        this.#tracer.record({ trace, key: `${key} ${name}`, parent: key, name, startMs, endMs });
      part('store and count', receivedMs, storedMs);
      part('judge', storedMs, times.endMs);
    }
  }
}

function note({ devices }: Traced, device: string, seen: Seen): void {
  const known = devices.get(device);
  if (known === undefined && devices.size >= MOST_DEVICES) return;
  if (known?.at(-1)?.state === seen.state) return;
  // An update has fewer states than this, however often it begins anew.
  if ((known?.length ?? 0) < 20) devices.set(device, [...(known ?? []), seen]);
}
