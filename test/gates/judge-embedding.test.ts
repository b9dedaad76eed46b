// Laws of how the directions of an embedding become one verdict.
import { expect, test } from 'vitest';
import { blankVerdict } from '../../src/gates/blank-verdict.ts';
import { type HistogramVerdict, joinDirections } from '../../src/gates/judge-embedding.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { rules } from './false-evidence.ts';

const [RULE] = rules('embedding_drift < 0.1');
const ALPHA = 0.05;

function direction(verdict: 'pass' | 'fail' | 'undecided', pFail: number, estimate: number): HistogramVerdict {
  const blank = blankVerdict(RULE!, { kind: 'too-little', within: estimate < 0.1 });
  const rule: RuleVerdict = { ...blank, verdict, estimate, within: estimate < 0.1, upper: 2 * estimate };
  return { rule, reading: { pFail, pPass: verdict === 'pass' ? 0.01 : 1, estimate } };
}

const PASS = direction('pass', 1, 0.01);
const of = (...parts: readonly HistogramVerdict[]) =>
  joinDirections([...parts, ...Array(8 - parts.length).fill(PASS)], ALPHA);

test('they fail by their evidence together: one of eight pays for being one of eight', () => {
  expect(of(direction('fail', 0.001, 0.4))).toMatchObject({ verdict: 'fail', estimate: 0.4, within: false });
  expect(of(direction('fail', 0.01, 0.4))).toMatchObject({ verdict: 'undecided', estimate: 0.4, within: false });
  expect(of(direction('fail', 0.01, 0.4), direction('fail', 0.01, 0.3))?.verdict).toBe('fail');
});

test('what an outlier or the own past explains in the clearest one is no breach', () => {
  expect(of(direction('undecided', 1e-6, 0.4))?.verdict).toBe('undecided');
});

test('a pass needs all, and shows the one that moved farthest', () => {
  expect(of(direction('pass', 1, 0.05))).toMatchObject({ verdict: 'pass', estimate: 0.05, upper: 0.1 });
  expect(of(direction('undecided', 1, 0.05))?.verdict).toBe('undecided');
});

test('what can not be read in one is not read at all', () => {
  const blank: HistogramVerdict = { rule: blankVerdict(RULE!, { kind: 'not-measured' }), reading: null };
  expect(joinDirections(Array(8).fill(blank), ALPHA)).toMatchObject({ reasons: [{ kind: 'not-measured' }] });
});
