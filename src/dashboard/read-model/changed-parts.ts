// Owns which parts of the screen a cycle changed, so that pages read again what they show and nothing else.
import type { CycleFacts } from './cycle-facts.ts';

interface Looked {
  readonly cycle: CycleFacts;
  readonly rows: ReadonlyMap<string, object>;
}

/** Beyond this number of rollouts, `rollouts` stands for all of them. */
const MOST_NAMED = 50;

function ofService({ alerts, problems, trouble, source, publishedSequence }: CycleFacts): string {
  return JSON.stringify([
    alerts.map(({ id, goneSinceMs }) => [id, goneSinceMs]),
    problems,
    trouble,
    source.kind,
    publishedSequence,
  ]);
}

export function changedParts(before: Looked, now: Looked): string[] {
  const changed = [...now.rows].flatMap(([name, row]) => (before.rows.get(name) === row ? [] : [name]));
  const gone = [...before.rows.keys()].filter((name) => !now.rows.has(name));
  const rollouts = [...changed, ...gone];
  const isOther = rollouts.length > 0 || ofService(before.cycle) !== ofService(now.cycle);
  const named = rollouts.length > MOST_NAMED ? ['rollouts'] : rollouts.map((name) => `rollout:${name}`);
  return [...(isOther ? ['overview'] : []), ...named];
}
