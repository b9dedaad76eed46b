// Owns telling Alertmanagers which alerts stand: all of them again and again, each with an end that comes by itself when nobody repeats it.
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import { bearerHeader, readSecret } from '../base/secret-file.ts';
import { deliverPost } from './deliver-post.ts';
import type { AlertNotice, Notice } from './notice.ts';
import { type Delivery, LATER, passesFilter } from './notice-target.ts';

export interface AlertmanagerOptions {
  readonly name: string;
  readonly url: string;
  /** Names this service among others, as a label. */
  readonly source: string;
  readonly bearerTokenFile: string | null;
  /** Labels that each alert gets besides. */
  readonly labels: Readonly<Record<string, string>>;
  readonly rollouts: readonly string[];
  readonly timeoutMs: number;
}

/** A standing alert ends this long after it was last repeated. */
const STANDS_MS = 5 * 60_000;
const REPEAT_MS = 60_000;
const RETRY_MS = 5_000;
const MOST_VALUE = 1_000;
const MOST_AT_ONCE = 100;
const CRITICAL: ReadonlySet<string> = new Set([
  ...[
    'reverted',
    'emergency-rollback',
    'status-forged',
    'history-rewound',
    'devices-refusing',
    'source-away',
    'cycle-failed',
  ],
]);

/** `SlipwaySignalSilent` of `signal-silent`. */
function alertName(kind: string): string {
  return `Slipway${kind.replace(/(?:^|-)([a-z])/g, (_, first: string) => first.toUpperCase())}`;
}

function texts(of: Readonly<Record<string, unknown>>): Record<string, string> {
  const clean = Object.entries(of).map(
    ([name, value]) => [name, clipped(oneLine(String(value ?? '')), MOST_VALUE)] as const,
  );
  return Object.fromEntries(clean.filter(([, text]) => text !== ''));
}

/** The labels name the alert, so they stay the same while it stands: numbers are annotations. */
export function alertOf(alert: AlertNotice, { source, labels }: AlertmanagerOptions, endsAtMs: number): object {
  const { alertKind, rollout, subject, model, message, remedy, runbook, commit, link, numbers, sinceMs } = alert;
  const severity = CRITICAL.has(alertKind) ? 'critical' : 'warning';
  return {
    labels: texts({ ...labels, alertname: alertName(alertKind), service: source, severity, rollout, model, subject }),
    annotations: texts({
      summary: `${rollout ?? 'the service'}: ${alertKind.replaceAll('-', ' ')}`,
      description: remedy === undefined ? message : `${message}; ${remedy}`,
      ...{ runbook_url: runbook, commit, rule: numbers.rule, alert: alert.alert },
    }),
    startsAt: new Date(sinceMs).toISOString(),
    endsAt: new Date(endsAtMs).toISOString(),
    ...(link === undefined ? {} : { generatorURL: link }),
  };
}

export class AlertmanagerTarget {
  readonly name: string;
  readonly #options: AlertmanagerOptions;
  readonly #clock: Clock;
  /** What was told as standing, and is not told as over yet. */
  #told = new Map<string, AlertNotice>();

  constructor(options: AlertmanagerOptions, clock: Clock) {
    this.name = options.name;
    this.#options = options;
    this.#clock = clock;
  }

  /** Tells what stands, and what of it is over since the last time. Never throws. */
  async tell(standing: readonly AlertNotice[], signal: AbortSignal): Promise<Delivery> {
    const filter = { topics: ['alerts'], rollouts: this.#options.rollouts } as const;
    const wanted = new Map(standing.filter((one) => passesFilter(one, filter)).map((one) => [one.alert, one]));
    const over = [...this.#told].filter(([id]) => !wanted.has(id));
    const nowMs = this.#clock.now();
    // What is over ends a moment before the clock: Alertmanager's may be behind.
    const alerts = [
      ...[...wanted.values()].map((one) => alertOf(one, this.#options, nowMs + STANDS_MS)),
      ...over.map(([, one]) => alertOf(one, this.#options, Math.max(one.sinceMs + 1, nowMs - 1_000))),
    ];
    for (let i = 0; i < alerts.length; i += MOST_AT_ONCE) {
      const delivery = await this.post(alerts.slice(i, i + MOST_AT_ONCE), signal);
      if (delivery.kind !== 'taken') {
        // Whatever may have arrived has to be told as over one day.
        for (const [id, one] of wanted) this.#told.set(id, one);
        return delivery;
      }
    }
    this.#told = wanted;
    return { kind: 'taken' };
  }

  /** A notice that somebody sends by hand: over after a minute. */
  deliver({ content }: Notice, signal: AbortSignal): Promise<Delivery> {
    if (content.kind !== 'alert') return Promise.resolve({ kind: 'taken' });
    return this.post([alertOf(content, this.#options, this.#clock.now() + REPEAT_MS)], signal);
  }

  async post(alerts: readonly object[], signal: AbortSignal): Promise<Delivery> {
    const { url, bearerTokenFile, timeoutMs } = this.#options;
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (bearerTokenFile !== null) {
      const shown = bearerHeader(await readSecret(bearerTokenFile));
      if (shown === null) return { ...LATER, reason: "its token can't be read" };
      Object.assign(headers, shown);
    }
    const order = {
      url: `${url.replace(/\/+$/, '')}/api/v2/alerts`,
      headers,
      body: JSON.stringify(alerts),
      timeoutMs,
      signal,
    };
    return deliverPost(order, this.#clock, { refusesPages: true });
  }
}

export interface StandingAlertsParts {
  readonly targets: readonly AlertmanagerTarget[];
  /** The alerts that stand and are not silenced, as they are now. */
  readonly standing: () => Promise<readonly AlertNotice[]>;
  readonly mayDeliver: () => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Repeats standing alerts before their end, and at once when something changed. */
export class StandingAlerts {
  readonly #parts: StandingAlertsParts;
  #targets: readonly AlertmanagerTarget[];
  readonly #failing = new Set<string>();
  #wake = new AbortController();

  constructor(parts: StandingAlertsParts) {
    this.#parts = parts;
    this.#targets = parts.targets;
  }

  wake(): void {
    this.#wake.abort();
  }

  useTargets(targets: readonly AlertmanagerTarget[]): void {
    this.#targets = targets;
    this.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#parts;
    while (!signal.aborted) {
      this.#wake = new AbortController();
      let isWhole = true;
      try {
        isWhole = await this.#tellAll(signal);
      } catch (thrown) {
        isWhole = false;
        logger.warn('standing alerts could not be read', { error: toCodedError(thrown) });
      }
      // Targets may be added, or this process begin to deliver, at any time.
      await clock.sleep(isWhole ? REPEAT_MS : RETRY_MS, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #tellAll(signal: AbortSignal): Promise<boolean> {
    const { standing, mayDeliver, logger } = this.#parts;
    const targets = this.#targets;
    if (targets.length === 0) return true;
    if (!(await mayDeliver())) return false;
    const alerts = await standing();
    const told = await Promise.all(
      targets.map(async (target) => [target.name, await target.tell(alerts, signal)] as const),
    );
    for (const [target, delivery] of told) {
      if (delivery.kind === 'taken') this.#failing.delete(target);
      else if (!this.#failing.has(target) && !signal.aborted) {
        this.#failing.add(target);
        logger.warn('standing alerts were not taken; they are told again', { target, reason: delivery.reason });
      }
    }
    return told.every(([, { kind }]) => kind === 'taken');
  }
}
