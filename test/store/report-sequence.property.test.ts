// What "exactly once" means for numbers: the marks agree with remembering everything, as far back as the window goes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  admitSequence,
  MOST_SEQUENCE_JUMP,
  NO_SEQUENCES,
  SEQUENCE_WINDOW,
  type SequencesSeen,
} from '../../src/store/report-sequence.ts';

it('the marks answer as a full memory does, within 64 of the newest', () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 90 })), {
    maxLength: 400,
  });
  fc.assert(
    fc.property(steps, (sequences) => {
      let seen: SequencesSeen = NO_SEQUENCES;
      const counted = new Set<number>();
      let newest = 0;
      for (const sequence of sequences) {
        const expected =
          sequence <= newest - SEQUENCE_WINDOW ? 'too-late' : counted.has(sequence) ? 'duplicate' : 'new';
        const admission = admitSequence(seen, sequence);
        expect(admission.kind).toBe(expected);
        if (admission.kind !== 'new') continue;
        seen = admission.seen;
        counted.add(sequence);
        newest = Math.max(newest, sequence);
      }
    }),
    { numRuns: 500 },
  );
});

it('a number too far beyond the newest changes nothing: there is always room for those to come', () => {
  const seen: SequencesSeen = { newest: 5, low: 1, high: 0 };
  expect(admitSequence(seen, 5 + MOST_SEQUENCE_JUMP).kind).toBe('new');
  expect(admitSequence(seen, 6 + MOST_SEQUENCE_JUMP)).toEqual({ kind: 'sequence-jump' });
});
