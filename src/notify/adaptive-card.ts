// Owns the form of a message for Teams: an adaptive card, in whose text runs nothing is Markdown.
import type { PlainMessage } from './plain-message.ts';

/** A `TextBlock` reads Markdown, a `TextRun` does not. */
function runs(...texts: readonly (readonly [text: string, isBold?: boolean])[]): object {
  const inlines = texts.map(([text, isBold = false]) => ({
    type: 'TextRun',
    text,
    ...(isBold ? { weight: 'Bolder' } : {}),
  }));
  return { type: 'RichTextBlock', inlines };
}

export function adaptiveCardOf({ title, lines, facts, links }: PlainMessage): object {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      runs([title, true]),
      ...lines.map((line) => runs([line])),
      ...facts.map(([label, value]) => runs([`${label}: `, true], [value])),
    ],
    actions: links.map(([label, url]) => ({ type: 'Action.OpenUrl', title: label, url })),
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}
