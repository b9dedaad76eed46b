// Owns the routes about the service itself: health, readiness, metrics, and the Git host's webhook.
import type { Clock } from '../../base/clock.ts';
import { toCodedError } from '../../base/errors.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Answer, Route } from './route.ts';

/** How long an answer of `/readyz` is given again, so that strangers can't make the store write. */
const READY_MS = 1_000;

export interface ServiceRouteParts {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Has the first cycle been done? */
  readonly isReady: () => boolean;
  /** Throws when the store can't be written now. */
  readonly probe: () => Promise<void>;
  /** A genuine webhook came: look at the repository now. */
  readonly onHook: () => void;
}

export function serviceRoutes({ clock, metrics, isReady, probe, onHook }: ServiceRouteParts): Route[] {
  let problem: Promise<string | null> | undefined;
  let probedAtMs = 0;
  const storeProblem = (): Promise<string | null> => {
    const nowMs = clock.monotonicMs();
    if (problem !== undefined && nowMs - probedAtMs < READY_MS) return problem;
    probedAtMs = nowMs;
    problem = probe().then(
      () => null,
      (error: unknown) => toCodedError(error).code,
    );
    return problem;
  };
  return [
    {
      ...{ name: 'health', method: 'GET', path: '/healthz', scope: 'anyone', request: null, response: 'Health' },
      summary: 'Does the process live?',
      handle: () => ({ kind: 'json', value: { status: 'alive' } }),
    },
    {
      ...{ name: 'ready', method: 'GET', path: '/readyz', scope: 'anyone', request: null, response: 'Readiness' },
      summary: 'Has the service looked at the repository, and can it write its store?',
      handle: async (): Promise<Answer> => {
        if (!isReady()) return { kind: 'json', status: 503, value: { status: 'starting' } };
        const code = await storeProblem();
        if (code === null) return { kind: 'json', value: { status: 'ready' } };
        return { kind: 'json', status: 503, value: { status: 'store', code } };
      },
    },
    {
      ...{ name: 'metrics', method: 'GET', path: '/metrics', scope: 'view', request: null, response: 'text' },
      summary: 'Metrics in the text format of Prometheus.',
      handle: () => ({ kind: 'text', text: metrics.write() }),
    },
    {
      ...{ name: 'hook', method: 'POST', path: '/v1/hooks/git', scope: 'git-host', response: 'nothing' },
      summary: 'Takes a webhook of the Git host: the repository is looked at soon.',
      // A push of many commits is described at length.
      request: { kind: 'hashed', schema: 'any', mostBytes: 26_214_400 },
      handle: () => {
        onHook();
        return { kind: 'empty', status: 202 };
      },
    },
  ];
}
