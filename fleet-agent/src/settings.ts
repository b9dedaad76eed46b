// Owns the agent's settings: one table that gives flags, environment, configuration file and help, and the typed result.
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { findClosestWord } from '../../src/base/closest-word.ts';
import { CodedError, toCodedError } from '../../src/base/errors.ts';
import { parseDurationMs } from '../../src/contract/duration.ts';
import { MOST_LABELS, parseLabels } from '../../src/contract/report-reader.ts';
import type { SwitchHook } from './serve/switch-hook.ts';

interface Setting {
  /** Name in the configuration file; the flag is its kebab-case form. */
  readonly name: string;
  readonly shape: 'text' | 'file' | 'duration' | 'number' | 'pairs' | 'hook';
  readonly fallback?: string | number;
  /** Environment variable that sets it, if not SLIPWAY_AGENT_ and its name; command line and file win. */
  readonly variable?: string;
  readonly help: string;
}

export const SETTINGS = [
  { name: 'server', shape: 'text', help: 'Address of the service. Without it the device reports nothing.' },
  {
    name: 'distribution',
    shape: 'text',
    help: 'Address of the published folder, or file:///… for a copy on a disk. Default: <server>/distribution.',
  },
  { name: 'data', shape: 'file', fallback: '/var/lib/slipway-agent', help: 'Data folder.' },
  { name: 'id', shape: 'text', help: 'Device id. Default: the host name.' },
  { name: 'token', shape: 'text', variable: 'SLIPWAY_AGENT_TOKEN', help: 'One-time token for enrolment.' },
  { name: 'trust', shape: 'file', help: 'Trust policy: who may sign models (YAML).' },
  { name: 'root', shape: 'file', help: 'TUF root that the device got at the factory (root.json).' },
  {
    name: 'artifactCredentials',
    shape: 'file',
    variable: 'SLIPWAY_AGENT_ARTIFACT_CREDENTIALS',
    help: 'File with the credentials of this device for private artifact hosts (YAML), readable by its owner alone.',
  },
  {
    name: 'label',
    shape: 'pairs',
    help: 'Label, as name=value. Repeatable. In the file: `label: { name: value }`; in the variable: by commas.',
  },
  { name: 'property', shape: 'pairs', help: 'Reported property (firmware, features, …), as name=value. Repeatable.' },
  {
    name: 'endpointPort',
    shape: 'number',
    help: 'Port of the inference endpoint on 127.0.0.1; 0 picks a free port. Default: no endpoint.',
  },
  {
    name: 'poll',
    shape: 'duration',
    fallback: '5m',
    help: 'Time between checks for a new directive when no wake signal arrives.',
  },
  { name: 'interval', shape: 'duration', fallback: '1m', help: 'Time between reports.' },
  {
    name: 'runtime',
    shape: 'text',
    fallback: 'onnx',
    help: 'onnx (built in), or process (another process runs models).',
  },
  {
    name: 'onSwitch',
    shape: 'hook',
    help: 'How to notify another process of a new version. In the file of --config or the variable, no flag.',
  },
  { name: 'reserveMebibytes', shape: 'number', fallback: 16, help: 'Disk space to leave free, in MiB.' },
  { name: 'kilobytesPerSecond', shape: 'number', help: 'Download limit, in kB/s. Default: none.' },
  {
    name: 'logLevel',
    shape: 'text',
    fallback: 'info',
    variable: 'SLIPWAY_AGENT_LOG',
    help: 'debug, info, warn or error.',
  },
] as const satisfies readonly Setting[];

type Name = (typeof SETTINGS)[number]['name'];

export type AgentSettings = ReturnType<typeof typed>;

function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function variableOf({ name, variable }: Setting): string {
  return variable ?? `SLIPWAY_AGENT_${flagOf(name).replaceAll('-', '_').toUpperCase()}`;
}

/** As people write it elsewhere than in the file. */
export function settingNames(setting: Setting): { readonly flag: string; readonly variable: string } {
  return { flag: flagOf(setting.name), variable: variableOf(setting) };
}

function settingError(message: string, remedy: string, cause?: unknown): CodedError {
  return new CodedError({ code: 'AGENT_SETTING', message, remedy, cause });
}

