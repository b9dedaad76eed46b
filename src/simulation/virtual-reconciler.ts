// Owns the reconciler's cycle in virtual time: the production's windows, verdicts and decisions; a commit is its status put in force.

import type { Digest } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import { isInAnyGroup } from '../contract/group-exception.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';
import type { Rollout, RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import { type Measured, WindowMeasurement } from '../measurement/window-measurement.ts';
import type { RolloutInForce } from '../measurement/window-spec.ts';
import { WindowKeeping } from '../reconcile/prepare-windows.ts';
import { decide } from '../rollout/decide.ts';
import { knownTarget } from '../rollout/known-target.ts';
import { blankStatus } from '../rollout/next-status.ts';
import type { Outlook } from '../rollout/outlook.ts';
import type { KnownVersion, RolloutFacts } from '../rollout/rollout-facts.ts';
import type { Transition } from '../rollout/transition.ts';
import type { VirtualStore } from './virtual-store.ts';

export interface VirtualRollout {
  readonly name: string;
  readonly model: string;
  readonly target: string;
  readonly stable: KnownVersion;
  readonly candidate: KnownVersion;
  readonly policy: RolloutPolicy;
  readonly policyDigest: Digest;
  readonly reportMs: number;
  readonly startMs: number;
  /** As the manifests name them. */
  readonly classes: readonly string[];
  /** No failed rule counts: to see what others would have done had the candidate stayed. */
  readonly ignoresFailures: boolean;
}

/** What one look at the measurements came to. */
export interface Look {
  readonly steps: readonly Transition[];
  readonly outlook: Outlook;
  /** The directive, when it is another one than before. */
  readonly published: Directive | null;
}

const NOT_MEASURED: Measured = { cohort: null, verdict: null, window: null };

/** As if every rule that failed were still open. */
function heldOpen(verdict: StageVerdict | null): StageVerdict | null {
  if (verdict === null || verdict.kind !== 'fail') return verdict;
  const rules = verdict.rules.map((rule) =>
    rule.verdict === 'fail' ? { ...rule, verdict: 'undecided' as const } : rule,
  );
  return { ...verdict, kind: 'undecided', rules };
}

/** One look may be followed by others at once, as in production. */
const MOST_STEPS = 20;

export class VirtualReconciler {
  readonly #rollout: VirtualRollout;
  readonly #store: VirtualStore;
  readonly #windows: WindowMeasurement;
  readonly #keeping: WindowKeeping;
  readonly #fleet: readonly DeviceFacts[];
  readonly #matching = new Map<string, readonly string[]>();
  #spec: Rollout['spec'];
  #status: RolloutStatus;
  #published: Directive | null = null;

  constructor(rollout: VirtualRollout, store: VirtualStore, fleet: readonly DeviceFacts[]) {
    this.#rollout = rollout;
    this.#store = store;
    this.#fleet = fleet;
    this.#windows = new WindowMeasurement(store, rollout.reportMs);
    this.#keeping = new WindowKeeping(store, this.#windows);
    const { model, stable, target, policy, policyDigest } = rollout;
    this.#spec = { model, version: stable.version, policy: policy.metadata.name, target };
    this.#status = {
      ...blankStatus(target, rollout.startMs),
      model,
      revision: 1,
      opened: 1,
      stable: { version: stable.version, digest: stable.digest, parameters: {}, target },
      // Stable came by the same policy, so what its rules ask for is counted at rest as well.
      policy: policyDigest,
      evidence: `evidence/${rollout.name}/1-full-stable.json`,
    };
  }

  get status(): RolloutStatus {
    return this.#status;
  }

  /** Someone commits the candidate as the desired version. */
  desireCandidate(): void {
    this.#spec = { ...this.#spec, version: this.#rollout.candidate.version };
  }

  /** Observes, decides and carries out until nothing is left to do now. */
  async look(now: number): Promise<Look> {
    const steps: Transition[] = [];
    for (;;) {
      const facts = await this.#observe(now);
      const plan = decide({ rollouts: [facts], broken: [], published: this.#published });
      const [step] = plan.steps;
      if (step === undefined || steps.length === MOST_STEPS) {
        const [outlook] = plan.outlooks;
        const isNew = JSON.stringify(plan.directive) !== JSON.stringify(this.#published);
        this.#published = plan.directive;
        return { steps, outlook: outlook as Outlook, published: isNew ? plan.directive : null };
      }
      this.#carryOut(step);
      steps.push(step);
    }
  }

  #carryOut(step: Transition): void {
    this.#status = step.next;
    const { version } = step.spec;
    if (version !== undefined) this.#spec = { ...this.#spec, version };
  }

  async #observe(now: number): Promise<RolloutFacts> {
    const { name, model, stable, candidate, policy, policyDigest, classes } = this.#rollout;
    const status = this.#status;
    const policyInForce = status.policy === policyDigest ? policy : null;
    const inForce = { name, model, status, policy: policyInForce, classes };
    const deviceCount = this.#matchingIds(status.target).length;
    await this.#keeping.open(inForce, { devices: this.#store.devices(), deviceCount }, now);
    const measured = await this.#measure(inForce, deviceCount, now);
    return {
      name,
      spec: this.#spec,
      claim: { kind: 'authentic', status },
      seen: { revision: status.revision, status },
      publishedRevision: this.#published?.entries[0]?.revision ?? 0,
      continues: true,
      versions: [stable, candidate],
      policy: { digest: policyDigest, policy, standing: { kind: 'admitted', signer: 'ci' } },
      policyProblem: null,
      policyInForce,
      known: knownTarget((target, apart) => this.#matchingIds(target, apart)),
      nonce: '',
      ...measured,
      baseline: await this.#windows.baseline(inForce),
      now,
    };
  }

  async #measure(inForce: RolloutInForce, deviceCount: number, now: number): Promise<Measured> {
    if (inForce.status.candidate === null) return NOT_MEASURED;
    const fleet = { devices: this.#store.devices(), deviceCount, listenedMs: this.#store.listenedMs };
    const measured = await this.#windows.measure({ ...inForce, ...fleet, now });
    if (measured.cohort !== null) await this.#keeping.markReady(inForce, measured.cohort);
    return this.#rollout.ignoresFailures ? { ...measured, verdict: heldOpen(measured.verdict) } : measured;
  }

  #matchingIds(target: string, apart: readonly string[] = []): readonly string[] {
    const key = JSON.stringify([target, ...apart]);
    const known = this.#matching.get(key);
    if (known !== undefined) return known;
    const selector = parseSelector(target);
    const ids = this.#fleet
      .filter((device) => matchesSelector(selector, device) && !isInAnyGroup(apart, device.labels))
      .map((device) => device.id);
    this.#matching.set(key, ids);
    return ids;
  }
}
