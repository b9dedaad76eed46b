// Owns reading a document of a known kind: typed, or its first problem by place and code, without the words that the service has for it.
import { parseRange } from '../model-version.ts';
import { formatPath } from './document-source.ts';
import { findTextProblem, locateProblems, type Problem } from './problem.ts';
import { readSource } from './read-source.ts';
import { locateSchemaError, type SchemaError } from './schema-error.ts';

/** A check compiled ahead; it leaves what is wrong behind, as those of Ajv do. */
export interface SchemaCheck {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

export interface DocumentKind<Document> {
  readonly kind: string;
  readonly fits: SchemaCheck;
  /** What it must mean beyond its schema. */
  readonly checkMeaning: (document: Document) => readonly Problem[];
}

/** Throws the first problem: of the text, DOCUMENT_KIND, one of the schema, or one of its meaning. */
export function readDocument<Document>(file: string, bytes: Uint8Array, is: DocumentKind<Document>): Document {
  const read = readSource(file, bytes);
  if (read.kind === 'broken') throw read.errors[0] ?? new Error('a broken text has a problem');
  const problems = findProblems(read.value, is);
  if (problems.length === 0) return read.value as Document;
  throw locateProblems(read.source, problems)[0] ?? new Error('a problem has a place');
}

function findProblems<Document>(
  value: unknown,
  { kind, fits, checkMeaning }: DocumentKind<Document>,
): readonly Problem[] {
  const given = valueAt(value, ['kind']);
  if (given !== kind) {
    const message = `This is ${typeof given === 'string' ? `a ${given.slice(0, 60)}` : 'a document without a kind'}, not a ${kind}.`;
    return [{ code: 'DOCUMENT_KIND', path: ['kind'], message, remedy: `Give a file with \`kind: ${kind}\`.` }];
  }
  // The schema has just accepted it, and the types are generated from the schemas.
  if (fits(value)) return checkMeaning(value as Document);
  // The last one is the whole of which the others are parts: a name of a field, not its pattern.
  const error = fits.errors?.at(-1);
  if (error === undefined) throw new Error('what does not fit has an error');
  const place = locateSchemaError(error);
  const inText =
    error.keyword === 'format' && findTextProblem(place.path, () => parseRange(String(valueAt(value, place.path))));
  if (inText) return [inText];
  const message = `\`${formatPath(place.path) || kind}\` does not fit the schema (${error.keyword}).`;
  return [{ ...place, message, remedy: 'Run `slipway validate` over it to read what is expected.' }];
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce(
    (inner: unknown, step) =>
      inner === null || typeof inner !== 'object' ? undefined : (inner as Record<string, unknown>)[step],
    value,
  );
}
