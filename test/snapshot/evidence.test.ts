// Laws of evidence: a step can be decided again from it alone, and it holds facts where people would read sentences.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Digest, digestOf, digestOfJson } from '../../src/contract/digest.ts';
import { sketchFromJson } from '../../src/contract/sketch.ts';
import type { RolloutPolicy } from '../../src/documents/types.generated.ts';
import { decideRollout } from '../../src/rollout/decide-rollout.ts';
import type { BaselineInputs } from '../../src/rollout/decision-inputs.ts';
import type { BaselineFacts, RolloutFacts } from '../../src/rollout/rollout-facts.ts';
import { type EvidencePredicate, parseEvidence } from '../../src/snapshot/evidence.ts';
import { wholeStory } from './whole-story.ts';

const story = wholeStory();
const KINDS = 'start advance complete roll-back supersede pause reopen except answer restore adopt'.split(' ');

function baselineOf(inputs: BaselineInputs | null): BaselineFacts | null {
  if (inputs === null) return null;
  const { latencyMs, groups, ...counts } = inputs;
  const byGroup = new Map(groups.map((one) => [one.group, sketchFromJson(one.latencyMs)]));
  return { ...counts, latencyMs: sketchFromJson(latencyMs), groups: byGroup };
}

/** The facts of a decision, out of its evidence and the policies that lie beside it. */
function factsOf(predicate: EvidencePredicate, policies: ReadonlyMap<string, RolloutPolicy>): RolloutFacts {
  const { inputs, rollout, cohort, verdict, window } = predicate;
  const { counts, chosen, baseline, policy: atHead, policyInForce, ...same } = inputs;
  const policy = atHead === null ? undefined : policies.get(atHead.digest);
  return {
    ...same,
    ...{ name: rollout, cohort, verdict, window },
    policy:
      policy === undefined || atHead === null
        ? null
        : { policy, digest: atHead.digest as Digest, standing: atHead.standing },
    policyInForce: policyInForce === null ? null : (policies.get(policyInForce) ?? null),
    known: {
      count: (target, apart = []) => {
        const found = counts.find((one) => one.target === target && one.apart.join() === apart.join());
        if (found === undefined) throw new Error(`evidence does not say how many devices match ${target}`);
        return found.devices;
      },
      choose: () => {
        if (chosen === null) throw new Error('evidence does not say whom the step takes in');
        return chosen;
      },
    },
    baseline: baselineOf(baseline),
  };
}

const comparable = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the story has every kind of step', () => {
  expect(new Set(story.map(({ step }) => step.kind))).toEqual(new Set(KINDS));
});

test('each step of a story is decided again from its evidence alone, with the same next status', () => {
  for (const { statement, policies, step } of story) {
    const predicate = parseEvidence(statement)!;
    const again = decideRollout(factsOf(predicate, policies)).step;
    const { kind, from, to, reason, groups, subject, spec } = predicate.transition;
    expect(comparable(again), `${kind} ${from} ${to}`).toMatchObject(
      comparable({ kind, from, to, reason, groups, subject, spec, next: predicate.status }) as object,
    );
    expect(comparable(again)).toEqual(comparable(step));
  }
});

test('a step that was decided on other numbers is found out', () => {
  const { statement, policies, step } = story.find(({ step: { kind } }) => kind === 'advance')!;
  const predicate = parseEvidence(statement)!;
  const verdict = { ...predicate.verdict!, kind: 'undecided' as const };
  const again = decideRollout(factsOf({ ...predicate, verdict }, policies)).step;
  expect(comparable(again)).not.toEqual(comparable(step));
});

test('the statements of a rollout are a chain, and each says whom its step takes in, out of how many', () => {
  const starts = story.filter(({ step }) => step.kind === 'start');
  for (const { statement } of starts) {
    const { chosen, nonce } = parseEvidence(statement)!.inputs;
    expect(chosen!.known).toBeGreaterThanOrEqual(chosen!.able);
    expect(chosen!.able).toBeGreaterThanOrEqual(chosen!.wanted);
    expect(parseEvidence(statement)!.status.salt).toContain(nonce);
  }
  for (const [i, { statement }] of story.entries()) {
    const { previous } = parseEvidence(statement)!;
    if (previous !== null) expect(previous).toBe(digestOfJson(story[i - 1]!.statement));
  }
});

/** Rule text, selectors, and what a person gave as a reason; and of names and ids no more than one word. */
const MAY_HAVE_SPACES =
  /(?:rule|groupRule|target|select|(?:undecided|others|apart)\.\d+|requests\.\d+\.reason|reason\.reason)$/;

