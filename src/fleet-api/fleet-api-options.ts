// Owns what the service's HTTP side is given: where it listens, what it serves, whom it asks.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Metrics } from '../base/metrics.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { EnrolmentParts } from './enrolment.ts';
import type { RateLimit } from './rate-limit.ts';
import type { ReportIntakeParts } from './report-intake.ts';

export interface Tls {
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
}

export interface HttpFleetApiOptions {
  /** The fleet store. */
  readonly register: EnrolmentParts['register'] &
    ReportIntakeParts['register'] & {
      readPublication(): Promise<{ readonly sequence: number }>;
      /** Throws when nothing can be written now. */
      probe(): Promise<void>;
    };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: Tls;
  /** Folder that is served below `/distribution`. */
  readonly publicationFolder: string;
  /** Devices that were revoked by commit. */
  readonly isDenied: (device: string) => boolean;
  /** Has the first cycle been done? */
  readonly isReady: () => boolean;
  /** A genuine webhook came: look at the repository now. */
  readonly onHook: () => void;
  /** Without it webhooks are refused. */
  readonly hookSecret?: string;
  /** Without it `/v1/rollouts` is refused. */
  readonly viewerToken?: string;
  /** All rollouts (undefined name) or one, as the CLI shows them; undefined when there is none of the name. */
  readonly readRollouts: (name?: string) => Promise<JsonValue | undefined>;
  /** Requests of one address; 500 a second, 2,000 at once unless given. Raise it behind a proxy, where all share one. */
  readonly perAddress?: RateLimit;
  /** Reports of one device; 5 a second, 256 at once unless given. */
  readonly perDevice?: RateLimit;
}
