// Owns what systemd hears of the service: that it is ready, that it is alive, and that it stops.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/** A stuck systemd-notify must not pile up others behind it. */
const NOTIFY_LIMIT_MS = 5_000;
/** Two of three signs of life may be lost. */
const SIGNS_PER_WATCHDOG = 3;
const LEAST_PAUSE_MS = 100;

export interface SystemdNoticesOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Talks through `systemd-notify`, since Node opens no datagram sockets of the kind that systemd has. Does nothing where no service
 * manager asked for it. The launcher lies between systemd and this process, so the unit needs `NotifyAccess=all`.
 */
export class SystemdNotices {
  readonly #options: SystemdNoticesOptions;
  #isWarned = false;

  constructor(options: SystemdNoticesOptions) {
    this.#options = options;
  }

  /** Tells that it serves, then gives signs of life until it is stopped, and tells that. */
  async accompany(status: string, signal: AbortSignal): Promise<void> {
    await this.#tell('READY=1', `STATUS=${status}`);
    const pauseMs = this.#pauseMs();
    while (pauseMs !== null && !signal.aborted) {
      await this.#tell('WATCHDOG=1');
      await this.#options.clock.sleep(pauseMs, signal);
    }
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    await this.#tell('STOPPING=1');
  }

  /** Null without a watchdog. */
  #pauseMs(): number | null {
    const watchdogMs = Number(this.#options.environment.WATCHDOG_USEC) / 1000;
    return watchdogMs > 0 ? Math.max(LEAST_PAUSE_MS, watchdogMs / SIGNS_PER_WATCHDOG) : null;
  }

  async #tell(...words: readonly string[]): Promise<void> {
    const { environment, logger } = this.#options;
    if ((environment.NOTIFY_SOCKET ?? '') === '') return;
    try {
      await promisify(execFile)('systemd-notify', [...words], { env: { ...environment }, timeout: NOTIFY_LIMIT_MS });
    } catch (error) {
      if (!this.#isWarned) logger.warn('systemd was not told how the service is', { words, error });
      this.#isWarned = true;
    }
  }
}