/** Lines of `--help`, one for each setting. */
export function describeSettings(): string {
  return SETTINGS.map((setting: Setting) => {
    const extra = [
      setting.fallback === undefined ? undefined : `default ${setting.fallback}`,
      `or ${variableOf(setting)}`,
    ].filter((one) => one !== undefined);
    return `  --${flagOf(setting.name).padEnd(22)}${setting.help}${extra.length === 0 ? '' : ` (${extra.join('; ')})`}`;
  }).join('\n');
}

export interface SettingSources {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads the file of `--config`. */
  readonly readConfig: (file: string) => string;
}

/** Command line over configuration file over environment over defaults. Throws AGENT_SETTING. */
export function readSettings({
  args,
  environment,
  readConfig,
}: SettingSources): AgentSettings & { readonly json: boolean } {
  const flags = parseFlags(args);
  const file = typeof flags.config === 'string' ? flags.config : undefined;
  const config = file === undefined ? {} : parseConfig(readConfig(file), file);
  const folder = file === undefined ? '.' : path.dirname(file);
  const find = (name: Name): unknown => {
    const setting: Setting | undefined = SETTINGS.find((one) => one.name === name);
    const flag = flags[flagOf(name)];
    if (flag !== undefined) return setting?.shape === 'file' ? path.resolve(String(flag)) : flag;
    const written = config[name] ?? (setting === undefined ? undefined : readVariable(setting, environment));
    if (written === undefined) return setting?.fallback;
    return setting?.shape === 'file' ? path.resolve(folder, String(written)) : written;
  };
  return { ...typed(find), json: flags.json === true };
}

/** Pairs stand in one variable, by commas; a hook is written as in the file. An empty variable is none. */
function readVariable(setting: Setting, environment: SettingSources['environment']): unknown {
  const variable = variableOf(setting);
  const text = environment[variable];
  if (text === undefined || text === '') return undefined;
  if (setting.shape === 'pairs') return text.split(',').map((pair) => pair.trim());
  if (setting.shape !== 'hook') return text;
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw settingError(`${variable} is not valid YAML.`, 'Write it as `onSwitch` in the configuration file.', error);
  }
}

function parseFlags(
  args: readonly string[],
): Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>> {
  const named = SETTINGS.filter((setting) => setting.shape !== 'hook').map((setting) => {
    const option = setting.shape === 'pairs' ? { type: 'string', multiple: true } : { type: 'string' };
    return [flagOf(setting.name), option] as const;
  });
  const options = { ...Object.fromEntries(named), config: { type: 'string' }, json: { type: 'boolean' } } as const;
  try {
    return parseArgs({
      args: [...args],
      options: options as Record<string, { type: 'string' | 'boolean'; multiple?: boolean }>,
      strict: true,
    }).values;
  } catch (error) {
    throw settingError(error instanceof Error ? error.message : String(error), 'See `slipway-agent --help`.', error);
  }
}

