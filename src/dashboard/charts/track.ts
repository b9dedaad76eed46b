// Owns the track of stages: what is passed, how far the present one is, where soak and deadline stand, and groups apart; large and small.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { drawable } from './plot.ts';

export interface TrackStage {
  readonly name: string;
  readonly state: 'passed' | 'current' | 'waits' | 'reverted' | 'next';
  readonly soakMs: number | null;
  readonly elapsedMs: number | null;
  readonly deadlineMs: number | null;
  /** A group that stands apart; null for the rollout itself. */
  readonly strand: string | null;
}

const CLASSES = { passed: 'done', current: 'now', waits: 'wait', reverted: 'back', next: 'next' } as const;
/** Percent that two texts below a rail must stand apart. */
const APART = 34;

/** Percent of the time that the stage may take: to its deadline, else to the end of its soak. */
function share(ms: number | null, stage: TrackStage): number | null {
  const [part, whole] = [drawable(ms), drawable(stage.deadlineMs) ?? drawable(stage.soakMs)];
  if (part === null || whole === null || whole <= 0) return null;
  return Math.max(0, Math.min(100, Math.round((1000 * part) / whole) / 10));
}

function Bar({
  stage,
  height,
  isApart,
}: {
  readonly stage: TrackStage;
  readonly height: number;
  readonly isApart: boolean;
}): VNode {
  const done = stage.state === 'current' ? share(stage.elapsedMs, stage) : null;
  return html`<rect class=${`rail ${CLASSES[stage.state]}`} x="0" y="0" width="100%" height=${height} rx="2" />
    ${done !== null && html`<rect class="gone" x="0" y="0" width=${`${done}%`} height=${height} rx="2" />`}
    ${isApart && html`<line class="strand" x1="0" x2="100%" y1=${height - 1} y2=${height - 1} />`}`;
}

/** The bar of one stage, with ticks where it is the present one. */
export function StageRail({ stage, isApart }: { readonly stage: TrackStage; readonly isApart: boolean }): VNode {
  if (stage.state !== 'current')
    return html`<svg class="track-rail" width="100%" height="8" aria-hidden="true">${Bar({ stage, height: 8, isApart })}</svg>`;
  const ticks = [
    { at: share(stage.soakMs, stage), text: 'soak over' },
    { at: share(stage.elapsedMs, stage), text: 'now' },
    { at: stage.deadlineMs === null ? null : 100, text: 'deadline' },
  ].flatMap(({ at, text }) => (at === null ? [] : [{ at, text }]));
  ticks.sort((a, b) => a.at - b.at);
  const told = ticks.filter(({ at }, i) => i === ticks.length - 1 || (ticks[i + 1]?.at ?? 0) - at >= APART / 2);
  return html`<svg class="track-rail" width="100%" height="30" aria-hidden="true">${Bar({ stage, height: 8, isApart })}
    ${ticks.map(({ at }) => html`<line class="at" x1=${`${at}%`} x2=${`${at}%`} y1="-2" y2="13" />`)}
    ${told.map(({ at, text }) => html`<text x=${`${at}%`} y="26" text-anchor=${at > 100 - APART ? 'end' : 'start'}>${text}</text>`)}
  </svg>`;
}

/** The stages of the rollout itself as one thin bar; `name` tells the same in words. */
export function MiniTrack({ name, stages }: { readonly name: string; readonly stages: readonly TrackStage[] }): VNode {
  const own = stages.filter(({ strand }) => strand === null);
  const apart = new Set(stages.filter(({ strand }) => strand !== null).map((stage) => stage.name));
  const width = 100 / Math.max(1, own.length);
  return html`<svg class="mini-track" width="100%" height="8" role="img" aria-label=${name}>
    ${own.map((stage, i) => html`<svg x=${`${i * width}%`} width=${`${width - 2}%`} height="8">${Bar({ stage, height: 8, isApart: apart.has(stage.name) })}</svg>`)}
  </svg>`;
}
