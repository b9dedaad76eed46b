// What "exactly once" means for numbers: the marks agree with remembering everything, as far back as the window goes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { admitSequence, NO_SEQUENCES, SEQUENCE_WINDOW, type SequencesSeen } from '../../src/store/report-sequence.ts';

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
