// Owns how rollouts stand, as a table for people.
import type { Outlook } from '../rollout/outlook.ts';
import { table } from './output.ts';

export function statusTable(outlooks: readonly Outlook[]): string {
  const header = ['ROLLOUT', 'MODEL', 'STAGE'];
  return table(
    header,
    outlooks.map((one) => [one.rollout, one.model, one.stage ?? '–']),
  );
}
