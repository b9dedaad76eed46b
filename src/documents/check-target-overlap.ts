// Owns whether the targets of two rollouts of one model can take in the same device, as far as selectors alone tell.

import { assertNever } from '../base/errors.ts';
import { matchesSelector, parseSelector, type Selector } from '../contract/selector.ts';
import type { DocumentSource } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import type { Rollout } from './types.generated.ts';

interface FoundRollout {
  readonly file: string;
  readonly document: Rollout;
  readonly source: DocumentSource;
}

export interface TargetOverlap {
  readonly found: FoundRollout;
  readonly problem: Problem;
  /** All devices of one target are devices of the other; else they may have some in common. */
  readonly isCertain: boolean;
}

type Term = Extract<Selector, { kind: 'term' }>;
interface Literal {
  readonly term: Term;
  readonly isNegated: boolean;
}
/** All of them hold. */
type Conjunction = readonly Literal[];

/** Selectors with more alternatives are taken to have a device in common. */
const MOST_ALTERNATIVES = 256;

/** As alternatives, each a conjunction; null when there are too many. */
function alternativesOf(selector: Selector, isNegated = false): readonly Conjunction[] | null {
  switch (selector.kind) {
    case 'all':
      return isNegated ? [] : [[]];
    case 'term':
      return [[{ term: selector, isNegated }]];
    case 'not':
      return alternativesOf(selector.part, !isNegated);
    case 'and':
    case 'or': {
      const parts = selector.parts.map((part) => alternativesOf(part, isNegated));
      const isBoth = (selector.kind === 'and') !== isNegated;
      let all: readonly Conjunction[] = isBoth ? [[]] : [];
      for (const part of parts) {
        if (part === null) return null;
        all = isBoth ? product(all, part) : all.concat(part);
        if (all.length > MOST_ALTERNATIVES) return null;
      }
      return all;
    }
  }
}

function product(one: readonly Conjunction[], other: readonly Conjunction[]): readonly Conjunction[] {
  return one.flatMap((a) => other.map((b) => [...a, ...b]));
}

/** Values at which the tests of a field change: each that is named, and one just above it. */
function witnesses(literals: Conjunction): string[] {
  const named = literals.flatMap(({ term }) =>
    term.tests.flatMap((test): string[] => {
      switch (test.kind) {
        case 'present':
          return [];
        case 'equals':
        case 'prefix':
          return [test.text];
        case 'compare':
          return [test.value];
        case 'range':
          return [test.least?.value, test.most?.value].filter((value) => value !== undefined);
        default:
          return assertNever(test);
      }
    }),
  );
  return ['0', 'other', ...named, ...named.map((value) => `${value}.0.1`), ...named.map((value) => `${value}x`)];
}

/** Can a device pass all of them? Each field stands for itself. */
function isPossible(literals: Conjunction): boolean {
  const byField = Map.groupBy(literals, ({ term }) => term.field);
  return [...byField].every(([field, own]) => {
    const holds = (
      labels: Readonly<Record<string, string>>,
      properties: Readonly<Record<string, number>> = {},
    ): boolean =>
      own.every(
        ({ term, isNegated }) => matchesSelector(term, { id: labels.id ?? '', labels, properties }) !== isNegated,
      );
    if (field !== 'id' && holds({})) return true;
    return witnesses(own).some((value) => {
      const number = Number(value);
      return holds({ [field]: value }) || (field !== 'id' && Number.isFinite(number) && holds({}, { [field]: number }));
    });
  });
}

function haveCommon(one: readonly Conjunction[] | null, other: readonly Conjunction[] | null): boolean {
  if (one === null || other === null) return true;
  return one.some((a) => other.some((b) => isPossible([...a, ...b])));
}

function selectorOf({ document }: FoundRollout): Selector | null {
  try {
    return parseSelector(document.spec.target);
  } catch {
    return null; // its own error says so
  }
}

/** Rollouts of one model whose targets overlap, each pair once: at the one that came later, which waits. */
export function findTargetOverlaps(rollouts: readonly FoundRollout[]): TargetOverlap[] {
  return [...Map.groupBy(rollouts, ({ document }) => document.spec.model).values()].flatMap(overlapsIn);
}

function overlapsIn(rollouts: readonly FoundRollout[]): TargetOverlap[] {
  const read = [...rollouts].sort(firstInForce).flatMap((found) => {
    const selector = selectorOf(found);
    const negated = selector === null ? null : alternativesOf(selector, true);
    return selector === null ? [] : [{ found, alternatives: alternativesOf(selector), negated }];
  });
  return read.flatMap((newcomer, i) =>
    read.slice(0, i).flatMap((other): TargetOverlap[] => {
      if (!haveCommon(newcomer.alternatives, other.alternatives)) return [];
      const isCertain =
        (newcomer.negated !== null && !haveCommon(other.alternatives, newcomer.negated)) ||
        (other.negated !== null && !haveCommon(newcomer.alternatives, other.negated));
      return [{ found: newcomer.found, problem: problemOf(other.found, isCertain), isCertain }];
    }),
  );
}

/** Those that have devices already come first. */
function firstInForce(one: FoundRollout, other: FoundRollout): number {
  const [a, b] = [one, other].map(({ document: { status } }) => ((status?.candidate ?? status?.stable) ? 0 : 1));
  if (a !== b) return (a ?? 0) - (b ?? 0);
  return one.file < other.file ? -1 : 1;
}

function problemOf(other: FoundRollout, isCertain: boolean): Problem {
  const path = ['spec', 'target'];
  const code = 'ROLLOUT_TARGETS_OVERLAP';
  const [located] = locateProblems(other.source, [{ code, path, message: '', remedy: '' }]);
  const { file = other.file, line = 1, column = 1 } = located?.at ?? {};
  const where = `${file}:${line}:${column}`;
  const { name } = other.document.metadata;
  return {
    code,
    path,
    message: isCertain
      ? `Its target takes in devices of ${name} (${where}), so this rollout would not start.`
      : `Its target may take in devices of ${name} (${where}); then this rollout would not start.`,
    remedy: 'Make the targets exclude each other, or remove one rollout.',
  };
}
