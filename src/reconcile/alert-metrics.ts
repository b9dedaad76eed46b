// Owns the metrics about alerts and notices: what stands, what was raised, what was lost, and devices that run something else than declared.
import type { Counter, Gauge, Metrics } from '../base/metrics.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';
import { type Alert, alertKeyOf } from '../rollout/alerts.ts';
import type { OffDeclared } from '../rollout/off-declared.ts';

export class AlertMetrics {
  readonly #alert: Gauge | undefined;
  readonly #silenced: Gauge | undefined;
  readonly #off: Gauge | undefined;
  readonly #lost: Gauge | undefined;
  readonly #raised: Counter | undefined;
  /** Labels that were set before, so that what ended goes back to 0. */
  readonly #shown = new Map<string, { readonly kind: string; readonly rollout: string }>();
  readonly #offShown = new Set<string>();

  constructor(metrics: Metrics | undefined) {
    this.#alert = metrics?.gauge('slipway_alert', 'Alerts that stand, by kind and rollout; 0 when they are over.');
    this.#silenced = metrics?.gauge(
      'slipway_alerts_silenced',
      'Alerts that stand and that a silence keeps from people.',
    );
    this.#raised = metrics?.counter('slipway_alerts_total', 'Alerts raised, by kind and rollout.');
    this.#lost = metrics?.gauge('slipway_notices_lost', 'Notices that a target never got, by target.');
    this.#off = metrics?.gauge(
      'slipway_devices_off_declared',
      'Devices that run something else than the directive declares, by rollout.',
    );
  }

  countRaised({ kind, rollout }: Alert): void {
    this.#raised?.add({ kind, rollout: rollout ?? '' });
  }

  showLost(target: string, count: number): void {
    this.#lost?.set(count, { target });
  }

  showAlerts(records: readonly AlertRecord[]): void {
    const standing = new Set<string>();
    for (const { kind, rollout: name, raisedAtMs } of records) {
      const labels = { kind, rollout: name ?? '' };
      const key = alertKeyOf({ ...labels, kind, subject: '' });
      if (raisedAtMs !== null) standing.add(key);
      if (raisedAtMs !== null) this.#shown.set(key, labels);
    }
    this.#silenced?.set(records.filter(({ silenced }) => silenced !== undefined).length);
    for (const [key, labels] of this.#shown) {
      this.#alert?.set(standing.has(key) ? 1 : 0, labels);
      if (!standing.has(key)) this.#shown.delete(key);
    }
  }

  showOffDeclared(counts: readonly OffDeclared[]): void {
    for (const rollout of this.#offShown) this.#off?.set(0, { rollout });
    this.#offShown.clear();
    for (const { rollout, count } of counts) {
      this.#off?.set(count, { rollout });
      this.#offShown.add(rollout);
    }
  }
}
