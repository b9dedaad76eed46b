// Owns what viewers are answered: the service's view as plain JSON.
import type { JsonValue } from '../contract/digest.ts';
import type { ServiceView } from '../reconcile/service-view.ts';

/** All rollouts with the state of the source; or one of them; undefined when there is none of the name. */
export async function rolloutsForViewers(view: ServiceView, name?: string): Promise<JsonValue | undefined> {
  const { outlooks, ...service } = view;
  const chosen = name === undefined ? outlooks : outlooks.filter((outlook) => outlook.rollout === name);
  if (name !== undefined && chosen.length === 0) return undefined;
  return JSON.parse(JSON.stringify({ service, rollouts: chosen })) as JsonValue;
}
