// Owns what the list of targets must mean beyond its schema: unique names, addresses without secrets, and tokens that stay secret.
import { isLoopbackHost } from '../base/loopback.ts';
import { parseDurationMs } from '../contract/duration.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findRepeats, findTextProblem, type Problem } from '../contract/source/problem.ts';
import { checkEndpoint } from './check-endpoint.ts';
import type { MailServer, Notifications } from './types.generated.ts';

export function checkNotifications({ spec }: Notifications): Problem[] {
  const { webhooks = [], github = [], alertmanager = [], commitStatus = [], offDeclaredAfter } = spec;
  const { slack = [], teams = [], smtp = [] } = spec;
  const inAfter =
    offDeclaredAfter && findTextProblem(['spec', 'offDeclaredAfter'], () => parseDurationMs(offDeclaredAfter));
  const targets = [
    ...webhooks.map((target, index) => ({
      ...{ target, path: ['spec', 'webhooks', index], hasSecret: target.bearerTokenFile !== undefined },
    })),
    ...github.map((target, index) => ({ target, path: ['spec', 'github', index], hasSecret: true })),
    ...alertmanager.map((target, index) => ({
      ...{ target, path: ['spec', 'alertmanager', index], hasSecret: target.bearerTokenFile !== undefined },
    })),
    ...commitStatus.map((target, index) => ({ target, path: ['spec', 'commitStatus', index], hasSecret: true })),
    // Their addresses are no part of the document, or none at all.
    ...slack.map((target, index) => ({ target, path: ['spec', 'slack', index], hasSecret: true })),
    ...teams.map((target, index) => ({ target, path: ['spec', 'teams', index], hasSecret: true })),
    ...smtp.map((target, index) => ({ target, path: ['spec', 'smtp', index], hasSecret: true })),
  ];
  return [
    ...(inAfter ? [inAfter] : []),
    ...targets.flatMap(({ target, path, hasSecret }) =>
      checkEndpoint(target, path, { area: 'NOTIFY', hasSecret, mayQuery: true }),
    ),
    ...smtp.flatMap((server, index) => checkMailServer(server, ['spec', 'smtp', index])),
    ...findRepeats(targets, ({ target }) => target.name).map(({ target, path }) => ({
      ...{ code: 'NOTIFY_NAME', path: [...path, 'name'] },
      message: `Two targets are named "${target.name}".`,
      remedy: 'Give each target a unique name.',
    })),
  ];
}

/** A password goes nowhere that anybody listens; a user without one is a slip. */
function checkMailServer({ host, tls, user, passwordFile }: MailServer, path: FieldPath): Problem[] {
  const code = 'NOTIFY_MAIL';
  if ((user === undefined) !== (passwordFile === undefined)) {
    const message = '`user` and `passwordFile` go together.';
    return [{ code, path, message, remedy: 'Write both, or leave out both.' }];
  }
  if (tls !== 'none' || user === undefined || isLoopbackHost(host)) return [];
  const message = `The password for "${host}" would go over an open connection.`;
  return [{ code, path: [...path, 'tls'], message, remedy: 'Write `tls: starttls` or `tls: implicit`.' }];
}
