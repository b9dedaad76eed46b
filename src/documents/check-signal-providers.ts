// Owns what the list of providers must mean beyond its schema: unique names, addresses without secrets, and secrets that stay secret.
import { parseDurationMs } from '../contract/duration.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';
import type { PrometheusProvider, SignalProviders, WebhookProvider } from './types.generated.ts';

const LONGEST_TIMEOUT_MS = 10_000;
/** A provider is asked by each rule of each rollout: more often would be an attack on it. */
const SHORTEST_EVERY_MS = 100;

export function checkSignalProviders({ spec }: SignalProviders): Problem[] {
  const { prometheus = [], webhooks = [] } = spec;
  return [
    ...prometheus.flatMap((one, index) => checkPrometheus(one, ['spec', 'prometheus', index])),
    ...webhooks.flatMap((one, index) => checkWebhook(one, ['spec', 'webhooks', index])),
    ...checkNames(prometheus, ['spec', 'prometheus']),
    ...checkNames(webhooks, ['spec', 'webhooks']),
  ];
}

function checkPrometheus(provider: PrometheusProvider, path: FieldPath): Problem[] {
  const { bearerTokenFile, basicAuth } = provider;
  const hasSecret = bearerTokenFile !== undefined || basicAuth !== undefined;
  const problems = [...checkTimes(provider, path), ...checkUrl(provider, hasSecret, path)];
  if (bearerTokenFile === undefined || basicAuth === undefined) return problems;
  const message = `"${provider.name}" has both \`bearerTokenFile\` and \`basicAuth\`.`;
  return [...problems, { code: 'SIGNAL_CREDENTIALS', path, message, remedy: 'Keep one of them.' }];
}

function checkWebhook(provider: WebhookProvider, path: FieldPath): Problem[] {
  return [...checkTimes(provider, path), ...checkUrl(provider, provider.bearerTokenFile !== undefined, path)];
}

function checkTimes(provider: PrometheusProvider | WebhookProvider, path: FieldPath): Problem[] {
  const between = (name: 'timeout' | 'every', leastMs: number, mostMs: number, remedy: string): Problem[] => {
    const text = provider[name];
    if (text === undefined) return [];
    const inText = findTextProblem([...path, name], () => parseDurationMs(text));
    if (inText !== undefined) return [inText];
    const ms = parseDurationMs(text);
    if (ms >= leastMs && ms <= mostMs) return [];
    const message = `\`${name}\` is ${text}, which is out of range.`;
    return [{ code: 'SIGNAL_TIME', path: [...path, name], message, remedy }];
  };
  return [
    ...between('timeout', 1, LONGEST_TIMEOUT_MS, 'Write more than 0s and at most 10s.'),
    ...between('every', SHORTEST_EVERY_MS, 86_400_000, 'Write at least 100ms and at most 1d.'),
  ];
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkUrl(
  { name, url, insecureHttp = false }: PrometheusProvider | WebhookProvider,
  hasSecret: boolean,
  path: FieldPath,
): Problem[] {
  const at = [...path, 'url'];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (
    parsed === null ||
    parsed.search !== '' ||
    parsed.hash !== '' ||
    parsed.username !== '' ||
    parsed.password !== ''
  ) {
    const message = `The address of "${name}" can't be used.`;
    const remedy = 'Write `https://host/path`, without user, password, `?…` or `#…`; credentials go into files.';
    return [{ code: 'SIGNAL_ADDRESS', path: at, message, remedy }];
  }
  if (parsed.protocol === 'https:' || !hasSecret || insecureHttp || isThisMachine(parsed.hostname)) return [];
  const message = `The credentials of "${name}" would go over plain HTTP.`;
  const remedy = 'Write `https://…`, or add `insecureHttp: true` if you control the network in between.';
  return [{ code: 'SIGNAL_ADDRESS', path: at, message, remedy }];
}

function checkNames(providers: readonly { readonly name: string }[], path: FieldPath): Problem[] {
  const seen = new Set<string>();
  return providers.flatMap(({ name }, index): Problem[] => {
    const isSecond = seen.has(name);
    seen.add(name);
    const message = `Two providers of this kind are named "${name}".`;
    return isSecond
      ? [{ code: 'SIGNAL_NAME', path: [...path, index, 'name'], message, remedy: 'Give each a unique name.' }]
      : [];
  });
}
