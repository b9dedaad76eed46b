// Owns which request goes where, and what each endpoint does.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toCodedError } from '../base/errors.ts';
import { ChangeWaiters } from './change-waiters.ts';
import { enrolDevice } from './enrolment.ts';
import type { HttpFleetApiOptions } from './fleet-api-options.ts';
import { answerEmpty, answerJson, answerText, HttpRefusal } from './http-answers.ts';
import { readJson, streamBody } from './http-body.ts';
import { RateLimiter } from './rate-limit.ts';
import { ReportIntake } from './report-intake.ts';
import { HookCheck, isBearer } from './secrets.ts';
import { serveFile } from './static-files.ts';

const MOST_REPORT_BYTES = 1_048_576;
const MOST_ENROLMENT_BYTES = 32_768;
/** A push of many commits is described at length; the body is only hashed as it streams past, never kept. */
const MOST_HOOK_BYTES = 26_214_400;
const MOST_URL = 2_048;
/** How long an answer of `/readyz` is given again, so that strangers can't make the store write. */
const READY_MS = 1_000;

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

interface Endpoint {
  readonly name: string;
  readonly methods: readonly string[];
  readonly run: (asked: Asked) => Promise<void> | void;
}

export interface Route {
  readonly name: string;
  readonly run: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

export class Routes {
  readonly waiters: ChangeWaiters;
  readonly #options: HttpFleetApiOptions;
  readonly #intake: ReportIntake;
  readonly #enrolments;
  readonly #longPolls;
  readonly #exact: ReadonlyMap<string, Endpoint>;
  #readiness: { readonly atMs: number; readonly problem: Promise<string | null> } | undefined;

