// Owns how explanations are printed: the rules of a stage, and the step that evidence explains.
import { CodedError } from '../base/errors.ts';
import { asSentence, oneLine } from '../base/plain-text.ts';
import type { EvidencePredicate } from '../snapshot/evidence.ts';
import type { FoundStep } from '../snapshot/last-step.ts';
import { type ExplainedRule, type Explanation, explainStage } from '../wording/explanation.ts';
import { scopeInWords } from '../wording/scope-in-words.ts';
import { stepReasonInWords } from '../wording/step-reason-in-words.ts';
import { proseLines } from './output.ts';

const VERDICT_WORDS = {
  pass: 'passes',
  fail: 'BROKEN',
  undecided: 'undecided',
  'not-applicable': 'does not apply',
} as const;

function indented(text: string): string[] {
  return proseLines(text, '  ');
}

/** What people look for first: what is broken, then what is open; what never decides last. */
function placeOf({ verdict, dryRun }: ExplainedRule): number {
  return ['fail', 'undecided', 'pass', 'not-applicable'].indexOf(verdict) + (dryRun ? 10 : 0);
}

export function explanationText({ summary, stage, rules, missing, certainty }: Explanation): string {
  const inOrder = [...rules].sort((a, b) => placeOf(a) - placeOf(b));
  const blocks = inOrder.map(({ rule, verdict, scope, share, dryRun, sentences }) => {
    const about = scope === 'fleet' ? 'the fleet' : scopeInWords({ scope, share });
    const more = [about, dryRun ? 'dry run' : ''].filter((text) => text !== '');
    const head = `${rule}${more.length === 0 ? '' : ` (${more.join(', ')})`}: ${VERDICT_WORDS[verdict]}`;
    return [head, ...sentences.flatMap(indented)].join('\n');
  });
  const waits = missing.length === 0 ? [] : [['Waits for:', ...missing.flatMap(indented)].join('\n')];
  return [
    [...proseLines(summary), ...stage.flatMap(indented)].join('\n'),
    ...blocks,
    ...waits,
    ...(certainty === '' ? [] : [proseLines(certainty).join('\n')]),
  ].join('\n\n');
}

const SIGNATURES = {
  good: 'signed by the reconciler',
  bad: 'NOT signed by the reconciler',
  unknown: 'signature not checked (pass the trust policy with --trust)',
} as const;

function reasonOf({ transition, verdict, cohort }: EvidencePredicate): string {
  return stepReasonInWords({ ...transition, verdict, cohort });
}

export function stepLines({ predicate, commit, file, signature }: FoundStep): string[] {
  const { revision, transition, decidedAt } = predicate;
  const where = commit === null ? 'its commit was not found' : `commit ${commit.slice(0, 10)}`;
  return [
    `Step ${revision}, ${oneLine(transition.from)} → ${oneLine(transition.to)} (${oneLine(transition.kind)}), ${oneLine(decidedAt)}, ${where}.`,
    ...proseLines(asSentence(reasonOf(predicate))),
    `Evidence: ${oneLine(file)}, ${SIGNATURES[signature.kind]}.`,
  ];
}

/** Evidence may have been written by anyone who can push: evidence that can't be explained is an error, never a crash. */
export function explainEvidence({ predicate, file }: FoundStep): Explanation {
  const { verdict, cohort, window, terms }: EvidencePredicate = predicate;
  try {
    return explainStage({ verdict, cohort, window, terms });
  } catch (cause) {
    throw new CodedError({
      code: 'EVIDENCE_UNREADABLE',
      message: `${file} is not in the format of Slipway evidence.`,
      remedy: '`slipway history` shows which commits the reconciler signed.',
      cause,
    });
  }
}

export function stepJson(step: FoundStep | null): unknown {
  if (step === null) return null;
  const { revision, transition, decidedAt } = step.predicate;
  const { kind, from, to, groups, reason } = transition;
  const { commit, file, signature } = step;
  return { revision, kind, from, to, groups, reason, decidedAt, commit, evidence: file, signature };
}
