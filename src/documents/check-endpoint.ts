// Owns what is checked alike of everything that the service connects to: times within bounds, addresses without secrets, tokens that stay secret.
import { isLoopbackHost } from '../base/loopback.ts';
import { parseDurationMs } from '../contract/duration.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';

export interface Endpoint {
  readonly name: string;
  readonly url?: string;
  readonly insecureHttp?: boolean;
  readonly timeout?: string;
}

export interface TimeBounds {
  readonly leastMs: number;
  readonly mostMs: number;
  readonly remedy: string;
}

const TIMEOUT: TimeBounds = { leastMs: 1, mostMs: 10_000, remedy: 'Write more than 0s and at most 10s.' };

/** A duration within bounds, in the field at the end of the path. */
export function checkTime(
  text: string | undefined,
  { leastMs, mostMs, remedy }: TimeBounds,
  facts: { readonly code: string; readonly path: FieldPath },
): Problem[] {
  if (text === undefined) return [];
  const inText = findTextProblem(facts.path, () => parseDurationMs(text));
  if (inText !== undefined) return [inText];
  const ms = parseDurationMs(text);
  if (ms >= leastMs && ms <= mostMs) return [];
  return [{ ...facts, message: `\`${facts.path.at(-1)}\` is ${text}, which is out of range.`, remedy }];
}

/** Problems of its timeout (`<area>_TIME`) and of its address (`<area>_ADDRESS`). */
export function checkEndpoint(
  { name, url, timeout, insecureHttp = false }: Endpoint,
  path: FieldPath,
  { area, hasSecret, mayQuery }: { readonly area: string; readonly hasSecret: boolean; readonly mayQuery: boolean },
): Problem[] {
  const problems = checkTime(timeout, TIMEOUT, { code: `${area}_TIME`, path: [...path, 'timeout'] });
  const wrong = (message: string, remedy: string): Problem[] => [
    ...problems,
    { code: `${area}_ADDRESS`, path: [...path, 'url'], message, remedy },
  ];
  if (url === undefined) return problems;
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const extras = parsed && [parsed.username, parsed.password, parsed.hash, mayQuery ? '' : parsed.search].join('');
  if (extras !== '') {
    const parts = mayQuery ? 'password or `#…`' : 'password, `?…` or `#…`';
    const remedy = `Write \`https://host/path\`, without user, ${parts}; secrets go into files.`;
    return wrong(`The address of "${name}" can't be used.`, remedy);
  }
  if (!hasSecret || insecureHttp || parsed?.protocol === 'https:' || isLoopbackHost(parsed?.hostname ?? ''))
    return problems;
  const remedy = 'Write `https://…`, or add `insecureHttp: true` if you control the network in between.';
  return wrong(`The credentials of "${name}" would go over plain HTTP.`, remedy);
}
