// Laws of the answers that are remembered of a device: by step, over gaps, bounded, and usual before an instant.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type AnswerSteps, addAnswers, answersIn, MOST_STEPS, usualAnswers } from '../../src/telemetry/answer-steps.ts';

const told = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 100 })), { minLength: 1, maxLength: 60 });

it('each of the last steps has what was told in it, and no more steps are kept', () => {
  fc.assert(
    fc.property(told, (reports) => {
      let [step, known] = [0, undefined as AnswerSteps | undefined];
      const plain = new Map<number, number>();
      for (const [later, answers] of reports) {
        step += later;
        known = addAnswers(known, step, answers);
        plain.set(step, (plain.get(step) ?? 0) + answers);
      }
      expect(known!.step).toBe(step);
      expect(known!.counts.length).toBeLessThanOrEqual(MOST_STEPS);
      for (let at = step - MOST_STEPS + 1; at <= step + 3; at++) expect(answersIn(known!, at)).toBe(plain.get(at) ?? 0);
      expect(answersIn(known!, step - MOST_STEPS)).toBe(0);
    }),
  );
});

it('the usual is the mean of the thirty whole steps before, of fewer where it is known for less long, and of silent ones too', () => {
  const steps = (counts: readonly number[]) => ({ step: 9 + counts.length, counts });
  expect(usualAnswers(undefined, 10)).toBeNull();
  expect(usualAnswers(steps([7]), 10)).toBeNull();
  // What began within the oldest step, or goes on in the newest, says nothing.
  expect(usualAnswers({ step: 13, counts: [1, 60, 40, 3] }, 13)).toBe(50);
  expect(usualAnswers({ step: 13, counts: [1, 60, 40, 20] }, 15)).toBe(30);
  expect(usualAnswers({ step: 40, counts: [...Array<number>(30).fill(90), ...Array<number>(10).fill(60)] }, 41)).toBe(
    80,
  );
  expect(usualAnswers({ step: 13, counts: [1, 60, 40, 20] }, 100)).toBe(0);
});

it('steps of another report interval, which lie ahead, are forgotten', () => {
  expect(addAnswers({ step: 500, counts: [5, 5] }, 100, 7)).toEqual({ step: 100, counts: [7] });
});
