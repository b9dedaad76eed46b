// Owns problems of a document's content, before they have a place in its text.
import { CodedError } from '../../base/errors.ts';
import type { DocumentSource, FieldPath } from './document-source.ts';
import { TextError } from './text-error.ts';

/** What is wrong with one field. */
export interface Problem {
  readonly code: string;
  readonly path: FieldPath;
  /** Does it concern the field's name rather than its value? */
  readonly part?: 'name' | 'value';
  /** Column (from 1) inside a text value. */
  readonly column?: number;
  readonly message: string;
  readonly remedy: string;
}

/** A problem that a grammar of its own found in a text field. */
export function problemInText(path: FieldPath, error: TextError): Problem {
  return { code: error.code, path, column: error.column, message: error.message, remedy: error.remedy ?? '' };
}

/** What parsing a text field says against it; undefined when nothing. */
export function findTextProblem(path: FieldPath, parse: () => unknown): Problem | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof TextError) return problemInText(path, error);
    throw error;
  }
}

/** Those whose key an earlier one has. */
export function findRepeats<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  const seen = new Set<string>();
  return items.filter((item) => seen.size === seen.add(keyOf(item)).size);
}

/** More are counted, not shown: nobody reads them, and a hostile document has a hundred thousand. */
const MOST_SHOWN = 50;

/** The problems with their places in the text, in the order of the text. */
export function locateProblems(source: DocumentSource, problems: readonly Problem[]): CodedError[] {
  const located = problems.slice(0, MOST_SHOWN).map(({ code, path, part = 'value', column, message, remedy }) => {
    const at = column === undefined ? source.placeOf(path, part) : source.placeInside(path, column);
    return new CodedError({ code, message, remedy, at });
  });
  located.sort((a, b) => (a.at?.line ?? 0) - (b.at?.line ?? 0) || (a.at?.column ?? 0) - (b.at?.column ?? 0));
  const rest = problems.length - MOST_SHOWN;
  if (rest <= 0) return located;
  const message = `${rest} more problems are not shown.`;
  const remedy = 'Correct these first.';
  return [...located, new CodedError({ code: 'DOCUMENT_MORE_PROBLEMS', message, remedy, at: source.placeOf([]) })];
}
