// Owns which settings the service has: one table for file, environment, flags, help and reference.
import type { LogLevel } from '../base/logger.ts';
import { OIDC_SETTINGS } from './oidc-settings.ts';

export const INSECURE_HTTP = 'send credentials over plain HTTP (only for trials on one machine)';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

export interface Setting {
  readonly flag: string;
  readonly variable: string;
  readonly help: string;
  readonly fallback?: string;
  readonly choices?: readonly string[];
  /** How the file writes it: as text unless given. A `path` there is seen from the folder of the file. */
  readonly shape?: 'path' | 'number' | 'switch';
  /** A change in the file takes effect without a restart. */
  readonly isLive?: true;
}

/** Their names are those of the file. Secrets come from the environment or a file of their own, never from here: flags show in process lists. */
export const SERVICE_SETTINGS = {
  home: {
    flag: '--home <folder>',
    variable: 'SLIPWAY_HOME',
    help: 'home folder of the service: keys, store, mirror and publication',
    fallback: '.slipway',
    shape: 'path',
  },
  repo: { flag: '--repo <path|url>', variable: 'SLIPWAY_REPO', help: 'manifests repository' },
  branch: {
    flag: '--branch <name>',
    variable: 'SLIPWAY_BRANCH',
    help: 'branch that holds the desired state',
    fallback: 'main',
  },
  listen: {
    flag: '--listen <host:port>',
    variable: 'SLIPWAY_LISTEN',
    help: 'address that devices and viewers connect to',
    fallback: '127.0.0.1:8080',
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    variable: 'SLIPWAY_TLS_CERT',
    help: 'certificate of the service and those of the authorities between, as PEM: the service then speaks HTTPS, and takes renewed files without a restart',
    shape: 'path',
  },
  tlsKey: {
    flag: '--tls-key <file>',
    variable: 'SLIPWAY_TLS_KEY',
    help: 'file with the private key of --tls-cert, as PEM',
    shape: 'path',
  },
  publicUrl: {
    flag: '--public-url <url>',
    variable: 'SLIPWAY_PUBLIC_URL',
    help: 'address under which browsers reach the service, as https://slipway.example.com; needed behind a proxy that ends TLS',
  },
  ...OIDC_SETTINGS,
  addressFactor: {
    flag: '--address-factor <number>',
    variable: 'SLIPWAY_ADDRESS_FACTOR',
    help: 'how many times 500 requests, 2 MiB, 1 wrong signature and 1 wrong token a second, and 2,000 long polls and 500 event streams at once, one address may send; raise it where many devices share one, as behind a proxy',
    fallback: '1',
    shape: 'number',
  },
  poll: {
    flag: '--poll <duration>',
    variable: 'SLIPWAY_POLL',
    help: 'how often to check the repository when no webhook reports a push',
    fallback: '30s',
    isLive: true,
  },
  tick: {
    flag: '--tick <duration>',
    variable: 'SLIPWAY_TICK',
    help: 'how often to evaluate measurements',
    fallback: '2s',
    isLive: true,
  },
  reportInterval: {
    flag: '--report-interval <duration>',
    variable: 'SLIPWAY_REPORT_INTERVAL',
    help: 'how often devices report',
    fallback: '60s',
  },
  emergencyAfter: {
    flag: '--emergency-after <duration>',
    variable: 'SLIPWAY_EMERGENCY_AFTER',
    help: "if a rollback can't be pushed for this long, devices roll back without it (emergency rollback)",
    fallback: '2m',
    isLive: true,
  },
  signals: {
    flag: '--signals <file>',
    variable: 'SLIPWAY_SIGNALS',
    help: 'file that lists the metric providers rules may query (kind: SignalProviders; default: signals.yaml in the home)',
    shape: 'path',
  },
  notify: {
    flag: '--notify <file>',
    variable: 'SLIPWAY_NOTIFY',
    help: 'file that lists who is notified of steps and alerts (kind: Notifications; default: notify.yaml in the home)',
    shape: 'path',
  },
  artifacts: {
    flag: '--artifacts <s3://bucket/prefix>',
    variable: 'SLIPWAY_ARTIFACTS',
    help: 'private place in S3 whose files devices may fetch: the service signs addresses for them (credentials of a reader by AWS_…)',
  },
  artifactQuota: {
    flag: '--artifact-quota <size>',
    variable: 'SLIPWAY_ARTIFACT_QUOTA',
    help: 'how much all artifacts in the publication may take; 5% of the disk, at most 5 GiB, stay free in any case',
    fallback: '100GB',
  },
  exposureKept: {
    flag: '--exposure-kept <duration>',
    variable: 'SLIPWAY_EXPOSURE_KEPT',
    help: 'how long to keep which device ran which version, after it ended: 13 months unless given',
    fallback: '396d',
  },
  gitUser: {
    flag: '--git-user <name>',
    variable: 'SLIPWAY_GIT_USER',
    help: 'user name for the repository; its token comes from SLIPWAY_GIT_TOKEN or SLIPWAY_GIT_TOKEN_FILE',
    fallback: 'slipway',
  },
  insecureHttp: {
    flag: '--insecure-http',
    variable: 'SLIPWAY_INSECURE_HTTP',
    help: INSECURE_HTTP,
    shape: 'switch',
  },
  logLevel: {
    flag: '--log-level <level>',
    variable: 'SLIPWAY_LOG_LEVEL',
    help: 'lowest level to log',
    choices: LOG_LEVELS,
    fallback: 'info',
    isLive: true,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SERVICE_SETTINGS;
