// Owns the words for what does not fit a schema: the field, what was expected, and how to fix it.
import type { ErrorObject } from 'ajv/dist/2020.js';
import { findClosestWord } from '../base/closest-word.ts';
import { formatPath } from '../contract/source/document-source.ts';
import { type Problem, problemInText } from '../contract/source/problem.ts';
import { locateSchemaError, pathOfPointer } from '../contract/source/schema-error.ts';
import type { TextError } from '../contract/source/text-error.ts';
import { misplacedFieldRemedy } from './field-places.ts';
import { foreignChoice, foreignFieldRemedy, platformMeantBy } from './foreign-words.ts';

/** What the schema says about a field, for people. */
interface FieldFacts {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, FieldFacts>>;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'a set of fields',
  array: 'a list',
  null: 'nothing (null)',
};

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function shorten(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > 60 || line.length < text.trimEnd().length ? `${line.slice(0, 57)}…` : line;
}

/** An example as it stands in YAML: `name: canary`. */
function exampleOf(name: string | number | undefined, facts: FieldFacts | undefined): string | undefined {
  const value = facts?.const ?? facts?.examples?.[0] ?? facts?.enum?.[0];
  if (value === undefined) return undefined;
  const text = typeof value === 'string' && isPlain(value) ? value : JSON.stringify(value);
  return typeof name === 'string' ? `${name}: ${text}` : text;
}

/** Would YAML read the text as the text that it is, without quotes? */
function isPlain(text: string): boolean {
  return !/^[-+.\d]+$|^[[{*&!|>'"%@`#,?<=]|: | #|\n|^$/.test(text);
}

function firstSentence(facts: FieldFacts | undefined): string {
  return facts?.description ?? '';
}

/** One error of the schema check in words. `written` is the value as it stands in the document; `inText` what its own grammar says. */
export function explainSchemaError(facts: {
  readonly error: ErrorObject;
  readonly written: string;
  readonly inText: TextError | undefined;
}): Problem {
  const { error, inText } = facts;
  const path = pathOfPointer(error.instancePath);
  if (inText !== undefined) return problemInText(path, inText);
  const field = path.length === 0 ? 'The document' : `\`${formatPath(path)}\``;
  const schema = (error.parentSchema ?? {}) as FieldFacts;
  const written = shorten(facts.written);
  const place = locateSchemaError(error);
  const wrong = (message: string, remedy: string): Problem => ({ ...place, message, remedy });
  const example = exampleOf(path.at(-1), schema);
  const wayOut = example === undefined ? firstSentence(schema) : `${firstSentence(schema)} For example \`${example}\`.`;
  switch (error.keyword) {
    case 'additionalProperties':
      return { ...place, ...explainUnknown(field, String(error.params.additionalProperty), schema, error.data) };
    case 'required':
      return { ...place, ...explainMissing(field, String(error.params.missingProperty), schema) };
    case 'propertyNames':
      return wrong(
        `\`${shorten(String(error.params.propertyName))}\` can't be the name of a field of ${field}.`,
        'Use letters, digits, `_`, `.`, `/` and `-`, starting with a letter or digit.',
      );
    case 'type':
      return wrong(
        `${field} must be ${wordsOf(schema.type)}, but is ${isWhat(error.data, written)}.`,
        typeRemedy(error, schema, written, wayOut),
      );
    case 'enum':
    case 'const':
      return wrong(`${field} is \`${written}\`, but must be ${choiceOf(schema)}.`, choiceRemedy(error.data, schema));
    case 'anyOf':
      return wrong(`${field} is ${isWhat(error.data, written)}, which is not allowed.`, wayOut);
    case 'pattern': {
      const platform = path.at(-1) === 'platform' ? platformMeantBy(written) : undefined;
      const remedy = platform === undefined ? wayOut : `Did you mean \`${platform}\`?`;
      return wrong(`${field} is \`${written}\`, which has the wrong format.`, remedy);
    }
    default:
      return wrong(`${field} ${limitOf(error)}${isLeaf(error.data) ? `, but is ${written}` : ''}.`, wayOut);
  }
}

function isLeaf(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function isWhat(value: unknown, written: string): string {
  const type = typeOf(value);
  if (type === 'null') return 'empty';
  return isLeaf(value)
    ? `${type === 'string' ? 'the text' : type === 'boolean' ? 'the truth value' : 'the number'} ${written}`
    : (TYPE_WORDS[type] ?? type);
}

function wordsOf(type: FieldFacts['type']): string {
  const types = typeof type === 'string' ? [type] : (type ?? []);
  return types.map((one) => TYPE_WORDS[one] ?? one).join(' or ');
}

type Words = Pick<Problem, 'message' | 'remedy'>;

function explainUnknown(field: string, name: string, schema: FieldFacts, data: unknown): Words {
  const known = Object.keys(schema.properties ?? {});
  const close = findClosestWord(name, known);
  const value = (data as Readonly<Record<string, unknown>>)[name];
  const remedy =
    misplacedFieldRemedy(name, schema) ??
    foreignFieldRemedy(name, value, known) ??
    (close === undefined ? `Its fields: ${known.join(', ')}.` : `Did you mean \`${close}\`?`);
  return { message: `${field} has no field \`${shorten(name)}\`.`, remedy };
}

function explainMissing(field: string, name: string, schema: FieldFacts): Words {
  const facts = schema.properties?.[name];
  const meaning = firstSentence(facts);
  const remedy = `Add \`${exampleOf(name, facts) ?? `${name}: …`}\`.${meaning === '' ? '' : ` ${meaning}`}`;
  return { message: `${field} has no \`${name}\`.`, remedy };
}

function choicesOf(schema: FieldFacts): readonly unknown[] {
  return schema.enum ?? [schema.const];
}

function choiceOf(schema: FieldFacts): string {
  const choices = choicesOf(schema).map((choice) => `\`${String(choice)}\``);
  return choices.length > 1 ? `one of ${choices.join(', ')}` : choices.join('');
}

function choiceRemedy(value: unknown, schema: FieldFacts): string {
  const choices = choicesOf(schema).map(String);
  const close =
    typeof value === 'string' ? (foreignChoice(value, choices) ?? findClosestWord(value, choices)) : undefined;
  return close === undefined ? firstSentence(schema) : `Did you mean \`${close}\`?`;
}

function typeRemedy(error: ErrorObject, schema: FieldFacts, written: string, wayOut: string): string {
  const wantsText = [schema.type].flat().includes('string');
  const fits = schema.pattern === undefined || new RegExp(schema.pattern).test(written);
  if (wantsText && fits && isLeaf(error.data) && error.data !== null) return `Put quotes around it: \`"${written}"\`.`;
  const isQuoted = typeof error.data === 'string' && /^["']/.test(written);
  if (isQuoted && [schema.type].flat().some((type) => type !== 'object' && type !== 'array'))
    return `Leave out the quotes. ${wayOut}`;
  return wayOut;
}

function limitOf(error: ErrorObject): string {
  const limit = String(error.params.limit ?? '');
  switch (error.keyword) {
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be above ${limit}`;
    case 'minLength':
      return 'must not be empty';
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minItems':
      return limit === '1' ? 'must not be empty' : `must have at least ${limit} entries`;
    case 'maxItems':
      return `must have at most ${limit} entries`;
    case 'minProperties':
      return limit === '1' ? 'must not be empty' : `must have at least ${limit} of its fields`;
    case 'maxProperties':
      return `must have at most ${limit} fields`;
    default:
      return error.message ?? 'does not fit';
  }
}
