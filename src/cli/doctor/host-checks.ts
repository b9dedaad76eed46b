// Owns what the API of GitHub or GitLab says of the branch and of webhooks; other hosts are told as not known.
import process from 'node:process';
import { boundedRequest } from '../../base/bounded-request.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { checkApiUrl } from '../../git/hosting/host-request.ts';
import { secretOf } from '../settings.ts';
import { type Check, notKnown, ok, warn } from './check.ts';

export interface HostQuestion {
  /** Address of the repository, without credentials. */
  readonly base: string;
  readonly branch: string;
  readonly insecureHttp: boolean;
  readonly clock: Clock;
}

interface HostApi {
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
  /** Paths below the address. */
  readonly branchPath: string;
  readonly hooksPath: string;
}

const REQUEST_MS = 8_000;
const HOOK_PATH = '/v1/hooks/git';

export function hostChecks(question: HostQuestion): Check[] {
  const unknown = notKnown(
    'only the APIs of GitHub and GitLab are known here',
    'Look it up in the settings of the repository.',
  );
  const asked = async (check: (api: HostApi) => Promise<ReturnType<typeof ok>>) => {
    const api = apiOf(question);
    return api === null ? unknown : check(api);
  };
  return [
    { name: 'branch protection', run: (signal) => asked((api) => checkProtection(api, question, signal)) },
    { name: 'webhook', run: (signal) => asked((api) => checkHook(api, question, signal)) },
  ];
}

/** The token of the repository goes to its own host and to nobody else, whatever a CI job has in its environment. */
function apiAt(value: string | undefined, hostname: string): string | null {
  if (value === undefined || !URL.canParse(value)) return null;
  const ofApi = new URL(value).hostname;
  return ofApi === hostname || ofApi === `api.${hostname}` ? value : null;
}

function apiOf({ base, branch, insecureHttp }: HostQuestion): HostApi | null {
  const { hostname, pathname, origin } = new URL(base);
  const project = pathname
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
  const token = secretOf('SLIPWAY_GIT_TOKEN');
  const { GITHUB_API_URL, CI_API_V4_URL } = process.env;
  const name = encodeURIComponent(branch);
  const github = apiAt(GITHUB_API_URL, hostname);
  if (hostname === 'github.com' || github !== null) {
    return {
      url: checkApiUrl('GITHUB_API_URL', github ?? 'https://api.github.com', insecureHttp),
      headers: {
        ...{ accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      branchPath: `/repos/${project}/branches/${name}`,
      hooksPath: `/repos/${project}/hooks?per_page=100`,
    };
  }
  const isGitlab = hostname === 'gitlab.com' || hostname.split('.').includes('gitlab');
  const gitlab = apiAt(CI_API_V4_URL, hostname);
  if (!isGitlab && gitlab === null) return null;
  const path = `/projects/${project.replaceAll('/', '%2F')}`;
  return {
    url: checkApiUrl('CI_API_V4_URL', gitlab ?? `${origin}/api/v4`, insecureHttp),
    headers: token === null ? {} : { 'private-token': token },
    branchPath: `${path}/repository/branches/${name}`,
    hooksPath: `${path}/hooks?per_page=100`,
  };
}

/** The answer of the API; null where it has none that can be read. */
async function ask({ url, headers }: HostApi, path: string, clock: Clock, signal: AbortSignal) {
  const outcome = await boundedRequest({ url: url + path, headers, body: null, timeoutMs: REQUEST_MS, signal }, clock);
  if (outcome.kind === 'failed')
    throw new CodedError({
      code: 'HOST_AWAY',
      kind: 'retry-later',
      message: `The API does not answer: ${outcome.reason}.`,
    });
  const { status, body } = outcome.value;
  try {
    return { status, json: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    return { status, json: null };
  }
}

async function checkProtection(api: HostApi, { branch, clock }: HostQuestion, signal: AbortSignal) {
  const { status, json } = await ask(api, api.branchPath, clock, signal);
  const said: unknown = status === 200 ? Object(json).protected : null;
  if (typeof said !== 'boolean')
    return notKnown(
      `the API does not tell (HTTP ${status})`,
      'Give the token the right to read the repository, or look it up there.',
    );
  if (said) return ok(`${branch} is protected`);
  return warn(
    `${branch} is not protected: whoever may write can rewrite its history`,
    'Protect it against force pushes and deletion at the host; let the account of the service push.',
  );
}

async function checkHook(api: HostApi, { clock }: HostQuestion, signal: AbortSignal) {
  const { status, json } = await ask(api, api.hooksPath, clock, signal);
  if (status !== 200 || !Array.isArray(json))
    return notKnown(
      `the API does not tell (HTTP ${status})`,
      'Only a token that may manage the repository can read its webhooks; look them up there.',
    );
  const ours = json.find((hook) => urlOf(hook)?.split('?')[0]?.endsWith(HOOK_PATH));
  const remedy = `Add one for pushes to https://<the service>${HOOK_PATH}, with the secret in SLIPWAY_HOOK_SECRET.`;
  if (ours === undefined) return warn('there is none, so the service looks only every --poll', remedy);
  const { active, last_response: last, alert_status: alert } = Object(ours) as Record<string, unknown>;
  if (active === false || (typeof alert === 'string' && alert !== 'executable'))
    return warn('it is switched off', 'Switch it on at the host, and see there why it failed.');
  const code = Object(last).code;
  if (typeof code === 'number' && code >= 300)
    return warn(
      `the service answered its last call with HTTP ${code}`,
      'Compare the secret at the host with SLIPWAY_HOOK_SECRET.',
    );
  return ok('pushes are told to the service');
}

/** GitHub has the address in `config`. */
function urlOf(hook: unknown): string | undefined {
  const { url, config } = Object(hook) as { readonly url?: unknown; readonly config?: unknown };
  const found = Object(config).url ?? url;
  return typeof found === 'string' ? found : undefined;
}
