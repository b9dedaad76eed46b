// Owns the typed values of the service's settings, and secrets of the environment.
import process from 'node:process';
import { type Command, Option } from 'commander';
import { CodedError } from '../base/errors.ts';
import type { LogLevel } from '../base/logger.ts';
import { readSecretSync } from '../base/secret-file.ts';
import type { CertificateFiles } from '../fleet-api/http/server-certificate.ts';
import type { CredentialSource } from '../git/wire/http-transport.ts';
import type { ServiceSettings } from './compose-service.ts';
import { homeAt } from './home.ts';
import { oidcSettings } from './oidc-settings.ts';
import { positiveNumberOf, durationOf as readDuration, sizeOf } from './option-values.ts';
import { SERVICE_SETTINGS, type Setting, type SettingName } from './service-settings.ts';

function optionOf({ flag, help, variable, fallback, choices, shape }: Setting): Option {
  const option = new Option(flag, help);
  // Any value of its variable would count as yes.
  if (shape !== 'switch') option.env(variable);
  if (choices !== undefined) option.choices(choices);
  return fallback === undefined ? option : option.default(fallback);
}

/** The home of the service that a command works on or takes its trust from. */
export function homeOption(): Option {
  return optionOf({ ...SERVICE_SETTINGS.home, help: 'home folder of the service' });
}

export function trustOption(): Option {
  return new Option('--trust <file>', 'trust policy with the keys to trust (default: the one in the home)');
}

export const TOKEN_OF_SERVER = 'its token comes from SLIPWAY_TOKEN or SLIPWAY_TOKEN_FILE';

export function serverOption(purpose: string): Option {
  return new Option('--server <url>', `address of the running service; ${purpose}`).env('SLIPWAY_SERVER');
}

type TextSetting = Exclude<SettingName, 'insecureHttp' | 'logLevel'>;
export type GivenSettings = Partial<Record<TextSetting, string>> & {
  readonly insecureHttp?: boolean;
  readonly logLevel?: LogLevel;
};

const CONFIG_HELP =
  'file with settings (default: service.yaml in the home, where it is); the environment wins over it, and flags over both';

/** `logLevel` is the command's own default. */
export function addServiceOptions(command: Command, logLevel: LogLevel = SERVICE_SETTINGS.logLevel.fallback): Command {
  const all: Readonly<Record<string, Setting>> = {
    ...SERVICE_SETTINGS,
    logLevel: { ...SERVICE_SETTINGS.logLevel, fallback: logLevel },
  };
  for (const setting of Object.values(all)) command.addOption(optionOf(setting));
  return command.addOption(new Option('--config <file>', CONFIG_HELP).env('SLIPWAY_CONFIG'));
}

/** More often than this a service would do nothing but look. */
const SHORTEST_MS = 100;

function durationOf(given: GivenSettings, name: TextSetting): number {
  const { flag, variable, fallback = '' }: Setting = SERVICE_SETTINGS[name];
  return readDuration(`${flag.split(' ')[0]} (${variable})`, given[name] ?? fallback, SHORTEST_MS);
}

function settingError(setting: Setting, message: string, remedy: string): CodedError {
  const name = setting.flag.split(' ')[0];
  return new CodedError({
    code: 'SETTING_VALUE',
    message: `${name} (${setting.variable}): ${message}.`,
    remedy,
  });
}

/** A CI host hands over a variable that nobody set as an empty one: it counts as not set. */
export function forgetEmptySettings(): void {
  for (const [name, value] of Object.entries(process.env))
    if (name.startsWith('SLIPWAY_') && value === '') delete process.env[name];
}

/** The time that builds are told to write, by the convention of reproducible builds; null without one. Throws SETTING_VALUE. */
export function sourceTime(): string | null {
  const seconds = process.env.SOURCE_DATE_EPOCH;
  if (seconds === undefined || seconds === '') return null;
  if (/^\d{1,10}$/.test(seconds)) return new Date(Number(seconds) * 1000).toISOString();
  throw new CodedError({
    code: 'SETTING_VALUE',
    message: `SOURCE_DATE_EPOCH is ${JSON.stringify(seconds.slice(0, 40))}.`,
    remedy: 'Set it to whole seconds since 1970, or leave it out.',
  });
}

/** A secret of the environment: its value, or the content of the file that `<NAME>_FILE` names; null without either. */
export function secretOf(variable: string): string | null {
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  const file = process.env[`${variable}_FILE`];
  if (file === undefined || file === '') return null;
  const secret = readSecretSync(file);
  if (secret !== null) return secret;
  throw new CodedError({
    code: 'SETTING_SECRET',
    message: `${variable}_FILE points to ${file}, which is no plain file, can't be read, is empty, or is too long for a secret.`,
    remedy: 'Point it to a readable file with the secret.',
  });
}

