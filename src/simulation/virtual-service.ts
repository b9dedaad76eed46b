// Owns the service in virtual time: the production's own loop, put together on store, Git and publication in memory.
import type { Clock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { RandomStream } from '../base/random.ts';
import { DocumentVerifier } from '../contract/trust/verifier.ts';
import type { Publication } from '../distribution/publication.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { DeclaredWatch } from '../measurement/declared-watch.ts';
import { SteadyWatch } from '../measurement/steady-watch.ts';
import { type Measured, type MeasureQuestion, WindowMeasurement } from '../measurement/window-measurement.ts';
import { Executor } from '../reconcile/carry-out.ts';
import { DirectPush, type Landing } from '../reconcile/landing.ts';
import { Notices } from '../reconcile/notices.ts';
import { Observer } from '../reconcile/observe.ts';
import { WindowKeeping } from '../reconcile/prepare-windows.ts';
import { Publisher } from '../reconcile/publisher.ts';
import { Reconciler, type ReconcilerEvents } from '../reconcile/reconciler.ts';
import { SnapshotReader } from '../snapshot/snapshot.ts';
import { StatusClaims } from '../snapshot/status-claims.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import type { VirtualKeys } from './virtual-manifests.ts';

/** Stands still until it is set. */
export class VirtualClock implements Clock {
  nowMs: number;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  async sleep(): Promise<void> {}
}

export interface VirtualServiceParts {
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly keys: VirtualKeys;
  /** Several processes may share host, store and publication. */
  readonly repository: ManifestsRepository;
  readonly store: FleetStore;
  readonly publication: Publication;
  /** Names this process. */
  readonly holder?: string;
  readonly landing?: Landing;
  readonly reportMs: number;
  /** No failed rule counts: to see what others would have done had the candidate stayed. */
  readonly ignoresFailures?: boolean;
  readonly events?: ReconcilerEvents;
}

const LEASE_MS = 60_000;
const RENEW_BEFORE_MS = 12 * 60 * 60_000;
const EMERGENCY_AFTER_MS = 120_000;

/** As if every rule that failed were still open. */
class MeasurementHeldOpen extends WindowMeasurement {
  override async measure(question: MeasureQuestion): Promise<Measured> {
    const measured = await super.measure(question);
    return { ...measured, verdict: heldOpen(measured.verdict) };
  }
}

function heldOpen(verdict: StageVerdict | null): StageVerdict | null {
  if (verdict === null || verdict.kind !== 'fail') return verdict;
  const rules = verdict.rules.map((rule) =>
    rule.verdict === 'fail' ? { ...rule, verdict: 'undecided' as const } : rule,
  );
  return { ...verdict, kind: 'undecided', rules };
}

/** A reconciler as a process of the service makes it; the caller runs its cycles. */
export function composeVirtualService(parts: VirtualServiceParts): Reconciler {
  const { clock, random, keys, repository, store, publication, holder = 'virtual', reportMs } = parts;
  const logger = silentLogger;
  const claims = new StatusClaims(repository, keys.trust.reconciler);
  const Measurement = parts.ignoresFailures ? MeasurementHeldOpen : WindowMeasurement;
  const windows = new Measurement(store, reportMs);
  const verifier = new DocumentVerifier(keys.trust);
  const reader = new SnapshotReader(repository);
  const steady = new SteadyWatch(store, reportMs);
  const landing = parts.landing ?? new DirectPush(repository);
  const leased = { store, clock, holder, leaseMs: LEASE_MS };
  const list = { targets: [], runbooks: new Map<string, string>() };
  return new Reconciler(
    {
      observer: new Observer({ random, repository, reader, claims, windows, steady, store, verifier }),
      windows: new WindowKeeping(store, windows),
      executor: new Executor({ repository, claims, signer: keys.reconciler, landing, logger }),
      publisher: new Publisher({ ...leased, publication, repository, renewBeforeMs: RENEW_BEFORE_MS }),
      notices: new Notices({ ...leased, claims, logger, list }),
      declared: new DeclaredWatch(store, { intervalMs: reportMs, afterMs: null }),
      ...{ repository, store, clock, random, logger },
    },
    { pollMs: 0, tickMs: reportMs, emergencyAfterMs: EMERGENCY_AFTER_MS },
    parts.events,
  );
}
