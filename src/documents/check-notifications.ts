// Owns what the list of targets must mean beyond its schema: unique names, addresses without secrets, and tokens that stay secret.
import { parseDurationMs } from '../contract/duration.ts';
import { findRepeats, findTextProblem, type Problem } from '../contract/source/problem.ts';
import { checkEndpoint } from './check-endpoint.ts';
import type { Notifications } from './types.generated.ts';

export function checkNotifications({ spec }: Notifications): Problem[] {
  const { webhooks = [], github = [], offDeclaredAfter } = spec;
  const inAfter =
    offDeclaredAfter && findTextProblem(['spec', 'offDeclaredAfter'], () => parseDurationMs(offDeclaredAfter));
  const targets = [
    ...webhooks.map((target, index) => ({
      ...{ target, path: ['spec', 'webhooks', index], hasSecret: target.bearerTokenFile !== undefined },
    })),
    ...github.map((target, index) => ({ target, path: ['spec', 'github', index], hasSecret: true })),
  ];
  return [
    ...(inAfter ? [inAfter] : []),
    ...targets.flatMap(({ target, path, hasSecret }) =>
      checkEndpoint(target, path, { area: 'NOTIFY', hasSecret, mayQuery: true }),
    ),
    ...findRepeats(targets, ({ target }) => target.name).map(({ target, path }) => ({
      ...{ code: 'NOTIFY_NAME', path: [...path, 'name'] },
      message: `Two targets are named "${target.name}".`,
      remedy: 'Give each target a unique name.',
    })),
  ];
}
