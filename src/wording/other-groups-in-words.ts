// Owns how the groups of a rule are told of that its own numbers are not about.
import { oneLine } from '../base/plain-text.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { formatAmount, formatCount } from './amounts.ts';
import { reasonsInWords } from './reason-in-words.ts';

const VERDICT_WORDS = {
  pass: 'passes',
  fail: 'fails',
  undecided: 'is undecided',
  'not-applicable': 'is not judged',
};

/** `Other groups: hw:rev1 passes at 82.3 ms; hw:rev2 is not judged (fewer than 3 devices in the stage).` */
export function otherGroups({ groups, group, unit, kind }: RuleVerdict): string[] {
  const others = groups.filter((one) => one.name !== group);
  if (others.length === 0) return [];
  const lines = others.map(({ name, estimate, verdict, reasons, trials }) => {
    const isCounted = kind === 'share' && estimate !== null;
    const amount =
      estimate === null ? '' : ` at ${formatAmount(estimate, unit)}${isCounted ? ` of ${formatCount(trials)}` : ''}`;
    const why = verdict === 'not-applicable' ? ` (${oneLine(reasonsInWords(reasons))})` : '';
    return `${oneLine(name)} ${VERDICT_WORDS[verdict]}${amount}${why}`;
  });
  return [`Other groups: ${lines.join('; ')}.`];
}
