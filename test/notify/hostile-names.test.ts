// Proves that what others wrote can neither mention, link, format, forge a header nor end a line in what people are sent.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adaptiveCardOf } from '../../src/notify/adaptive-card.ts';
import type { AlertNotice, Notice } from '../../src/notify/notice.ts';
import { digestOfNotices, plainMessageOf } from '../../src/notify/plain-message.ts';
import { slackMessageOf } from '../../src/notify/slack-message.ts';
import { mailOf } from '../../src/notify/smtp-target.ts';

function alert(over: Partial<AlertNotice>): Notice {
  const content: AlertNotice = {
    ...{ kind: 'alert', is: 'raised', alert: 'a1', alertKind: 'reverted', rollout: 'eu', reason: 'Reverted' },
    ...{ message: '1.4.0 was reverted', sinceMs: 0, numbers: {}, runbook: 'https://slipway.dev/x.md' },
    ...over,
  };
  return { format: 1, id: 'n1', atMs: 0, content };
}

const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '<!channel> <https://evil.example|here> *b* `c` &lt;',
    '[click](https://evil.example) **b** <script>alert(1)</script>',
    'a\r\nBcc: everyone@example.com\r\n\r\nbody',
    '\u202egnp.exe \u2028 \u0007 ‮',
    '"><img src=x onerror=alert(1)>',
    '\ud800',
  ),
);

/** All strings below a value, by the key that holds them. */
function stringsIn(value: unknown, key = ''): [string, string][] {
  if (typeof value === 'string') return [[key, value]];
  if (Array.isArray(value)) return value.flatMap((one) => stringsIn(one, key));
  return typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, one]) => stringsIn(one, name))
    : [];
}

describe('a hostile name', () => {
  test('stays plain text on one line for Slack, Teams and mail, alone and in a digest', () => {
    fc.assert(
      fc.property(HOSTILE, HOSTILE, HOSTILE, (rollout, message, runbook) => {
        const notice = alert({ rollout, message, runbook, numbers: { rule: message }, commit: message });
        for (const said of [plainMessageOf(notice), digestOfNotices([notice, notice, notice])]) {
          expect(said.title).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          expect(said.title.length).toBeLessThanOrEqual(140);
          for (const line of said.lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
          for (const [, url] of said.links) expect(url).toMatch(/^https?:\/\/[!-~]+$/);
          const slack = slackMessageOf(said) as { text: string; blocks: unknown[] };
          expect(slack.text).not.toMatch(/[<>]/);
          const marked = JSON.stringify(slack.blocks.filter((one) => JSON.stringify(one).includes('"mrkdwn"')));
          for (const [, text] of stringsIn(JSON.parse(marked)).filter(
            ([key, text]) => key === 'text' && text.includes('<'),
          ))
            expect(text).toMatch(
              /^<https?:\/\/[^<>|\s]+\|(?:Runbook|Rollout)>(?: · <https?:\/\/[^<>|\s]+\|(?:Runbook|Rollout)>)*$/,
            );
          // A text run is no Markdown; nothing else holds text.
          expect(JSON.stringify(adaptiveCardOf(said))).not.toContain('"TextBlock"');
          const { text, html } = mailOf(said);
          expect(html.replaceAll(/<\/?(?:p|strong|div|a(?: href="[^"<>]*")?)>/g, '')).not.toMatch(/[<>]/);
          expect(text).not.toMatch(/[^\n\P{Cc}]/u);
        }
      }),
    );
  });

  test('that is no address of the web is no link', () => {
    for (const runbook of ['javascript:alert(1)', 'file:///etc/passwd', 'data:text/html,x', 'wiki'])
      expect(plainMessageOf(alert({ runbook })).links).toEqual([]);
  });

  test('of addresses, however long, only as many go to Slack as it takes, and the message goes', () => {
    const notices = [1, 2, 3, 4].map((i) =>
      alert({ runbook: `https://wiki.example.com/${i}?${'a&'.repeat(200 * i)}` }),
    );
    const { blocks } = slackMessageOf(digestOfNotices(notices)) as { blocks: { elements?: { text: string }[] }[] };
    const [links] = blocks.flatMap(({ elements = [] }) => elements);
    expect(links?.text).toMatch(/^<https:[^ ]*\|Runbook>$/);
    expect(links?.text.length).toBeLessThanOrEqual(3_000);
  });
});
