// Owns what viewers are answered: the service's view as plain JSON.
import { type CodedError, formatError } from '../base/errors.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { ServiceView } from '../reconcile/service-view.ts';

export interface ViewersFacts {
  readonly view: ServiceView;
  /** Why the trust policy as it lies on disk is not the one in force; null when it is. */
  readonly trustProblem: CodedError | null;
}

/** All rollouts with the state of the source; or one of them; undefined when there is none of the name. */
export async function rolloutsForViewers(
  { view, trustProblem }: ViewersFacts,
  name?: string,
): Promise<JsonValue | undefined> {
  const { outlooks, ...service } = view;
  const chosen = name === undefined ? outlooks : outlooks.filter((outlook) => outlook.rollout === name);
  if (name !== undefined && chosen.length === 0) return undefined;
  const problems = trustProblem === null ? service.problems : [formatError(trustProblem), ...service.problems];
  return JSON.parse(JSON.stringify({ service: { ...service, problems }, rollouts: chosen })) as JsonValue;
}
