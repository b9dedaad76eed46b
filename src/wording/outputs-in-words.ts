// Owns the words for outputs that are no classes: where their values moved, and why two versions can't be compared.
import { assertNever } from '../base/errors.ts';
import type { Incomparable } from '../documents/comparable-outputs.ts';
import type { OutputBin } from '../gates/rule-reason.ts';

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** As the subject of "went from 10% to 24%". */
export function outputBinInWords(bin: OutputBin): string {
  switch (bin.kind) {
    case 'values': {
      const { least, most } = bin;
      if (least === null) return most === null ? 'all answers' : `answers up to ${number(most)}`;
      return most === null ? `answers above ${number(least)}` : `answers between ${number(least)} and ${number(most)}`;
    }
    case 'odd-values':
      return 'answers that are no finite number';
    case 'direction':
      return `vectors in part ${bin.part} of 10 of direction ${bin.direction}`;
    case 'detections':
      return `answers with ${bin.count}${bin.orMore ? ' or more' : ''} ${bin.count === 1 && !bin.orMore ? 'detection' : 'detections'}`;
    case 'length': {
      const { least, most } = bin;
      if (most === 0) return 'empty answers';
      return `answers of length ${most === null ? `${least} and more` : least === most ? least : `${least}–${most}`}`;
    }
    default:
      return assertNever(bin);
  }
}

/** Without a capital and a full stop. */
export function incomparableInWords(why: Incomparable): string {
  switch (why.kind) {
    case 'not-declared':
      return `the manifest of ${why.by === 'candidate' ? 'the candidate' : 'stable'} declares no such output`;
    case 'other-centre':
      return `the candidate's manifest has centre ${why.candidate}, stable's has ${why.stable}`;
    case 'other-space': {
      if (why.candidate !== null && why.stable !== null)
        return `the candidate's vectors are of the space ${why.candidate}, stable's of ${why.stable}`;
      const who = why.candidate !== null ? 'stable' : why.stable !== null ? 'the candidate' : 'candidate and stable';
      return `the manifest of ${who} names no space of its vectors`;
    }
    default:
      return assertNever(why);
  }
}
