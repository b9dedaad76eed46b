// Owns asking a running service for the state of its rollouts.
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { FleetTraffic } from '../measurement/fleet-traffic.ts';
import type { ServiceView } from '../reconcile/service-view.ts';
import { unknownRollout } from '../requests/find-rollout.ts';
import type { Outlook } from '../rollout/outlook.ts';
import { accessTo, askService, unreachable } from './ask-service.ts';

const MOST_BYTES = 32 * 1024 * 1024;
const FROM_GIT = 'Without --server, the state is read from Git.';

export interface LiveView {
  readonly service: Omit<ServiceView, 'outlooks'>;
  readonly rollouts: readonly Outlook[];
  /** Only when one rollout was asked for. */
  readonly traffic?: FleetTraffic;
}

export interface LiveQuestion {
  readonly server: string;
  readonly insecureHttp?: boolean | undefined;
  /** One rollout; all when it is undefined. */
  readonly rollout: string | undefined;
}

function isLiveView(value: unknown): value is LiveView {
  const view = value as Partial<LiveView> | null;
  return Array.isArray(view?.rollouts) && typeof view.service?.source?.kind === 'string';
}

/** Throws what `askService` throws, and ROLLOUT_UNKNOWN with the names that there are. */
export async function readLiveView(question: LiveQuestion): Promise<LiveView> {
  const { server, rollout, insecureHttp } = question;
  const path = rollout === undefined ? '/v1/outlooks' : `/v1/outlooks/${encodeURIComponent(rollout)}`;
  const asked = { method: 'GET', path, mostBytes: MOST_BYTES, otherwise: FROM_GIT } as const;
  try {
    const view = await askService(asked, accessTo(server, insecureHttp), new SystemClock());
    if (isLiveView(view)) return view;
  } catch (error) {
    if (rollout === undefined || !(error instanceof CodedError) || error.code !== 'ROLLOUT_UNKNOWN') throw error;
    const all = await readLiveView({ ...question, rollout: undefined });
    throw unknownRollout(
      rollout,
      all.rollouts.map((one) => one.rollout),
    );
  }
  throw unreachable(server, 'its answer is another one', FROM_GIT);
}
