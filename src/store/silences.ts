// Owns how a store keeps silences: all of them as one named value, since there are few.
import type { JsonValue } from '../contract/digest.ts';
import type { Silence } from '../rollout/silences.ts';
import type { NamedValues } from './reconciler-state.ts';

const NAME = 'silences';

export async function readSilences(store: Pick<NamedValues, 'readValue'>): Promise<readonly Silence[]> {
  const value = await store.readValue(NAME);
  return Array.isArray(value) ? (value as unknown as readonly Silence[]) : [];
}

export async function writeSilences(store: Pick<NamedValues, 'putValue'>, silences: readonly Silence[]): Promise<void> {
  await store.putValue(NAME, JSON.parse(JSON.stringify(silences)) as JsonValue);
}
