// Owns why a device is in its arm: its bucket against the cut, as a picture, in words, and as a command that works it out again.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { DeviceModel } from '../read-model/types.generated.ts';

function four(share: number): string {
  return share.toFixed(4);
}

export function CohortCard({ model, device }: { readonly model: DeviceModel; readonly device: string }): VNode {
  const { bucket, cut, arm, why } = model;
  const isKnown = bucket !== null && cut !== null && Number.isFinite(bucket) && Number.isFinite(cut);
  return html`<section class="card" aria-labelledby="h-why"><header><h2 id="h-why">${arm === 'candidate' ? 'Why it has the candidate' : 'Why it has no candidate'} of <bdi>${model.model}</bdi></h2></header><div class="body">
    <p><bdi class="clamp">${why}</bdi></p>
    ${isKnown && html`<${BucketStrip} bucket=${bucket} cut=${cut} device=${device} />`}
  </div></section>`;
}

function BucketStrip({
  bucket,
  cut,
  device,
}: {
  readonly bucket: number;
  readonly cut: number;
  readonly device: string;
}): VNode {
  // A cut of 1% would be a hair: the picture ends where both are well in it.
  const end = Math.min(1, Math.max(2.5 * cut, 1.2 * bucket, 0.02));
  const percentOf = (share: number): number => Math.max(0, Math.min(100, Math.round((1000 * share) / end) / 10));
  const at = (share: number): string => `${percentOf(share)}%`;
  const [is, anchor] = [bucket < cut ? 'below' : 'not below', bucket / end > 0.5 ? 'end' : 'start'];
  return html`<svg class="c cohort" width="100%" height="64" role="img" aria-label=${`The bucket ${four(bucket)} of ${device} is ${is} the cut ${four(cut)}.`}>
    <rect class="in" x="0" y="22" width=${at(cut)} height="14" rx="2" /><rect class="outside" x=${at(cut)} y="22" width=${`${100 - percentOf(cut)}%`} height="14" rx="2" />
    <line class="cut" x1=${at(cut)} x2=${at(cut)} y1="16" y2="42" />
    <circle class="pt" cx=${at(bucket)} cy="29" r="6" /><text class="tb" x=${at(bucket)} y="12" text-anchor=${anchor}>bucket ${four(bucket)}</text>
    <text class="tx" x=${at(cut)} y="54" text-anchor=${cut / end > 0.8 ? 'end' : 'start'}>cut ${four(cut)}</text>
    <text x="100%" y="54" text-anchor="end">${end === 1 ? '1' : `shown up to ${four(end)} of 1`}</text>
  </svg>`;
}