  constructor(options: HttpFleetApiOptions) {
    this.#options = options;
    const { clock, metrics, register, isDenied } = options;
    this.waiters = new ChangeWaiters(clock, 0);
    this.#enrolments = metrics.counter('slipway_enrolments_total', 'Requests to enrol, by answer.');
    this.#longPolls = metrics.gauge('slipway_long_polls', 'Callers that wait for the next publication.');
    this.#intake = new ReportIntake({
      register,
      isDenied,
      perDevice: new RateLimiter(options.perDevice ?? { perSecond: 5, burst: 256 }),
      answers: metrics.counter('slipway_reports_total', 'Reports of devices, by answer and reason.'),
    });
    const endpoint = (path: string, method: string, name: string, run: Endpoint['run']) =>
      [path, { name, methods: method === 'GET' ? ['GET', 'HEAD'] : [method], run }] as const;
    this.#exact = new Map<string, Endpoint>([
      endpoint('/v1/enrol', 'POST', 'enrol', (asked) => this.#enrol(asked)),
      endpoint('/v1/reports', 'POST', 'reports', (asked) => this.#takeReports(asked)),
      endpoint('/v1/changes', 'GET', 'changes', (asked) => this.#waitForChange(asked)),
      endpoint('/v1/hooks/git', 'POST', 'hook', (asked) => this.#takeHook(asked)),
      endpoint('/v1/rollouts', 'GET', 'rollouts', (asked) => this.#showRollouts(asked)),
      endpoint('/healthz', 'GET', 'health', ({ response }) => answerJson(response, 200, { status: 'alive' })),
      endpoint('/readyz', 'GET', 'ready', (asked) => this.#showReadiness(asked)),
      endpoint('/metrics', 'GET', 'metrics', (asked) => this.#showMetrics(asked)),
    ]);
  }

  /** The route of a request; what has none is answered 404 under the name `none`. */
  find(request: IncomingMessage): Route {
    const text = request.url ?? '/';
    const url =
      text.length <= MOST_URL && text.startsWith('/') && URL.canParse(`http://slipway${text}`)
        ? new URL(`http://slipway${text}`)
        : undefined;
    const endpoint = url === undefined ? undefined : this.#endpointOf(url.pathname);
    if (url === undefined || endpoint === undefined) {
      return { name: 'none', run: () => Promise.reject(notFound()) };
    }
    const { name, methods, run } = endpoint;
    if (!methods.includes(request.method ?? '')) {
      const headers = { Allow: methods.join(', ') };
      const refusal = {
        status: 405,
        code: 'HTTP_METHOD',
        message: `Only ${methods.join(', ')} is understood here.`,
        headers,
      };
      return { name, run: () => Promise.reject(new HttpRefusal(refusal)) };
    }
    return { name, run: async (asking, response) => run({ request: asking, response, url }) };
  }

  #endpointOf(pathname: string): Endpoint | undefined {
    const exact = this.#exact.get(pathname);
    if (exact !== undefined) return exact;
    const methods = ['GET', 'HEAD'];
    if (pathname.startsWith('/distribution/'))
      return { name: 'distribution', methods, run: (asked) => this.#serve(asked) };
    if (pathname.startsWith('/v1/rollouts/'))
      return { name: 'rollout', methods, run: (asked) => this.#showRollouts(asked) };
    return undefined;
  }

  async #enrol({ request, response }: Asked): Promise<void> {
    const body = await readJson(request, MOST_ENROLMENT_BYTES);
    const { register, isDenied, clock } = this.#options;
    const outcome = await enrolDevice({ register, isDenied, answers: this.#enrolments }, body, clock.now());
    if (outcome.kind === 'refused') throw new HttpRefusal({ status: 403, ...outcome.error });
    answerJson(response, 200, outcome.enrolment);
  }

  async #takeReports({ request, response }: Asked): Promise<void> {
    const body = await readJson(request, MOST_REPORT_BYTES);
    const outcome = await this.#intake.take(body, this.#options.clock.now());
    if (outcome.kind === 'answered') return answerJson(response, 200, outcome.answers);
    throw new HttpRefusal({
      status: 429,
      code: 'REPORTS_TOO_MANY',
      message: `The device ${outcome.device} reports too often.`,
      remedy: 'Send again after the time in Retry-After.',
      headers: { 'Retry-After': outcome.retryAfterSeconds },
    });
  }

  #waitForChange({ response, url }: Asked): void {
    const wait = Number(url.searchParams.get('wait') ?? 0);
    this.waiters.wait(response, url.searchParams.get('etag') ?? '', Number.isFinite(wait) ? wait : 0);
  }

  async #takeHook({ request, response }: Asked): Promise<void> {
    const { hookSecret } = this.#options;
    if (hookSecret === undefined) {
      const message = 'This service has no secret for webhooks, so it believes none.';
      throw new HttpRefusal({ status: 401, code: 'HOOK_NOT_GENUINE', message, remedy: 'Set SLIPWAY_HOOK_SECRET.' });
    }
    const check = new HookCheck(request.headers, hookSecret);
    await streamBody(request, MOST_HOOK_BYTES, (chunk) => check.take(chunk));
    if (!check.isGenuine()) {
      const message = 'The webhook is not signed with the secret of this service.';
      const remedy = 'Set the same secret at the Git host and here.';
      throw new HttpRefusal({ status: 401, code: 'HOOK_NOT_GENUINE', message, remedy });
    }
    this.#options.onHook();
    answerEmpty(response, 202);
  }

  async #showRollouts({ request, response, url }: Asked): Promise<void> {
    const { viewerToken = '', readRollouts } = this.#options;
    if (!isBearer(request.headers.authorization, viewerToken)) {
      const headers = { 'WWW-Authenticate': 'Bearer' };
      const message = 'The viewer token is missing or wrong.';
      throw new HttpRefusal({ status: 401, code: 'VIEWER_TOKEN', message, headers });
    }
    const rest = url.pathname.slice('/v1/rollouts/'.length);
    const found = await (rest === '' ? readRollouts() : readRollouts(decodeName(rest)));
    if (found === undefined)
      throw new HttpRefusal({ status: 404, code: 'ROLLOUT_UNKNOWN', message: 'There is no such rollout.' });
    answerJson(response, 200, found);
  }

  async #serve({ request, response, url }: Asked): Promise<void> {
    const relative = url.pathname.slice('/distribution/'.length);
    await serveFile(request, response, { folder: this.#options.publicationFolder, relative });
  }

  async #showReadiness({ response }: Asked): Promise<void> {
    if (!this.#options.isReady()) return answerJson(response, 503, { status: 'starting' });
    const problem = await this.#storeProblem();
    if (problem === null) answerJson(response, 200, { status: 'ready' });
    else answerJson(response, 503, { status: 'store', code: problem });
  }

  #storeProblem(): Promise<string | null> {
    const now = this.#options.clock.monotonicMs();
    if (this.#readiness !== undefined && now - this.#readiness.atMs < READY_MS) return this.#readiness.problem;
    const problem = this.#options.register.probe().then(
      () => null,
      (error: unknown) => toCodedError(error).code,
    );
    this.#readiness = { atMs: now, problem };
    return problem;
  }

  #showMetrics({ response }: Asked): void {
    this.#longPolls.set(this.waiters.count);
    answerText(response, 200, this.#options.metrics.write());
  }
}

function notFound(): HttpRefusal {
  return new HttpRefusal({ status: 404, code: 'HTTP_NOT_FOUND', message: 'There is nothing here.' });
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notFound();
  }
}
