// Owns what an agent is given: everything it touches comes from here, so that one process can hold many.
import type { Clock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { RandomStream } from '../../src/base/random.ts';
import type { Directive } from '../../src/contract/directive.ts';
import type { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import type { TakeReadings } from './measure/device-gauges.ts';
import type { ModelHost } from './model/model-host.ts';
import type { OnPersisted } from './record/journal.ts';
import type { SwitchHook } from './serve/switch-hook.ts';

/** Where directives come from: TUF in production. */
export interface DirectiveSource {
  /** Asks for the newest directive. Never throws for what networks and attackers do. */
  refresh(signal: AbortSignal): Promise<DirectiveAnswer>;
  /** The last one accepted here, from disk; undefined when there was none. */
  lastAccepted(): Directive | undefined;
  /** Names the keys under which it was accepted; revisions are compared within one set of keys only. */
  lastSigners?(): string | undefined;
}

export type DirectiveAnswer =
  | { readonly kind: 'directive'; readonly directive: Directive }
  | { readonly kind: 'unchanged' }
  /** It came and is not to be believed. */
  | { readonly kind: 'refused'; readonly code: string; readonly reason: string }
  | { readonly kind: 'unreachable'; readonly reason: string };

export interface AgentIntervals {
  /** Between looks at the directive when nothing wakes the agent; jittered by half. Default 5 min. */
  readonly pollMs: number;
  /** Between reports. Default 1 min. */
  readonly reportMs: number;
  /** Between looks at the device's gauges. Default 5 s. */
  readonly sampleMs: number;
  /** A wake-up by the service is answered within this, at random, so that a fleet does not ask at one instant. Default 1 s. */
  readonly wakeSpreadMs: number;
}

export const DEFAULT_INTERVALS: AgentIntervals = {
  pollMs: 300_000,
  reportMs: 60_000,
  sampleMs: 5000,
  wakeSpreadMs: 1000,
};

export interface AgentOptions {
  /** The device's id: letters, digits, `.`, `_`, `:`, `@`, `-`. */
  readonly id: string;
  /** Data folder, this agent's alone. */
  readonly folder: string;
  /** The service (enrolment, reports, wake-ups); null = directives only, nothing is reported. */
  readonly serverUrl: string | null;
  /** Where manifests and artifacts lie; `<serverUrl>/distribution` unless given. */
  readonly distributionUrl?: string;
  /** One-time token for enrolment; not needed once enrolled. */
  readonly token?: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Reported properties beyond the agent's own, such as `firmware`, `features`, `capabilities`. */
  readonly properties?: () => Readonly<Record<string, string | number>>;
  /** The TUF root that the device was given at the factory. */
  readonly factoryRoot: Uint8Array;
  /** Another source of directives than TUF at `distributionUrl`; for rehearsals. */
  readonly openDirectives?: (folder: string) => Promise<DirectiveSource>;
  readonly verifier: Pick<DocumentVerifier, 'verifyModel'>;
  /** Digest or name of the trust policy in force: a refused version is looked at again when it changes. */
  readonly trustFingerprint: () => string;
  readonly host: ModelHost;
  /** Told after each switch; for models that another process runs. */
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
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  /** Called after each journal write; for tests that stop the process there. */
  readonly onPersisted?: OnPersisted;
}

/** Version of the agent, as compatibility clauses see it. */
export const AGENT_VERSION = '0.1.0';
