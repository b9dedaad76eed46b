// Owns putting the loop together on the edges that others choose: the service and every simulation run this one.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import { Phases } from '../base/phases.ts';
import type { RandomStream } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import type { TrustPolicy } from '../contract/trust/trust-policy.ts';
import { DocumentVerifier } from '../contract/trust/verifier.ts';
import type { Publication } from '../distribution/publication.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { DeclaredWatch } from '../measurement/declared-watch.ts';
import type { SignalBoard } from '../measurement/signal-board.ts';
import { SteadyWatch } from '../measurement/steady-watch.ts';
import type { WindowMeasurement } from '../measurement/window-measurement.ts';
import type { RefusedDevices } from '../rollout/alerts.ts';
import type { ReconcilerSigner } from '../signing/evidence-signer.ts';
import { SnapshotReader } from '../snapshot/snapshot.ts';
import { StatusClaims } from '../snapshot/status-claims.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { Executor } from './carry-out.ts';
import { EvidenceKeeper } from './evidence-keeper.ts';
import { DirectPush, type Landing } from './landing.ts';
import { LoopMeter } from './loop-meter.ts';
import { type NoticeList, Notices } from './notices.ts';
import { Observer } from './observe.ts';
import { WindowKeeping } from './prepare-windows.ts';
import { Publisher } from './publisher.ts';
import { Reconciler, type ReconcilerEvents, type ReconcilerSettings } from './reconciler.ts';
import { StepTraces } from './step-traces.ts';

export interface LoopParts {
  readonly repository: ManifestsRepository;
  readonly store: FleetStore;
  readonly publication: Publication;
  readonly signer: ReconcilerSigner;
  readonly trust: TrustPolicy;
  readonly windows: WindowMeasurement;
  /** Null where nobody outside can be asked. */
  readonly signals: SignalBoard | null;
  readonly notices: NoticeList & { readonly offDeclaredAfterMs: number | null };
  readonly onQueued?: () => void;
  /** A direct push unless given. */
  readonly landing?: Landing;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Where steps are traced; nowhere unless given. */
  readonly tracer?: Tracer;
  /** Names this process among those on the same store. */
  readonly holder: string;
  readonly leaseMs: number;
  /** How often devices report. */
  readonly reportMs: number;
  /** The pointer is signed anew when it has less than this left. */
  readonly renewBeforeMs: number;
  readonly settings: ReconcilerSettings;
  readonly events?: ReconcilerEvents;
  /** Devices whose reports are refused; none where nothing comes over a network. */
  readonly refusedReports?: () => RefusedDevices;
}

/** The loop, and the parts of it that others may change while it runs. */
export interface Loop {
  readonly reconciler: Reconciler;
  readonly publisher: Publisher;
  readonly notices: Notices;
  /** For the reports that the store has taken; undefined without a tracer. */
  readonly traces: StepTraces | undefined;
  /** Judges by another trust policy from the next cycle on, which comes at once. */
  useTrust(trust: TrustPolicy): void;
  useNotices(list: LoopParts['notices']): void;
}

export function assembleLoop(parts: LoopParts): Loop {
  const { repository, store, clock, random, logger, signer, windows, reportMs, trust, holder, leaseMs } = parts;
  const claims = new StatusClaims(repository, trust.reconciler);
  const landing = parts.landing ?? new DirectPush(repository);
  const observer = new Observer({
    ...{ random, repository, claims, windows, store },
    reader: new SnapshotReader(repository),
    steady: new SteadyWatch(store, reportMs),
    verifier: new DocumentVerifier(trust),
  });
  const evidence = new EvidenceKeeper({ repository, claims, logger });
  const leased = { store, clock, holder, leaseMs };
  const publisher = new Publisher({
    ...leased,
    ...{ repository, signer, publication: parts.publication, renewBeforeMs: parts.renewBeforeMs },
  });
  const notices = new Notices({
    ...{ ...leased, claims, logger, list: parts.notices, gaps: () => evidence.gaps },
    ...(parts.metrics === undefined ? {} : { metrics: parts.metrics }),
    ...(parts.onQueued === undefined ? {} : { onQueued: parts.onQueued }),
  });
  let { runbookBase } = parts.notices;
  const declared = new DeclaredWatch(store, { intervalMs: reportMs, afterMs: parts.notices.offDeclaredAfterMs });
  const meter =
    parts.metrics &&
    new LoopMeter({ metrics: parts.metrics, clock, publisher, repository, reportMs, view: () => reconciler.view() });
  const traces = parts.tracer && new StepTraces(parts.tracer);
  const phases = new Phases(clock, (phase) => {
    meter?.notePhase(phase);
    traces?.notePhase(phase);
  });
  const events = traces?.events(parts.events) ?? parts.events;
  const executor = new Executor({ repository, claims, signer, landing, logger, runbooks: () => runbookBase });
  const reconciler: Reconciler = new Reconciler(
    {
      ...{ store, clock, random, logger, notices, declared, evidence, phases },
      repository: {
        fetch: (signal) => phases.time('fetch', () => repository.fetch(signal)),
        knownHead: () => repository.knownHead(),
      },
      observer: { observe: (...question) => phases.time('observe', () => observer.observe(...question)) },
      executor: { carryOut: (facts) => phases.time('push', () => executor.carryOut(facts)) },
      publisher: {
        publish: (question) => phases.time('publish', () => publisher.publish(question)),
        findPublished: () => publisher.findPublished(),
      },
      refusedReports: parts.refusedReports ?? (() => ({ count: 0, first: [] })),
      windows: new WindowKeeping(store, windows, parts.signals),
    },
    parts.settings,
    meter?.events(events) ?? events,
  );
  return {
    ...{ reconciler, publisher, notices, traces },
    useTrust: (policy) => {
      observer.useVerifier(new DocumentVerifier(policy));
      claims.useKeys(policy.reconciler);
      reconciler.wake();
    },
    useNotices: (list) => {
      notices.useList(list);
      ({ runbookBase } = list);
      declared.allow(list.offDeclaredAfterMs);
    },
  };
}
