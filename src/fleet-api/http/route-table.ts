// Owns finding the route of a request: by path, then by method.
import { errorAnswer } from './answers.ts';
import type { ErrorAnswer, Route } from './route.ts';

const MOST_URL = 2_048;

export type Found =
  | {
      readonly kind: 'route';
      readonly route: Route;
      readonly params: Readonly<Record<string, string>>;
      readonly query: URLSearchParams;
    }
  /** `name` is the one in metrics. */
  | { readonly kind: 'none'; readonly name: string; readonly answer: ErrorAnswer };

interface Place {
  readonly pattern: RegExp;
  readonly routes: Route[];
}

/** `/a/{b}` as a pattern with named groups. */
function patternOf(path: string): RegExp {
  const source = path
    .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
    .replace('{rest}', '(?<rest>.*)')
    .replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return new RegExp(`^${source}$`);
}

export class RouteTable {
  readonly #exact = new Map<string, Place>();
  readonly #patterns: Place[] = [];

  constructor(routes: readonly Route[]) {
    for (const [path, together] of Map.groupBy(routes, (route) => route.path)) {
      const place = { pattern: patternOf(path), routes: together };
      if (path.includes('{')) this.#patterns.push(place);
      else this.#exact.set(path, place);
    }
  }

  find(method: string, target: string): Found {
    const url =
      target.length <= MOST_URL && target.startsWith('/') && URL.canParse(`http://slipway${target}`)
        ? new URL(`http://slipway${target}`)
        : undefined;
    const place =
      url && (this.#exact.get(url.pathname) ?? this.#patterns.find(({ pattern }) => pattern.test(url.pathname)));
    const params = paramsIn(place?.pattern.exec(url?.pathname ?? '')?.groups ?? {});
    if (url === undefined || place === undefined || params === undefined)
      return { kind: 'none', name: 'none', answer: NOT_FOUND };
    const route = place.routes.find((one) => methodsOf(one).includes(method));
    if (route !== undefined) return { kind: 'route', route, params, query: url.searchParams };
    const allowed = place.routes.flatMap(methodsOf).join(', ');
    const message = `This address answers ${allowed} only.`;
    const answer = errorAnswer(405, { code: 'HTTP_METHOD', message }, { Allow: allowed });
    return { kind: 'none', name: place.routes[0]?.name ?? 'none', answer };
  }
}

const NOT_FOUND = errorAnswer(404, { code: 'HTTP_NOT_FOUND', message: 'There is nothing at this address.' });

function methodsOf({ method }: Route): readonly string[] {
  return method === 'GET' ? ['GET', 'HEAD'] : [method];
}

/** Decoded but for the rest, which may hold encoded slashes; undefined when one is no text. */
function paramsIn(groups: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, text]) => [name, name === 'rest' ? text : decodeURIComponent(text)]),
    );
  } catch {
    return undefined;
  }
}
