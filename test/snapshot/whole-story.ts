// Owns a whole story for tests of evidence: every kind of step, each with the statement that the reconciler would sign.
import { type Digest, digestOf, digestOfJson } from '../../src/contract/digest.ts';
import type { InTotoStatement } from '../../src/contract/trust/statement.ts';
import type { RolloutPolicy } from '../../src/documents/types.generated.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { evidenceOf } from '../../src/snapshot/evidence.ts';
import {
  ADMITTED,
  baselineOf,
  cohort,
  FalseWorld,
  MINUTE,
  policyOf,
  REVOKED,
  stageVerdict,
  version,
} from '../rollout/false-world.ts';

const POLICY = policyOf(`- name: canary
  size: 1%
  soak: 30m
  deadline: 2h
  onGroupFailure: rollback
  rules: [error_rate < 0.5%, "latency_p95 < 2x baseline", { rule: error_rate < 2%, by: hw }]
- { name: ramp, size: 25%, soak: 1h, onFailure: ask, approval: { approvers: [alice, bob] } }
- { name: full, size: 100%, soak: 1h }`);

const EXPIRING = policyOf(`- name: canary
  size: 1%
  deadline: 2h
  onDeadline: rollback
  rules: [error_rate < 0.5%]
- { name: full, size: 100% }`);

export interface ToldStep {
  readonly step: Transition;
  readonly statement: InTotoStatement;
  /** Policies that lie beside the evidence, by digest. */
  readonly policies: ReadonlyMap<string, RolloutPolicy>;
}

function rolling(policy = POLICY): FalseWorld {
  const world = FalseWorld.stable(policy);
  world.fleet = world.fleet.map((device, i) => ({
    ...device,
    labels: { ...device.labels, hw: `rev${(i % 4) + 1}` },
  }));
  world.versions.push(version('2.0.0'));
  world.spec.version = '2.0.0';
  world.baseline = { ...baselineOf(1000, 118), groups: new Map([['hw:rev1', baselineOf(500).latencyMs]]) };
  world.mustTake('start');
  return world;
}

/** Through approvals, a pause, a failure, a retry, and to the end. */
function longWalk(): FalseWorld {
  const world = rolling();
  world.pass();
  world.measure('fail');
  world.mustTake('pause');
  world.ask({ act: 'approve', by: 'bob', reason: 'the network of the store was down' });
  world.mustTake('reopen');
  world.ask({ act: 'promote', stage: 'full' });
  world.mustTake('answer');
  world.measure('fail', { cohort: cohort(1003, { ready: 900, failed: 3, troubled: TROUBLED }) });
  world.mustTake('pause');
  world.ask({ act: 'abort', by: 'bob', reason: 'customers call about wrong amounts' });
  world.mustTake('roll-back');
  world.ask({ act: 'retry', digest: digestOf('2.0.0'), by: 'alice', reason: 'the camera was at fault' });
  world.mustTake('answer');
  world.spec.version = '2.0.0';
  world.mustTake('start');
  world.measure('fail', { cohort: cohort(11, { ready: 8, silent: 3 }) });
  world.mustTake('roll-back');
  world.versions.push(version('3.0.0'));
  world.spec.version = 'latest';
  world.mustTake('start');
  for (const _ of [1, 2, 3]) {
    world.ask({ act: 'skip', by: 'alice' });
    world.take();
  }
  return world;
}

const TROUBLED = [{ device: 'dev-0100', kind: 'failed', reason: 'self-test', detail: 'it said receipt' }] as const;

function apart(): FalseWorld {
  const world = rolling();
  const verdict = stageVerdict(world.stage, 'pass');
  const failed = { name: 'hw:rev2', verdict: 'fail', devices: 3 };
  const rules = verdict.rules.map((rule, i) => {
    if (i < 2) return rule;
    const groups = [failed, { name: 'hw:rev1', verdict: 'pass', devices: 8 }];
    return { ...rule, verdict: 'fail', by: 'hw', group: 'hw:rev2', groups } as unknown as typeof rule;
  });
  world.measure('fail', { verdict: { ...verdict, kind: 'fail', rules } });
  world.mustTake('except');
  world.ask({ act: 'abort', group: 'hw:rev3', by: 'alice', reason: 'too slow for the till' });
  world.mustTake('except');
  world.ask({ act: 'promote', group: 'hw:rev3', by: 'alice' });
  world.mustTake('except');
  return world;
}

const ENDINGS: readonly ((world: FalseWorld) => void)[] = [
  (world) => {
    world.spec.version = '1.0.0';
  },
  (world) => {
    world.spec.target = '*';
  },
  (world) => {
    world.spec.parameters = { threshold: 0.7 };
  },
  (world) => {
    world.versions.push(version('2.1.0'));
    world.spec.version = '^2';
  },
  (world) => {
    world.versions = [version('1.0.0', ADMITTED), version('2.0.0', REVOKED)];
  },
  (world) => {
    world.policyStanding = REVOKED;
  },
  (world) => {
    world.claim = { kind: 'forged', problem: { kind: 'evidence-of-other-status' }, lastAuthentic: world.at };
  },
  (world) => {
    world.claim = { kind: 'none' };
  },
  (world) => {
    world.lost = { kind: 'rollout-deleted', code: 'ROLLOUT_DELETED', devices: 0 };
  },
  (world) => {
    world.status = world.steps[0]!.next;
  },
  (world) => {
    world.status = world.steps[1]!.next;
    world.continues = false;
    world.ask({ act: 'adopt', by: 'alice', reason: 'secrets were purged from history' });
  },
];

function worlds(): FalseWorld[] {
  const late = rolling(EXPIRING);
  late.measure('undecided', { window: { listenedMs: 120 * MINUTE, readyMs: 0 } });
  late.mustTake('roll-back');
  const ended = ENDINGS.map((prepare) => {
    const world = rolling();
    prepare(world);
    if (world.take() === null) throw new Error(`nothing was decided after ${prepare}`);
    return world;
  });
  return [longWalk(), apart(), late, ...ended];
}

/** Every kind of step, as evidence has it; each statement names the one before. */
export function wholeStory(): ToldStep[] {
  return worlds().flatMap((world) => {
    let previous: Digest | null = null;
    return world.steps.map((step): ToldStep => {
      const documents = {
        manifest: null,
        manifestBundle: null,
        policy: step.policy as Digest | null,
        policyBundle: null,
      };
      const facts = { observed: 'a'.repeat(40), now: step.inputs.now, previous, documents };
      const statement = JSON.parse(JSON.stringify(evidenceOf(step, facts))) as InTotoStatement;
      previous = digestOfJson(statement);
      return { step, statement, policies: world.pinned };
    });
  });
}