/** It opens everything, so it must not be guessed; and it has to fit a header. Throws SETTING_SECRET. */
function adminToken(): string | null {
  const token = secretOf('SLIPWAY_ADMIN_TOKEN');
  if (token === null || /^[\x21-\x7e]{16,512}$/.test(token)) return token;
  throw new CodedError({
    code: 'SETTING_SECRET',
    message: 'SLIPWAY_ADMIN_TOKEN is not 16 to 512 characters of ASCII without spaces.',
    remedy: 'Take a random one, as from `openssl rand -hex 32`.',
  });
}

/** The token as it stands when it is asked for: a file may be replaced while the program runs. Null without a token. Throws SETTING_SECRET. */
export function gitCredentials(username: string): CredentialSource | null {
  if (secretOf('SLIPWAY_GIT_TOKEN') === null) return null;
  return () => ({ kind: 'basic', username, password: secretOf('SLIPWAY_GIT_TOKEN') ?? '' });
}

function listenOf(given: GivenSettings): { host: string; port: number } {
  const text = given.listen ?? SERVICE_SETTINGS.listen.fallback;
  const match = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || match[1] === '' || port > 65_535) {
    throw settingError(
      SERVICE_SETTINGS.listen,
      `${JSON.stringify(text)} is not an address`,
      'Write it like 127.0.0.1:8080.',
    );
  }
  return { host: match[1], port };
}

/** Null for plain HTTP. */
function tlsOf({ tlsCert: cert, tlsKey: key }: GivenSettings): CertificateFiles | null {
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert === undefined && key === undefined) return null;
  const [lacking, given] =
    cert === undefined ? (['tlsCert', '--tls-key'] as const) : (['tlsKey', '--tls-cert'] as const);
  throw settingError(SERVICE_SETTINGS[lacking], `a value is required with ${given}`, 'Pass both files, or neither.');
}

/** Scheme and host alone: pages and cookies are those of a whole host. */
function publicUrlOf({ publicUrl }: GivenSettings): URL | null {
  if (publicUrl === undefined) return null;
  const url = /^https?:\/\//.test(publicUrl) && URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url !== undefined && url.href === `${url.origin}/`) return url;
  const message = `${JSON.stringify(publicUrl.slice(0, 200))} is not the address of a host`;
  throw settingError(SERVICE_SETTINGS.publicUrl, message, 'Write it like https://slipway.example.com, without a path.');
}

/** The settings of a command line and its environment. Throws SETTING_…. */
export function serviceSettings(given: GivenSettings): ServiceSettings {
  if (given.repo === undefined) {
    throw settingError(
      SERVICE_SETTINGS.repo,
      'a value is required',
      'Pass the manifests repository, for example --repo ./my-models.',
    );
  }
  return {
    home: homeAt(given.home ?? SERVICE_SETTINGS.home.fallback),
    repository: given.repo,
    branch: given.branch ?? SERVICE_SETTINGS.branch.fallback,
    credentials: gitCredentials(given.gitUser ?? SERVICE_SETTINGS.gitUser.fallback),
    insecureHttp: given.insecureHttp ?? false,
    publicUrl: publicUrlOf(given),
    tls: tlsOf(given),
    oidc: oidcSettings(given, publicUrlOf(given), () => secretOf('SLIPWAY_OIDC_CLIENT_SECRET')),
    ...listenOf(given),
    addressFactor: positiveNumberOf('--address-factor', given.addressFactor ?? '1', 1_000_000),
    artifactQuotaBytes: sizeOf('--artifact-quota', given.artifactQuota ?? SERVICE_SETTINGS.artifactQuota.fallback),
    exposureKeptMs: durationOf(given, 'exposureKept'),
    signals: given.signals ?? null,
    notify: given.notify ?? null,
    artifacts: given.artifacts ?? null,
    hookSecret: secretOf('SLIPWAY_HOOK_SECRET'),
    viewerToken: secretOf('SLIPWAY_VIEWER_TOKEN'),
    adminToken: adminToken(),
    reportIntervalMs: durationOf(given, 'reportInterval'),
    heartbeatMs: 1_000,
    leaseMs: 15_000,
    reconciler: {
      pollMs: durationOf(given, 'poll'),
      tickMs: durationOf(given, 'tick'),
      emergencyAfterMs: durationOf(given, 'emergencyAfter'),
    },
    environment: process.env,
  };
}
