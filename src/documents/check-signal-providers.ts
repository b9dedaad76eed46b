// Owns what the list of providers must mean beyond its schema: unique names, addresses without secrets, and secrets that stay secret.
import { findRepeats, type Problem } from '../contract/source/problem.ts';
import { checkEndpoint, checkTime, type TimeBounds } from './check-endpoint.ts';
import type { PrometheusProvider, SignalProviders, WebhookProvider } from './types.generated.ts';

/** A provider is asked by each rule of each rollout: more often would be an attack on it. */
const EVERY: TimeBounds = { leastMs: 100, mostMs: 86_400_000, remedy: 'Write at least 100ms and at most 1d.' };

export function checkSignalProviders({ spec }: SignalProviders): Problem[] {
  const { prometheus = [], webhooks = [] } = spec;
  return [...checkProviders(prometheus, 'prometheus'), ...checkProviders(webhooks, 'webhooks')];
}

function checkProviders(providers: readonly (PrometheusProvider | WebhookProvider)[], list: string): Problem[] {
  const places = providers.map((provider, index) => ({ provider, path: ['spec', list, index] }));
  const problems = places.flatMap(({ provider, path }): Problem[] => {
    const basicAuth = 'basicAuth' in provider ? provider.basicAuth : undefined;
    const secrets = [provider.bearerTokenFile, basicAuth].filter((secret) => secret !== undefined);
    const message = `"${provider.name}" has both \`bearerTokenFile\` and \`basicAuth\`.`;
    return [
      ...checkEndpoint(provider, path, { area: 'SIGNAL', hasSecret: secrets.length > 0, mayQuery: false }),
      ...checkTime(provider.every, EVERY, { code: 'SIGNAL_TIME', path: [...path, 'every'] }),
      ...(secrets.length > 1 ? [{ code: 'SIGNAL_CREDENTIALS', path, message, remedy: 'Keep one of them.' }] : []),
    ];
  });
  const repeats = findRepeats(places, ({ provider }) => provider.name).map(({ provider, path }) => ({
    ...{ code: 'SIGNAL_NAME', path: [...path, 'name'], remedy: 'Give each a unique name.' },
    message: `Two providers of this kind are named "${provider.name}".`,
  }));
  return [...problems, ...repeats];
}
