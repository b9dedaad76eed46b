// Owns where each setting of the service comes from: its default, the file, the environment, or a flag, each winning over those before it.
import path from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { CodedError, type SourcePlace } from '../base/errors.ts';
import { homeAt } from './home.ts';
import { type Result, table } from './output.ts';
import { readServiceFile, type ServiceFile } from './service-file.ts';
import { SERVICE_SETTINGS, type Setting, type SettingName } from './service-settings.ts';
import type { GivenSettings } from './settings.ts';

interface Origin {
  readonly value: string | boolean | undefined;
  /** As people look for it: a flag, a variable, a place in a file, or `default`; null where nothing sets it. */
  readonly from: string | null;
  readonly at?: SourcePlace;
}

export interface Given {
  readonly values: GivenSettings;
  readonly origins: Readonly<Record<SettingName, Origin>>;
  /** The file that is read, there or not. */
  readonly file: string;
  /** The same with the file as it is now. */
  again(): Promise<Given>;
}

const SETTINGS = Object.entries(SERVICE_SETTINGS) as [SettingName, Setting][];
const SECRETS = ['GIT_TOKEN', 'HOOK_SECRET', 'VIEWER_TOKEN', 'ADMIN_TOKEN', 'OIDC_CLIENT_SECRET'].map(
  (name) => `SLIPWAY_${name}`,
);

/** Throws what `readServiceFile` throws, and SETTING_VALUE for a switch of the environment. */
export async function givenSettings(command: Command): Promise<Given> {
  const { config, home = SERVICE_SETTINGS.home.fallback } = command.opts<{ config?: string; home?: string }>();
  const file = config === undefined ? homeAt(home).settings : path.resolve(config);
  const again = async (): Promise<Given> => {
    const inFile = await readServiceFile(file, config === undefined);
    const origins = Object.fromEntries(SETTINGS.map((one) => [one[0], originOf(command, inFile, one)]));
    const values = Object.fromEntries(Object.entries(origins).map(([name, { value }]) => [name, value]));
    return { values, origins: origins as Given['origins'], file, again };
  };
  return again();
}

function originOf(command: Command, inFile: ServiceFile, [name, setting]: [SettingName, Setting]): Origin {
  const { flag, variable, shape } = setting;
  const value = command.getOptionValue(name) as string | boolean | undefined;
  const source = command.getOptionValueSource(name);
  if (source === 'cli') return { value, from: flag.split(' ')[0] ?? flag };
  if (source === 'env') return { value, from: variable };
  const ofSwitch = shape === 'switch' ? process.env[variable] : undefined;
  if (ofSwitch !== undefined) return { value: switchOf(variable, ofSwitch), from: variable };
  const written = inFile.get(name);
  if (written !== undefined) return { ...written, from: `${written.at.file}:${written.at.line}` };
  return { value, from: value === undefined ? null : 'default' };
}

function switchOf(variable: string, text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  const message = `${variable} is ${JSON.stringify(text.slice(0, 40))}.`;
  throw new CodedError({ code: 'SETTING_VALUE', message, remedy: 'Set it to true or false, or leave it out.' });
}

/** What `read` makes of the settings; an error about one that the file sets has its place. */
export function placed<T>({ values, origins }: Given, read: (values: GivenSettings) => T): T {
  try {
    return read(values);
  } catch (thrown) {
    if (!(thrown instanceof CodedError) || thrown.at !== undefined) throw thrown;
    const flag = /^--[a-z-]+/.exec(thrown.message)?.[0];
    const name = SETTINGS.find(([, setting]) => setting.flag.split(' ')[0] === flag)?.[0];
    const at = name === undefined ? undefined : origins[name].at;
    if (at === undefined) throw thrown;
    const { code, kind, message, remedy, cause } = thrown;
    throw new CodedError({ code, kind, message, ...(remedy === undefined ? {} : { remedy }), at, cause });
  }
}

/** Names of the settings whose values differ. */
export function changedSettings(before: Given, now: Given): SettingName[] {
  return SETTINGS.flatMap(([name]) => (before.origins[name].value === now.origins[name].value ? [] : [name]));
}

/** All settings with where they come from; of secrets only whether they are set. */
export function settingsInWords({ origins, file }: Given): Result {
  const secrets = SECRETS.map((name) => {
    const from = [name, `${name}_FILE`].find((one) => process.env[one] !== undefined) ?? null;
    return { name, isSet: from !== null, from };
  });
  const settings = SETTINGS.map(([name]) => {
    const { value = null, from } = origins[name];
    return { name, value: typeof value === 'string' ? withoutCredentials(value) : value, from };
  });
  const rows = [
    ...settings.map(({ name, value, from }) => [name, value === null ? '–' : String(value), from ?? '–']),
    ...secrets.map(({ name, isSet, from }) => [name, isSet ? '(secret)' : '–', from ?? '–']),
  ];
  return { json: { file, settings, secrets }, text: table(['SETTING', 'VALUE', 'FROM'], rows) };
}

/** An address may hold a password. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//…@');
}
