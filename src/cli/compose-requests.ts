// Owns putting together the requests that the service commits for people: a mirror of their own, opened when it is first needed.
import type { RequestRouteParts } from '../dashboard/routes-requests.ts';
import { RateLimiter } from '../fleet-api/rate-limit.ts';
import { type IsomorphicGitRepository, openManifestsRepository } from '../git/isomorphic/isomorphic-git-repository.ts';
import { RequestDesk } from '../requests/request-desk.ts';
import { COMMITTER, type ComposeOrder } from './compose-service.ts';

/** One person at a screen; a program that steers has a rhythm too. */
const PER_PERSON = { perSecond: 0.5, burst: 30 };

export interface ComposedRequests extends AsyncDisposable {
  readonly parts: RequestRouteParts;
}

/**
 * Apart from the loop's mirror, whose last head tells whether the history was rewritten: a request that fetched would hide it. Commits are not
 * signed: the reconciler's signature says that the reconciler decided.
 */
export function composeRequests(
  { settings, clock, random, logger, instance = '' }: ComposeOrder,
  onPoke: () => void,
): ComposedRequests {
  let opened: Promise<IsomorphicGitRepository> | undefined;
  const open = async (): Promise<IsomorphicGitRepository> => {
    opened ??= openManifestsRepository({
      ...{ remote: settings.repository, branch: settings.branch, clock, logger, author: COMMITTER },
      folder: `${settings.home.mirror}${instance}-requests`,
      credentials: settings.credentials ?? undefined,
      insecureHttp: settings.insecureHttp,
      environment: settings.environment,
    });
    return opened.catch((thrown: unknown) => {
      opened = undefined;
      throw thrown;
    });
  };
  const perPerson = new RateLimiter(PER_PERSON);
  return {
    parts: {
      desk: new RequestDesk({ open, clock, random }),
      wait: (person) => perPerson.take(person, clock.monotonicMs()),
      onPoke,
      logger,
    },
    [Symbol.asyncDispose]: async () => {
      await (await opened?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}
