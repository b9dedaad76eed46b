// Owns the service in virtual time: the production's own loop, put together on store, Git and publication in memory.
import type { Clock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import { type Measured, type MeasureQuestion, WindowMeasurement } from '../measurement/window-measurement.ts';
import { assembleLoop, type LoopParts } from '../reconcile/assemble.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
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

/** Several processes may share host, store and publication. */
export interface VirtualServiceParts
  extends Pick<
      LoopParts,
      | 'clock'
      | 'random'
      | 'repository'
      | 'store'
      | 'publication'
      | 'landing'
      | 'reportMs'
      | 'events'
      | 'metrics'
      | 'tracer'
    >,
    Partial<Pick<LoopParts, 'logger'>> {
  readonly keys: VirtualKeys;
  /** No failed rule counts: to see what others would have done had the candidate stayed. */
  readonly ignoresFailures?: boolean;
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

/** A reconciler as a process of the service has it; the caller runs its cycles. */
export function composeVirtualService({ keys, ignoresFailures, ...parts }: VirtualServiceParts): Reconciler {
  const { store, reportMs } = parts;
  const Measurement = ignoresFailures ? MeasurementHeldOpen : WindowMeasurement;
  const { reconciler } = assembleLoop({
    ...{ holder: 'virtual', logger: silentLogger, signals: null, leaseMs: LEASE_MS, renewBeforeMs: RENEW_BEFORE_MS },
    ...{ ...parts, signer: keys.reconciler, trust: keys.trust, windows: new Measurement(store, reportMs) },
    notices: { targets: [], runbooks: new Map(), offDeclaredAfterMs: null },
    settings: { pollMs: 0, tickMs: reportMs, emergencyAfterMs: EMERGENCY_AFTER_MS },
  });
  return reconciler;
}
