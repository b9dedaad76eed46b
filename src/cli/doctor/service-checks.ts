// Owns the checks of a running service: whether it answers, what it says of itself, and its clock.
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { boundedRequest } from '../../base/bounded-request.ts';
import type { Clock } from '../../base/clock.ts';
import { countOf } from '../../wording/amounts.ts';
import { accessTo, serviceUrl } from '../ask-service.ts';
import { readLiveView } from '../live-status.ts';
import { bad, type Check, notKnown, ok, warn } from './check.ts';

export interface ServiceAsked {
  readonly server: string;
  readonly insecureHttp: boolean;
  readonly clock: Clock;
}

const REQUEST_MS = 8_000;
const OLD_CYCLE_MS = 10 * 60_000;

export function serviceChecks(asked: ServiceAsked): Check[] {
  const plain: Check[] = [
    { name: 'service', run: (signal) => checkReady(asked, signal) },
    { name: 'service cycle', run: () => checkCycle(asked) },
  ];
  if (!asked.server.startsWith('https:')) return plain;
  let looked: ReturnType<Check['run']> | undefined;
  const certificate: Check['run'] = (signal) => (looked ??= checkCertificate(asked, signal));
  // A certificate that is refused says why nothing else can be asked.
  const unlessRefused = (run: Check['run']): Check['run'] => {
    return async (signal) => ((await certificate(signal))?.finding === 'bad' ? null : run(signal));
  };
  return [
    ...plain.map(({ name, run }) => ({ name, run: unlessRefused(run) })),
    { name: 'certificate', run: certificate },
  ];
}

const DAY_MS = 86_400_000;
/** Those who renew by themselves do it 30 days before the end. */
const LATE_RENEWAL_MS = 14 * DAY_MS;

/** What the server, or a proxy before it, shows to whoever connects. */
async function checkCertificate({ server, clock }: ServiceAsked, signal: AbortSignal) {
  const { hostname: host, port } = new URL(server);
  const name = host.replace(/^\[|\]$/g, '');
  const socket = connect({
    ...{ host: name, port: Number(port || 443), rejectUnauthorized: false },
    ...(isIP(name) === 0 ? { servername: name } : {}),
  });
  signal.addEventListener('abort', () => socket.destroy(new Error('no answer')), { once: true });
  try {
    await once(socket, 'secureConnect');
    const { valid_to: validTo } = socket.getPeerCertificate();
    const leftMs = Date.parse(validTo) - clock.now();
    const problem: unknown = socket.authorized ? null : (socket.authorizationError as unknown);
    const days = Math.floor(leftMs / DAY_MS);
    if (leftMs <= 0) return bad(`it expired at ${validTo}`, 'Renew it: the service takes new files without a restart.');
    if (problem !== null)
      return bad(
        `this machine does not accept it (${problem instanceof Error ? problem.message : problem})`,
        'Check the name in it and the chain. One of a private authority needs its CA: see docs/how-to/tls.md.',
      );
    const text = `it expires in ${countOf(days, 'day')}`;
    return leftMs < LATE_RENEWAL_MS ? warn(text, 'Renew it, or see why that does not happen by itself.') : ok(text);
  } catch (thrown) {
    const said = (thrown as { readonly code?: string }).code ?? (thrown as Error).message;
    return notKnown(`no TLS connection comes about (${said})`, 'Check the address, and whether it speaks HTTPS.');
  } finally {
    socket.destroy();
  }
}

async function checkReady({ server, insecureHttp, clock }: ServiceAsked, signal: AbortSignal) {
  const url = serviceUrl({ ...accessTo(server, insecureHttp), token: null }, '/readyz').href;
  const outcome = await boundedRequest({ url, headers: {}, body: null, timeoutMs: REQUEST_MS, signal }, clock);
  const start = 'Check the address, and that `slipway run` is running there.';
  if (outcome.kind === 'failed') return bad(`it does not answer: ${outcome.reason}`, start);
  const { status, body } = outcome.value;
  const said = statusIn(body);
  if (said === 'ready') return ok('it is ready');
  if (said === 'starting') return warn('it is starting: no cycle has ended yet', 'Wait a moment, then see its log.');
  if (said === 'store')
    return bad('it cannot write its store', 'See whether the disk of its home is full or read-only.');
  return bad(`something else answers there (HTTP ${status})`, start);
}

function statusIn(body: Buffer): unknown {
  try {
    return Object(JSON.parse(body.toString('utf8'))).status;
  } catch {
    return undefined;
  }
}

async function checkCycle({ server, insecureHttp, clock }: ServiceAsked) {
  if (accessTo(server, insecureHttp).token === null)
    return notKnown(
      'the service shows it to nobody without a token',
      'Set SLIPWAY_TOKEN: one with the scope `view` will do.',
    );
  const { service } = await readLiveView({ server, insecureHttp, rollout: undefined });
  const { trouble, source, cycledAtMs, problems } = service;
  if (trouble !== null)
    return bad(`${trouble.code}: ${trouble.message}`, trouble.remedy ?? 'See the log of the service.');
  if (source.kind === 'away')
    return bad(`it can't read the repository: ${source.reason}`, source.remedy ?? 'See whether the Git host works.');
  if (source.kind !== 'followed') return notKnown(`it does not follow a commit yet (${source.kind})`);
  const ageMs = cycledAtMs === null ? Number.POSITIVE_INFINITY : clock.now() - cycledAtMs;
  if (ageMs > OLD_CYCLE_MS)
    return bad(
      'its last cycle ended more than 10 min ago',
      'See the log of the service, and whether the two clocks agree.',
    );
  if (problems.length > 0)
    return warn(
      `${countOf(problems.length, 'document')} can't be used`,
      'Run `slipway validate` in the manifests repository.',
    );
  return ok(`its last cycle ended ${Math.max(0, Math.round(ageMs / 1000))} s ago`);
}
