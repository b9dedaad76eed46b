// Owns what the list of targets must mean beyond its schema: unique names, addresses without secrets, and tokens that stay secret.
import { parseDurationMs } from '../contract/duration.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';
import type { EventWebhook, GithubDispatch, Notifications } from './types.generated.ts';

const LONGEST_TIMEOUT_MS = 10_000;

export function checkNotifications({ spec }: Notifications): Problem[] {
  const { webhooks = [], github = [], offDeclaredAfter } = spec;
  const at =
    (list: string) =>
    (index: number): FieldPath => ['spec', list, index];
  const after = ['spec', 'offDeclaredAfter'];
  const inAfter =
    offDeclaredAfter === undefined ? undefined : findTextProblem(after, () => parseDurationMs(offDeclaredAfter));
  return [
    ...(inAfter === undefined ? [] : [inAfter]),
    ...webhooks.flatMap((one, i) => checkTarget(one, one.bearerTokenFile !== undefined, at('webhooks')(i))),
    ...github.flatMap((one, i) => checkTarget(one, true, at('github')(i))),
    ...checkNames(webhooks, github),
  ];
}

function checkTarget(target: EventWebhook | GithubDispatch, hasToken: boolean, path: FieldPath): Problem[] {
  return [...checkTimeout(target, path), ...checkUrl(target, hasToken, path)];
}

function checkTimeout({ timeout }: EventWebhook | GithubDispatch, path: FieldPath): Problem[] {
  if (timeout === undefined) return [];
  const at = [...path, 'timeout'];
  const inText = findTextProblem(at, () => parseDurationMs(timeout));
  if (inText !== undefined) return [inText];
  const ms = parseDurationMs(timeout);
  if (ms > 0 && ms <= LONGEST_TIMEOUT_MS) return [];
  const message = `\`timeout\` is ${timeout}, which is out of range.`;
  return [{ code: 'NOTIFY_TIME', path: at, message, remedy: 'Write more than 0s and at most 10s.' }];
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkUrl(
  { name, url, insecureHttp = false }: EventWebhook | GithubDispatch,
  hasToken: boolean,
  path: FieldPath,
): Problem[] {
  if (url === undefined) return [];
  const at = [...path, 'url'];
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
    const message = `The address of "${name}" can't be used.`;
    const remedy = 'Write `https://host/path`, without user, password or `#…`; secrets go into files.';
    return [{ code: 'NOTIFY_ADDRESS', path: at, message, remedy }];
  }
  if (parsed.protocol === 'https:' || !hasToken || insecureHttp || isThisMachine(parsed.hostname)) return [];
  const message = `The token of "${name}" would go over plain HTTP.`;
  const remedy = 'Write `https://…`, or add `insecureHttp: true` if you control the network in between.';
  return [{ code: 'NOTIFY_ADDRESS', path: at, message, remedy }];
}

function checkNames(webhooks: readonly EventWebhook[], github: readonly GithubDispatch[]): Problem[] {
  const seen = new Set<string>();
  const all = [
    ...webhooks.map(({ name }, index) => ({ name, path: ['spec', 'webhooks', index, 'name'] })),
    ...github.map(({ name }, index) => ({ name, path: ['spec', 'github', index, 'name'] })),
  ];
  return all.flatMap(({ name, path }): Problem[] => {
    const isSecond = seen.has(name);
    seen.add(name);
    const message = `Two targets are named "${name}".`;
    const remedy = 'Give each target a unique name.';
    return isSecond ? [{ code: 'NOTIFY_NAME', path, message, remedy }] : [];
  });
}
