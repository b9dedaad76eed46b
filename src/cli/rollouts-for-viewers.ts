// Owns what viewers are answered: the service's view as plain JSON.
import { type CodedError, formatError } from '../base/errors.ts';
import type { JsonValue } from '../contract/digest.ts';
import type { FleetTraffic } from '../measurement/fleet-traffic.ts';
import type { ServiceView } from '../reconcile/service-view.ts';
import { explainOutlook } from '../wording/explanation.ts';

export interface ViewersFacts {
  readonly view: ServiceView;
  /** Why files as they lie there are not in force. */
  readonly homeProblems: readonly CodedError[];
  /** What the devices of one rollout do. */
  readonly traffic: (rollout: string, target: string) => Promise<FleetTraffic>;
}

/** All rollouts with the state of the source; or one of them, explained and with its traffic; undefined when there is none of the name. */
export async function rolloutsForViewers(
  { view, homeProblems, traffic }: ViewersFacts,
  name?: string,
): Promise<JsonValue | undefined> {
  const { outlooks, ...service } = view;
  const chosen = name === undefined ? outlooks : outlooks.filter((outlook) => outlook.rollout === name);
  if (name !== undefined && chosen.length === 0) return undefined;
  const ownProblems = homeProblems.map(formatError);
  const problems = [...ownProblems, ...service.problems];
  const answer = { service: { ...service, problems }, rollouts: chosen };
  const [asked] = name === undefined ? [] : chosen;
  const more =
    asked === undefined
      ? {}
      : { explanation: explainOutlook(asked), traffic: await traffic(asked.rollout, asked.target) };
  return JSON.parse(JSON.stringify({ ...answer, ...more })) as JsonValue;
}