function parseConfig(text: string, file: string): Readonly<Record<string, unknown>> {
  let config: unknown;
  try {
    config = parse(text, { maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw settingError(`${file} is not valid YAML.`, 'Fix the file at the place that the cause states.', error);
  }
  if (typeof config !== 'object' || Array.isArray(config))
    throw settingError(`${file} is not a YAML mapping.`, 'Write lines of `name: value`.');
  const names: readonly string[] = SETTINGS.map((setting) => setting.name);
  const unknown = Object.keys(config as object).find((name) => !names.includes(name));
  if (unknown === undefined) return config as Record<string, unknown>;
  const close = findClosestWord(unknown, names);
  throw settingError(
    `${file} has the unknown setting "${unknown}".`,
    close === undefined ? `Settings: ${names.join(', ')}.` : `Did you mean "${close}"?`,
  );
}

function typed(find: (name: Name) => unknown) {
  const text = (name: Name): string | null => {
    const value = find(name);
    return value === undefined || value === null ? null : String(value);
  };
  const kilobytes = numberOf(find('kilobytesPerSecond'), 'kilobytesPerSecond');
  return {
    server: addressOf(text('server'), 'server'),
    distribution: distributionOf(text('distribution')),
    data: text('data') ?? '.',
    id: text('id') ?? os.hostname(),
    token: text('token'),
    trust: text('trust'),
    root: text('root'),
    artifactCredentials: text('artifactCredentials'),
    labels: pairsOf(find('label'), 'label'),
    properties: pairsOf(find('property'), 'property'),
    endpointPort: numberOf(find('endpointPort'), 'endpointPort'),
    pollMs: pauseOf(String(find('poll')), 'poll'),
    reportMs: pauseOf(String(find('interval')), 'interval'),
    runtime: oneOf(text('runtime'), 'runtime', ['onnx', 'process']),
    onSwitch: hookOf(find('onSwitch')),
    reserveBytes: (numberOf(find('reserveMebibytes'), 'reserveMebibytes') ?? 0) * 1024 * 1024,
    bytesPerSecondMost: kilobytes === null || kilobytes === 0 ? null : kilobytes * 1000,
    logLevel: oneOf(text('logLevel'), 'logLevel', ['debug', 'info', 'warn', 'error']),
  };
}

/** Below this the agent would do nothing else, and a fleet would flood its service. */
const LEAST_PAUSE_MS = 100;

function pauseOf(value: string, name: string): number {
  const ms = parseDurationMs(value);
  if (ms >= LEAST_PAUSE_MS) return ms;
  throw settingError(`${name} is "${value}", which is too short.`, `Use ${LEAST_PAUSE_MS}ms or more.`);
}

/** The publication may lie on a carried disk as well. */
function distributionOf(value: string | null): string | null {
  return value !== null && /^file:\/\/\/./.test(value) && URL.canParse(value)
    ? value
    : addressOf(value, 'distribution');
}

function addressOf(value: string | null, name: string): string | null {
  if (value === null || /^https?:\/\/[^/]/.test(value)) return value;
  throw settingError(
    `${name} is "${value}", which is not an address.`,
    'Use one that begins with https:// or http://.',
  );
}

function numberOf(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw settingError(`${name} is "${value}", which is not a whole number.`, 'Use a number of 0 or more.');
}

function oneOf<const T extends string>(value: string | null, name: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw settingError(`${name} is "${value}".`, `Use one of ${allowed.join(', ')}.`);
}

function pairsOf(value: unknown, name: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!Array.isArray(value)) {
    const entries = Object.entries(value as object).map(([key, one]): [string, string] => [key, String(one)]);
    return labelsOf(Object.fromEntries(entries), name);
  }
  const pairs = value.map((text: unknown): [string, string] => {
    const [, key, one] = /^([^=]+)=(.*)$/s.exec(String(text)) ?? [];
    if (key === undefined || one === undefined)
      throw settingError(`${name} "${text}" is not of the form name=value.`, `Write --${name} name=value.`);
    return [key, one];
  });
  return labelsOf(Object.fromEntries(pairs), name);
}

function labelsOf(pairs: Readonly<Record<string, string>>, name: string): Record<string, string> {
  try {
    return parseLabels(pairs, name);
  } catch (cause) {
    const { message } = toCodedError(cause);
    throw settingError(
      message.replace("The report's ", 'The setting '),
      `Use at most ${MOST_LABELS} of --${name}, with names of letters, digits and . _ / - and values of at most 256 characters.`,
      cause,
    );
  }
}

function hookOf(value: unknown): SwitchHook | null {
  if (value === undefined || value === null) return null;
  const hook = value as Partial<Record<string, unknown>>;
  const isText = (one: unknown): boolean => typeof one === 'string' && one !== '';
  const isWhole =
    (hook.kind === 'signal' && isText(hook.pidFile) && /^SIG(HUP|USR1|USR2|TERM)$/.test(String(hook.signal))) ||
    (hook.kind === 'command' && Array.isArray(hook.argv) && hook.argv.length > 0 && hook.argv.every(isText)) ||
    (hook.kind === 'http' && addressOf(String(hook.url), 'onSwitch.url') !== null);
  if (isWhole) return value as SwitchHook;
  throw settingError(
    '`onSwitch` is not a valid hook.',
    'Write { kind: signal, pidFile, signal: SIGHUP }, { kind: command, argv: [program, …] } or { kind: http, url }.',
  );
}
