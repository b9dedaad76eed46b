// Owns under which labels the device takes a directive: its present ones, unless it has yet to leave what it got under those of before.

import type { Logger } from '../../src/base/logger.ts';
import { boundLabelsOf } from '../../src/contract/bound-labels.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { type Followed, mustKeepLabels } from '../../src/contract/label-change.ts';
import { labelsBackingOf } from '../../src/contract/step-signature.ts';
import type { ReconcilerKeys } from '../../src/contract/trust/keys.ts';
import type { FactSource } from './fact-source.ts';
import type { DeviceMemory } from './record/device-memory.ts';
import { activeContent, type ModelRecord } from './record/model-record.ts';

interface SettlingParts {
  readonly id: string;
  readonly self: Pick<FactSource, 'takeDocumentedLabels' | 'labels' | 'facts' | 'holdLabels'>;
  readonly memory: Pick<DeviceMemory, 'labels' | 'noteLabels' | 'nowMs'>;
  readonly updaters: readonly { readonly record: ModelRecord }[];
  /** The reconciler's own; labels that none of them signed change nothing. */
  readonly keys: ReconcilerKeys;
  readonly logger: Logger;
}

/** Before the directive is taken; the labels are written with what is accepted of it. */
export function settleLabels(directive: Directive, parts: SettlingParts): void {
  const { id, self, memory, updaters, keys, logger } = parts;
  const isBacked = labelsBackingOf(directive, keys, memory.nowMs()) !== 'unsigned';
  if (isBacked) self.takeDocumentedLabels(boundLabelsOf(directive.bound ?? [], id));
  else logger.warn('labels ignored: the reconciler did not sign them');
  const present = self.labels();
  const { labels = present } = memory;
  const wanted = isBacked ? present : labels;
  const followed = updaters.flatMap(({ record }): Followed[] => {
    const content = activeContent(record);
    const entry = directive.entries.find((one) => one.rollout === content?.rollout && one.model === record.model);
    const failed = record.phase.kind === 'failed' ? record.phase.digest : null;
    return content === null || entry === undefined ? [] : [{ entry, running: content.digest, failed }];
  });
  const settled = mustKeepLabels({ ...self.facts(), labels }, followed) ? labels : wanted;
  self.holdLabels(settled);
  memory.noteLabels(settled);
}
