// Owns the settings file of the service: names of the table with their values, each with its place.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import { findClosestWord } from '../base/closest-word.ts';
import { CodedError, type SourcePlace } from '../base/errors.ts';
import type { DocumentSource } from '../contract/source/document-source.ts';
import { readSource } from '../contract/source/read-source.ts';
import { SERVICE_SETTINGS, type Setting, type SettingName } from './service-settings.ts';

export interface FileValue {
  readonly value: string | boolean;
  readonly at: SourcePlace;
}

export type ServiceFile = ReadonlyMap<SettingName, FileValue>;

const MOST_BYTES = 64 * 1024;
/** As long as a path may be. */
const MOST_CHARACTERS = 4_096;
const TYPES = { path: 'string', text: 'string', number: 'number', switch: 'boolean' } as const;
const WORDS = { string: 'text', number: 'a number', boolean: 'true or false' } as const;

/** What a file may set: one in the home can't say where the home is. */
export function settingsOfFile(isInHome: boolean): readonly SettingName[] {
  return (Object.keys(SERVICE_SETTINGS) as SettingName[]).filter((name) => !isInHome || name !== 'home');
}

/** JSON Schema of the file, for editors. */
export function schemaOfFile(): object {
  const properties = Object.entries<Setting>(SERVICE_SETTINGS).map(([name, setting]) => {
    const { help: description, shape = 'text', fallback, choices } = setting;
    const type = TYPES[shape];
    const value = fallback === undefined ? {} : { default: type === 'number' ? Number(fallback) : fallback };
    const bound = type === 'string' ? { maxLength: MOST_CHARACTERS } : {};
    return [name, { type, description, ...bound, ...value, ...(choices === undefined ? {} : { enum: choices }) }];
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'service.yaml: settings of slipway run',
    description: 'Each wins over its default; the environment wins over the file, and flags over both.',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

/** Nothing without the file where `isInHome`. Throws FILE_…, DOCUMENT_…, SETTING_UNKNOWN and SETTING_VALUE with their places. */
export async function readServiceFile(file: string, isInHome: boolean): Promise<ServiceFile> {
  const bytes = isInHome ? await readBoundedFile(file, MOST_BYTES, true) : await readBoundedFile(file, MOST_BYTES);
  const read = bytes === undefined ? null : readSource(file, bytes);
  if (read === null) return new Map();
  if (read.kind === 'broken') {
    const [first] = read.errors;
    if (first === undefined || first.code === 'DOCUMENT_EMPTY') return new Map();
    throw first;
  }
  const { value, source } = read;
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw refuse(
      'SETTING_VALUE',
      source.placeOf([]),
      'The file is no list of settings',
      'Write lines of `name: value`.',
    );
  const known = settingsOfFile(isInHome);
  return new Map(Object.entries(value).map(([name, one]) => entryOf(source, known, [name, one])));
}

function refuse(code: string, at: SourcePlace, message: string, remedy: string): CodedError {
  return new CodedError({ code, message: `${message}.`, remedy, at });
}

function entryOf(
  source: DocumentSource,
  known: readonly SettingName[],
  [name, value]: readonly [string, unknown],
): [SettingName, FileValue] {
  const setting = known.find((one) => one === name);
  if (setting === undefined) {
    const close = findClosestWord(name, known);
    throw refuse(
      'SETTING_UNKNOWN',
      source.placeOf([name], 'name'),
      `There is no setting \`${name.slice(0, 60)}\``,
      close === undefined ? `Settings: ${known.join(', ')}.` : `Did you mean \`${close}\`?`,
    );
  }
  const at = source.placeOf([name]);
  const { shape, choices }: Setting = SERVICE_SETTINGS[setting];
  const type = TYPES[shape ?? 'text'];
  if (typeof value !== type || value === '')
    throw refuse(
      'SETTING_VALUE',
      at,
      `\`${name}\` must be ${WORDS[type]}`,
      `Write it as in \`${name}: ${exampleOf(setting)}\`.`,
    );
  if (choices !== undefined && !choices.includes(String(value)))
    throw refuse('SETTING_VALUE', at, `\`${name}\` is none of ${choices.join(', ')}`, 'Write one of them.');
  if (typeof value === 'boolean') return [setting, { value, at }];
  const isPath = shape === 'path' || (setting === 'repo' && /^\.\.?(\/|$)/.test(String(value)));
  const folder = path.dirname(path.resolve(source.file));
  return [setting, { value: isPath ? path.resolve(folder, String(value)) : String(value), at }];
}

function exampleOf(name: SettingName): string {
  const { fallback, shape, flag }: Setting = SERVICE_SETTINGS[name];
  return fallback ?? (shape === 'switch' ? 'true' : (/<(.+)>/.exec(flag)?.[1] ?? '…'));
}
