// Proves that labels in a directive which the reconciler did not sign change nothing on a device.
import { expect, test } from 'vitest';
import { settleLabels } from '../../fleet-agent/src/settle-labels.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { bindLabels, type Labels } from '../../src/contract/bound-labels.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { makeKey } from '../support/trust.ts';

const own = makeKey();
const keys = reconcilerKeysOf([{ key: own.publicKey }]);
const signer = createReconcilerSigner(own.key);

class Device {
  held: Labels = {};
  #documented: Labels = {};
  readonly memory: { labels: Labels | undefined; noteLabels: (labels: Labels) => void; nowMs: () => number };

  constructor(labels?: Labels) {
    this.memory = { labels, noteLabels: (noted) => (this.memory.labels = noted), nowMs: () => 0 };
  }

  take(directive: Directive): void {
    const self = {
      takeDocumentedLabels: (labels: Labels) => (this.#documented = labels),
      labels: () => ({ site: 'a', ...this.#documented }),
      facts: () => ({ id: 'dev-1', labels: this.held, properties: {} }),
      holdLabels: (labels: Labels) => (this.held = labels),
    };
    settleLabels(directive, { id: 'dev-1', self, memory: this.memory, updaters: [], keys, logger: silentLogger });
  }
}

const directiveWith = (labels: Labels): Directive => ({
  kind: 'Directive',
  entries: [],
  bound: bindLabels(new Map([['dev-1', labels]])),
});

test('labels that the publication alone binds, or takes away, change nothing, before and after a restart', () => {
  const device = new Device();
  device.take(signer.signLabels(directiveWith({ customer: 'acme' })));
  expect(device.held).toEqual({ site: 'a', customer: 'acme' });
  for (const forged of [directiveWith({ customer: 'globex' }), { kind: 'Directive', entries: [] } as const]) {
    device.take(forged);
    expect(device.held).toEqual({ site: 'a', customer: 'acme' });
    const restarted = new Device(device.memory.labels);
    restarted.take(forged);
    expect(restarted.held).toEqual({ site: 'a', customer: 'acme' });
  }
  device.take(signer.signLabels({ kind: 'Directive', entries: [] }));
  expect(device.held).toEqual({ site: 'a' });
});