function* stringsOf(value: unknown, path = ''): Generator<readonly [string, string]> {
  if (typeof value === 'string') yield [path, value];
  else if (value !== null && typeof value === 'object')
    for (const [name, part] of Object.entries(value)) yield* stringsOf(part, path === '' ? name : `${path}.${name}`);
}

test('no evidence of the story holds a sentence', () => {
  const sentences = story.flatMap(({ statement }) =>
    [...stringsOf(statement.predicate)].filter(
      ([path, text]) => / /.test(text) && !MAY_HAVE_SPACES.test(path) && !path.endsWith('salt'),
    ),
  );
  expect(sentences).toEqual([]);
  const given = [...stringsOf(story.map(({ statement }) => statement))].filter(([path]) =>
    path.endsWith('reason.reason'),
  );
  expect(given.map(([, text]) => text)).toContain('customers call about wrong amounts');
});

/** Fields that take any text, in the types of which evidence and status consist: each is a rule, a selector, a name, an id or a person's words. */
const TEXT_FIELDS = new Set([
  ...['rule', 'groupRule', 'source', 'metric', 'undecided', 'others', 'unit'],
  ...['target', 'select', 'runbook'],
  ...[
    'group',
    'groups',
    'names',
    'apart',
    'by',
    'approvedBy',
    'approvers',
    'name',
    'over',
    'classes',
    'provider',
    'asked',
    'is',
  ],
  ...[
    'rollout',
    'model',
    'version',
    'digest',
    'policy',
    'policyInForce',
    'stage',
    'from',
    'to',
    'signer',
    'device',
    'worstDevice',
  ],
  ...['code', 'evidence', 'evidenceFolder', 'file', 'salt', 'nonce', 'observed', 'desired', 'running', 'method'],
  ...['since', 'opened', 'at', 'until', 'decidedAt', 'devices'],
  // A person's own reason; what a provider of metrics said; words of parser, verifier and device, which are dropped before anything is kept.
  ...['reason', 'text', 'detail'],
]);
const TYPES = [
  ...[
    'rollout/reasons',
    'rollout/transition',
    'rollout/decision-inputs',
    'rollout/known-target',
    'rollout/count-cohort',
  ],
  ...['rollout/stage-terms', 'gates/rule-verdict', 'gates/rule-reason', 'snapshot/evidence'],
];

/** Without what a device says of its outcome: only its kind and code are kept. */
function readKept(file: string): string {
  return readFileSync(file, 'utf8').replace(/export interface DeviceOutcome \{.*?\n\}/s, '');
}

function textFieldsOf(source: string): string[] {
  return [...source.matchAll(/readonly (\w+)\??:\s*\(?(?:readonly )?string\b(?! *\[\] *\))/g)].map(
    ([, name = '']) => name,
  );
}

test('nor can it: each field of its types that takes any text is a rule, a selector, a name, an id or what a person said', () => {
  const root = path.join(import.meta.dirname, '../../src');
  const found = TYPES.flatMap((file) => textFieldsOf(readKept(path.join(root, `${file}.ts`))));
  const generated = readFileSync(path.join(root, 'documents/types.generated.ts'), 'utf8');
  const status = generated.slice(generated.indexOf('export interface RolloutStatus {'));
  const ofStatus = textFieldsOf(status.slice(0, status.indexOf('export interface ModelDraft ')));
  expect([...new Set([...found, ...ofStatus])].filter((name) => !TEXT_FIELDS.has(name))).toEqual([]);
  expect(found.length).toBeGreaterThan(30);
  expect(textFieldsOf('  readonly why: string;\n  readonly some?: readonly string[];')).toEqual(['why', 'some']);
});

test('what is not evidence is none, whatever it is', () => {
  const { statement } = story[0]!;
  const predicate = statement.predicate as EvidencePredicate;
  expect(parseEvidence(statement)).toBe(predicate);
  for (const wrong of [null, 3, 'x', [], {}, { ...predicate, revision: 'x' }, { ...predicate, status: null }])
    expect(parseEvidence({ predicate: wrong })).toBeUndefined();
  expect(parseEvidence({ predicate: { ...predicate, status: { ...predicate.status, revision: 9 } } })).toBeUndefined();
  expect(parseEvidence({ predicate: { ...predicate, transition: { kind: 'start' } } })).toBeUndefined();
  expect(digestOf('')).toMatch(/^sha256:/);
});
