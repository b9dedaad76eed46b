// Owns the options of an agent: everything that it touches is among them, so that one process can hold many agents.
import type { Clock } from '../../src/base/clock.ts';
import type { CodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { RandomStream } from '../../src/base/random.ts';
import { GAUGE_EVERY_MS } from '../../src/contract/gauges.ts';
import type { TrustContents } from '../../src/contract/trust/read-trust-policy.ts';
import type { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import type { ArtifactCredentials } from './link/artifact-credentials.ts';
import type { DirectiveSource } from './link/directive-source.ts';
import type { ServiceLink } from './link/service-link.ts';
import type { TakeReadings } from './measure/device-gauges.ts';
import type { ModelHost } from './model/model-host.ts';
import type { OnPersisted } from './record/journal.ts';
import type { SwitchHook } from './serve/switch-hook.ts';

export interface AgentIntervals {
  /** Between looks at the directive when nothing wakes the agent; jittered by half. Default 5 min. */
  readonly pollMs: number;
  /** Between reports. Default 1 min. */
  readonly reportMs: number;
  /** Between looks at the device's gauges. Default 5 s. */
  readonly sampleMs: number;
  /** The agent answers a wake-up within this, at random, so that a fleet does not ask at one instant. Default 1 s. */
  readonly wakeSpreadMs: number;
}

export const DEFAULT_INTERVALS: AgentIntervals = {
  pollMs: 300_000,
  reportMs: 60_000,
  sampleMs: GAUGE_EVERY_MS,
  wakeSpreadMs: 1000,
};

export interface AgentOptions {
  /** The device's id: letters, digits, `.`, `_`, `:`, `@`, `-`. */
  readonly id: string;
  /** Data folder, this agent's alone. */
  readonly folder: string;
  /** The service (enrolment, reports, wake-ups); null = directives only, nothing is reported. */
  readonly link: ServiceLink | null;
  /** Address of the published folder: TUF metadata, manifests, artifacts. Any static host will do. */
  readonly distributionUrl: string;
  /** Other addresses of the same folder, asked for manifests and artifacts when that one sends nothing or wrong bytes. Default none. */
  readonly mirrorUrls?: readonly string[];
  /** What this device shows to the private hosts that manifests name. Default nothing. */
  readonly artifactCredentials?: Pick<ArtifactCredentials, 'headersFor' | 'check'> | null;
  /** One-time token for enrolment; not needed once enrolled. */
  readonly token?: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Reported properties beyond the agent's own, such as `firmware`, `features`, `capabilities`. */
  readonly properties?: () => Readonly<Record<string, string | number>>;
  /** The TUF root that the device was given at the factory, or how to read it. */
  readonly factoryRoot: Uint8Array | (() => Promise<Uint8Array>);
  /** Another source of directives than TUF at `distributionUrl`; for rehearsals. */
  readonly openDirectives?: (folder: string) => Promise<DirectiveSource>;
  /** Without keys of the reconciler steps back are not checked. */
  readonly verifier: Pick<DocumentVerifier, 'verifyModel'> & Partial<Pick<DocumentVerifier, 'reconcilerKeys'>>;
  /** Digest or name of the trust policy in force: a refused version is looked at again when it changes. */
  readonly trustFingerprint: () => string;
  /** Gets each trust policy that the publication proves; `verifier` is to judge by it from then on. */
  readonly onTrust?: (trust: TrustContents) => void;
  readonly host: ModelHost;
  /** Notified after each switch; for models that another process runs. */
  readonly onSwitch?: SwitchHook | null;
  /** Port of the Open Inference Protocol endpoint on 127.0.0.1; 0 = any free one, null = none. Default null. */
  readonly endpointPort?: number | null;
  readonly intervals?: Partial<AgentIntervals>;
  /** Disk left free beside models, in bytes. Default 16 MiB. */
  readonly reserveBytes?: number;
  /** Cap on downloads; null = none. */
  readonly bytesPerSecondMost?: number | null;
  /** Reads the device's gauges; `/proc` and `/sys` unless given. */
  readonly readings?: TakeReadings;
  /** What was wrong before the agent was made, and did not keep it from serving. */
  readonly problems?: readonly CodedError[];
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  /** Called after each journal write; for tests that stop the process there. */
  readonly onPersisted?: OnPersisted;
}

/** Version of the agent, as compatibility clauses see it. */
export const AGENT_VERSION = '0.1.0';
