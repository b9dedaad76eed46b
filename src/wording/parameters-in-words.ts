// Owns how parameters are shown beside the version that they come with: `threshold 0.7 → 0.8`.

import { clipped, oneLine } from '../base/plain-text.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { Parametrised } from '../rollout/outlook.ts';

const MOST_SHOWN = 3;
const MOST_VALUE = 40;

function valueInWords(value: JsonValue): string {
  return clipped(oneLine(typeof value === 'string' ? value : JSON.stringify(value)), MOST_VALUE);
}

/** Empty when no parameter changes. */
function changesInWords({ parameters = [] }: Parametrised): string {
  const shown = parameters.slice(0, MOST_SHOWN).map(({ name, from, to }) => {
    if (to === null) return `${oneLine(name)} ${valueInWords(from)} → default`;
    return `${oneLine(name)} ${from === null ? '' : `${valueInWords(from)} → `}${valueInWords(to)}`;
  });
  const more = parameters.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** `1.1.0 (threshold 0.7 → 0.8)`; the version alone when it keeps the parameters of stable. */
export function versionInWords(version: string, changed: Parametrised): string {
  const changes = changesInWords(changed);
  return changes === '' ? oneLine(version) : `${oneLine(version)} (${changes})`;
}
