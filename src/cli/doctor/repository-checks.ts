// Owns the checks of the manifests repository at its host: rights of the token, its clock, and what its API says of protection and webhooks. Nothing is changed.
import process from 'node:process';
import { type BoundedAnswer, boundedRequest } from '../../base/bounded-request.ts';
import type { Clock } from '../../base/clock.ts';
import { parseRemoteAddress } from '../../git/wire/remote-address.ts';
import { openBranch } from '../repository-access.ts';
import { secretOf } from '../settings.ts';
import { bad, type Check, notKnown, ok, warn } from './check.ts';
import { hostChecks } from './host-checks.ts';

export interface RepositoryQuestion {
  readonly repo: string;
  readonly branch: string;
  readonly gitUser: string;
  readonly insecureHttp: boolean;
  readonly clock: Clock;
}

const REQUEST_MS = 8_000;
/** A `Date` header has whole seconds, and the answer was under way. */
const CLOSE_MS = 5_000;
/** Tokens, certificates and signatures begin to fail. */
const FAR_MS = 60_000;

export function repositoryChecks(question: RepositoryQuestion): Check[] {
  const address = parseRemoteAddress(question.repo, process.cwd());
  if (address.kind !== 'http') {
    const how = 'Slipway can tell only where the repository is reached over HTTP.';
    return [
      { name: 'fetch', run: (signal) => checkHead(question, signal) },
      { name: 'push', run: async () => notKnown('it is tried when a step is pushed', how) },
    ];
  }
  const isAllowed = address.secure || address.loopback || question.insecureHttp;
  const ask = (service: Service, signal: AbortSignal) =>
    askService(address.base, service, { ...question, signal, isAllowed });
  return [
    { name: 'fetch', run: async (signal) => rightFinding('read', await ask('git-upload-pack', signal)) },
    { name: 'branch', run: (signal) => checkHead(question, signal) },
    { name: 'push', run: async (signal) => rightFinding('write', await ask('git-receive-pack', signal)) },
    { name: 'clock', run: async (signal) => clockFinding(await ask('git-upload-pack', signal), question.clock.now()) },
    ...hostChecks({ ...question, base: address.base }),
  ];
}

async function checkHead({ repo, branch, gitUser, insecureHttp }: RepositoryQuestion, signal: AbortSignal) {
  await using opened = await openBranch({ repo, branch, gitUser, insecureHttp });
  const head = await opened.head(signal);
  return ok(`${branch} is at ${head.slice(0, 10)}`);
}

type Service = 'git-upload-pack' | 'git-receive-pack';
type Asked = Awaited<ReturnType<typeof boundedRequest>>;

interface Terms extends RepositoryQuestion {
  readonly signal: AbortSignal;
  readonly isAllowed: boolean;
}

/** Asks for the service's list of branches, as git does before it fetches or pushes: the host answers by the token's rights. */
function askService(base: string, service: Service, { clock, gitUser, signal, isAllowed }: Terms): Promise<Asked> {
  const token = secretOf('SLIPWAY_GIT_TOKEN');
  const basic = Buffer.from(`${gitUser}:${token}`).toString('base64');
  return boundedRequest(
    {
      ...{ url: `${base.replace(/\/+$/, '')}/info/refs?service=${service}`, body: null, timeoutMs: REQUEST_MS, signal },
      headers: token === null || !isAllowed ? {} : { authorization: `Basic ${basic}` },
    },
    clock,
    32 * 1024 * 1024,
  );
}

function rightFinding(right: 'read' | 'write', asked: Asked) {
  if (asked.kind === 'failed')
    return notKnown(`the host does not answer: ${asked.reason}`, 'Check the address, the network and any proxy.');
  const { status, headers } = asked.value;
  const remedy =
    secretOf('SLIPWAY_GIT_TOKEN') === null
      ? 'Set SLIPWAY_GIT_TOKEN (or SLIPWAY_GIT_TOKEN_FILE) to a token that may read and write this repository.'
      : `Give the token the right to ${right} the repository's contents, or replace it if it has expired.`;
  if (status === 401 || status === 403 || status === 404) return bad(`the host refuses it (HTTP ${status})`, remedy);
  const type = headers.get('content-type') ?? '';
  if (status === 200 && /^application\/x-git-(upload|receive)-pack-advertisement/.test(type))
    return ok(`the host lets us ${right}`);
  return notKnown(
    `something else answers there (HTTP ${status}${type === '' ? '' : `, ${type.split(';')[0]?.slice(0, 60)}`})`,
    'Check the address; on a network with a login page, log in first.',
  );
}

function clockFinding(asked: Asked, nowMs: number) {
  const date = asked.kind === 'answered' ? dateOf(asked.value) : null;
  if (date === null) return notKnown('the host does not say its time');
  const skewMs = nowMs - date;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const remedy = 'Let NTP set the clock of this machine (timedatectl set-ntp true).';
  const text = `this machine is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} the host`;
  if (Math.abs(skewMs) <= CLOSE_MS) return ok(`it agrees with the host's within ${CLOSE_MS / 1000} s`);
  return Math.abs(skewMs) <= FAR_MS ? warn(text, remedy) : bad(text, remedy);
}

function dateOf({ headers }: BoundedAnswer): number | null {
  const ms = Date.parse(headers.get('date') ?? '');
  return Number.isFinite(ms) ? ms : null;
}
