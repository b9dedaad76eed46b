// Owns under which labels the device takes a directive: its present ones, unless it has yet to leave what it got under those of before.
import { boundLabelsOf } from '../../src/contract/bound-labels.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { type Followed, mustKeepLabels } from '../../src/contract/label-change.ts';
import type { FactSource } from './fact-source.ts';
import type { DeviceMemory } from './record/device-memory.ts';
import { activeContent, type ModelRecord } from './record/model-record.ts';

interface SettlingParts {
  readonly id: string;
  readonly self: FactSource;
  readonly memory: DeviceMemory;
  readonly updaters: readonly { readonly record: ModelRecord }[];
}

/** Before the directive is taken; the labels are written with what is accepted of it. */
export function settleLabels({ entries, bound = [] }: Directive, { id, self, memory, updaters }: SettlingParts): void {
  self.takeDocumentedLabels(boundLabelsOf(bound, id));
  const wanted = self.labels();
  const { labels = wanted } = memory;
  const followed = updaters.flatMap(({ record }): Followed[] => {
    const content = activeContent(record);
    const entry = entries.find((one) => one.rollout === content?.rollout && one.model === record.model);
    const failed = record.phase.kind === 'failed' ? record.phase.digest : null;
    return content === null || entry === undefined ? [] : [{ entry, running: content.digest, failed }];
  });
  const settled = mustKeepLabels({ ...self.facts(), labels }, followed) ? labels : wanted;
  self.holdLabels(settled);
  memory.noteLabels(settled);
}
