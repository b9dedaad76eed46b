// Laws that hold for any facts at all, coherent or not: an answer always comes, the same one, and it never goes back.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/contract/digest.ts';
import { decide } from '../../src/rollout/decide.ts';
import { decideRollout } from '../../src/rollout/decide-rollout.ts';
import { commitMessage } from '../../src/wording/commit-message.ts';
import { outlookLine } from '../../src/wording/plan-in-words.ts';
import { facts } from './any-facts.ts';
import { readRollout, writeRollout } from './false-world.ts';

const DIGEST = digestOf('evidence');

describe('whatever the facts', () => {
  it('an answer comes, the same each time: one legal-looking step, or what it waits on', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { step, outlook } = decideRollout(given);
        expect(decideRollout({ ...given })).toEqual({ step, outlook });
        expect(outlookLine(outlook)).not.toMatch(/[\p{Cc}\p{Cf}]|undefined|NaN/u);
        if (step === null) return;
        const floor = Math.max(
          given.claim.kind === 'authentic' ? given.claim.status.revision : 0,
          given.seen?.revision ?? 0,
          given.publishedRevision,
        );
        expect(step.next.revision).toBeGreaterThan(floor);
        expect(step.next.evidence).toBe(`evidence/${given.name}/${step.next.revision}-${step.from}-${step.to}.json`);
        const known = given.spec.requests?.length ?? 0;
        for (const index of step.spec.answered) expect(index).toBeLessThan(known);
        expect(new Set(step.spec.answered).size).toBe(step.spec.answered.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('what a step writes is read back as it was written', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { step } = decideRollout(given);
        fc.pre(step !== null);
        const { requests: _, ...spec } = given.spec;
        const read = readRollout(writeRollout(spec, { ...step, spec: { ...step.spec, answered: [] } }));
        expect(read.status).toEqual(JSON.parse(JSON.stringify(step.next)));
      }),
      { numRuns: 100 },
    );
  });

  it('a rejected digest is not started, and nobody moves on while suspended', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { step } = decideRollout(given);
        const { claim } = given;
        if (step?.kind === 'start' && claim.kind === 'authentic') {
          expect(claim.status.rejected.map((one) => one.digest)).not.toContain(step.next.candidate?.digest);
          const before = [...(claim.status.attempts ?? []), ...claim.status.rejected];
          for (const one of before)
            if (one.digest === step.next.candidate?.digest)
              expect(step.next.candidate.attempt).toBeGreaterThan(one.attempt);
        }
        if (given.spec.suspend) expect(['start', 'advance', 'complete', 'reopen']).not.toContain(step?.kind);
      }),
      { numRuns: 2000 },
    );
  });

  it('the directive never lowers a revision, and never changes an entry of the same one', () => {
    fc.assert(
      fc.property(facts, facts, (one, other) => {
        const first = decide({ rollouts: [one], broken: [], published: null }).directive;
        const next = { ...other, publishedRevision: first.entries[0]?.revision ?? 0 };
        const second = decide({ rollouts: [next], broken: [], published: first }).directive;
        const [before, after] = [first.entries[0], second.entries[0]];
        if (before === undefined) return;
        expect(after?.revision).toBeGreaterThanOrEqual(before.revision);
        if (after?.revision === before.revision) expect(after).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  it('a commit message is one title, ours in every line, and ends in its own trailers alone', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { step } = decideRollout(given);
        fc.pre(step !== null);
        const message = commitMessage({ transition: step, observed: 'abc', evidenceDigest: DIGEST, reverts: null });
        const lines = message.trimEnd().split('\n');
        expect(lines[0]!.startsWith('rollout(invoice-ocr-eu): ')).toBe(true);
        expect(lines[0]!.length).toBeLessThanOrEqual(100);
        expect(lines[1]).toBe('');
        expect(lines.slice(3).filter((line) => /^\S+: /.test(line) && !line.startsWith('Next: '))).toEqual([
          'Slipway-Rollout: invoice-ocr-eu',
          `Slipway-Transition: ${step.next.revision} ${step.from}→${step.to}`,
          `Slipway-Kind: ${step.kind}`,
          'Slipway-Observed: abc',
          `Slipway-Evidence: ${DIGEST}`,
        ]);
        expect(message.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|undefined|NaN/u);
        expect(lines.every((line) => line === line.trimEnd())).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
