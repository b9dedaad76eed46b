// Owns the form of a message for Slack: blocks, in which text that others wrote can neither link, mention nor format.
import type { PlainMessage } from './plain-message.ts';

/** As Slack's limits for a header, the text of a section, and its fields. */
const MOST = { header: 150, text: 2_900, field: 1_900, fields: 10 } as const;

/** The three characters that control mrkdwn; nothing else can link or mention. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function plain(text: string, most: number): object {
  return {
    type: 'plain_text',
    text: text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`,
    emoji: false,
  };
}

/** `|` would end the address. */
function linked([label, url]: PlainMessage['links'][number]): string {
  return `<${escapeMrkdwn(url).replaceAll('|', '%7C')}|${escapeMrkdwn(label)}>`;
}

/** As many as fit: of one that is too long Slack refuses the whole message. */
function textOfLinks(links: PlainMessage['links']): string {
  let text = '';
  for (const one of links.map(linked)) {
    const longer = text === '' ? one : `${text} · ${one}`;
    if (longer.length <= MOST.text) text = longer;
  }
  return text;
}

export function slackMessageOf({ title, lines, facts, links }: PlainMessage): object {
  const fields = facts.slice(0, MOST.fields).map(([label, value]) => plain(`${label}\n${value}`, MOST.field));
  const linksText = textOfLinks(links);
  return {
    // For notifications and old clients.
    text: escapeMrkdwn(title),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(title, MOST.header) },
      ...(lines.length === 0 ? [] : [{ type: 'section', text: plain(lines.join('\n'), MOST.text) }]),
      ...(fields.length === 0 ? [] : [{ type: 'section', fields }]),
      ...(linksText === '' ? [] : [{ type: 'context', elements: [{ type: 'mrkdwn', text: linksText }] }]),
    ],
  };
}
