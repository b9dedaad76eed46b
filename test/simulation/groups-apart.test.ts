// A fault of one hardware revision under a policy that takes groups back alone: the others get the version, that revision never again.
import path from 'node:path';
import { expect, test } from 'vitest';
import { rehearse } from '../../src/simulation/rehearsal.ts';
import { rehearsalJson, rehearsalText } from '../../src/simulation/rehearsal-words.ts';
import { parsePolicy, scenarioPolicyText } from '../../src/simulation/scenario-policies.ts';
import { orderOf } from './rehearsed.ts';

test('hw-latency is told as in its golden text, and no device of the group kept or got the candidate afterwards', async () => {
  const text = scenarioPolicyText('hw-latency').replace(
    '{ name: ramp, size: 25%, soak: 1h, deadline: 4h }',
    '{ name: ramp, size: 25%, soak: 1h, deadline: 4h, onGroupFailure: rollback }',
  );
  const order = orderOf('hw-latency', { policy: parsePolicy('apart.yaml', Buffer.from(text)) });
  const rehearsal = await rehearse(order);
  await expect(`${rehearsalText(order, rehearsal)}\n`).toMatchFileSnapshot(
    path.join(import.meta.dirname, 'golden', 'hw-latency-apart.txt'),
  );
  expect(rehearsal).toMatchObject({ outcome: 'completed', groupsApart: ['hw:rev3'], breaches: [] });
  expect(rehearsalJson(order, rehearsal)).toMatchObject({ groupsApart: ['hw:rev3'], judgement: 'right' });
}, 300_000);
