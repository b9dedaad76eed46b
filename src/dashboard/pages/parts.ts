// Owns small parts that pages share: text of others, commands, commits, cards.
import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { formatAmount, formatCount } from '../../wording/amounts.ts';
import { drawable } from '../charts/plot.ts';
import { NOT_KNOWN } from '../charts/time-text.ts';
import type { VersionRef } from '../read-model/types.generated.ts';

const MOST_NAME = 120;
const MOST_TEXT = 1_000;

/** A name that others gave: kept apart from the text around it, and as long as a line can bear. */
export function Name({ text, most = MOST_NAME }: { readonly text: string; readonly most?: number }): VNode {
  return text.length > most
    ? html`<bdi title=${clipped(text, MOST_TEXT)}>${clipped(text, most)}</bdi>`
    : html`<bdi>${text}</bdi>`;
}

/** Sentences that others had a part in. What stands in backticks is a command. */
export function Prose({ text }: { readonly text: string }): VNode {
  const parts = clipped(text, MOST_TEXT).split(/`([^`\n]+)`/);
  return html`<bdi>${parts.map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}</bdi>`;
}

/** Null for what is not known. */
export function amountText(value: number | null | undefined, unit: string): string | null {
  const known = drawable(value);
  return known === null ? null : formatAmount(known, unit);
}

export function countText(value: number | null | undefined): string {
  const known = drawable(value);
  return known === null ? NOT_KNOWN : formatCount(known);
}

/** The value alone, where its bounds are drawn beside it. */
export function seenText({ valueText }: { readonly valueText: string }): string {
  return valueText.replace(/ \([^()]{1,60}\)$/, '');
}

export function Command({ line }: { readonly line: string }): VNode {
  return html`<div class="cli"><span dir="ltr">${clipped(line, 2 * MOST_TEXT)}</span></div>`;
}

export function Commit({ id }: { readonly id: string | null }): VNode {
  return html`<code>${id === null ? 'no commit' : id.slice(0, 7)}</code>`;
}

export function versionText(version: VersionRef | null): string {
  if (version === null) return 'nothing';
  const parameters = version.parameters ?? [];
  return parameters.length === 0
    ? version.version
    : `${version.version} with ${parameters.map(({ name, to }) => `${name}=${to}`).join(', ')}`;
}

export interface CardProps {
  readonly id: string;
  readonly title: ComponentChildren;
  readonly end?: ComponentChildren;
  readonly isLong?: boolean;
  readonly children?: ComponentChildren;
}

export function Card({ id, title, end, isLong = false, children }: CardProps): VNode {
  return html`<section class=${isLong ? 'card long' : 'card'} id=${id} aria-labelledby=${`h-${id}`}>
    <header><h2 id=${`h-${id}`}>${title}</h2>${end !== undefined && html`<div class="end">${end}</div>`}</header>${children}
  </section>`;
}

/** A table that is wider than a phone. */
export function Scroll({ label, children }: { readonly label: string; readonly children?: ComponentChildren }): VNode {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}>${children}</div>`;
}
