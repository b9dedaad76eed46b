// Owns asking a running service for the state of its rollouts.
import { CodedError } from '../base/errors.ts';
import { withoutSecrets } from '../base/without-secrets.ts';
import type { FleetTraffic } from '../measurement/fleet-traffic.ts';
import type { ServiceView } from '../reconcile/service-view.ts';
import { unknownRollout } from '../requests/find-rollout.ts';
import type { Outlook } from '../rollout/outlook.ts';

const LONGEST_MS = 15_000;
const MOST_BYTES = 32 * 1024 * 1024;

export interface LiveView {
  readonly service: Omit<ServiceView, 'outlooks'>;
  readonly rollouts: readonly Outlook[];
  /** Only when one rollout was asked for. */
  readonly traffic?: FleetTraffic;
}

export interface LiveQuestion {
  readonly server: string;
  readonly token: string | null;
  /** One rollout; all when it is undefined. */
  readonly rollout: string | undefined;
}

function unreachable(server: string, detail: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'SERVER_UNREACHABLE',
    kind: 'retry-later',
    message: `${server} does not answer: ${detail}.`,
    remedy: 'Check that `slipway run` is running there. Without --server, the state is read from Git.',
    cause,
  });
}

async function ask(url: URL, token: string | null): Promise<Response> {
  const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    return await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(LONGEST_MS) });
  } catch (cause) {
    const reason = (cause as { readonly cause?: { readonly code?: string } }).cause?.code;
    // A token that can't stand in a header is quoted in the message.
    const told = withoutSecrets((cause as Error).message, token === null ? [] : [token]);
    throw unreachable(url.origin, reason ?? told, cause);
  }
}

async function readJson(response: Response, server: string): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) throw new RangeError(`more than ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw unreachable(server, `its answer can't be read (${(cause as Error).message})`, cause);
  }
}

function isLiveView(value: unknown): value is LiveView {
  const view = value as Partial<LiveView> | null;
  return Array.isArray(view?.rollouts) && typeof view.service?.source?.kind === 'string';
}

/** Throws SERVER_ADDRESS, SERVER_UNREACHABLE, SERVER_CREDENTIALS, ROLLOUT_UNKNOWN. */
export async function readLiveView({ server, token, rollout }: LiveQuestion): Promise<LiveView> {
  const base = server.replace(/\/+$/, '');
  const path = rollout === undefined ? '/v1/rollouts' : `/v1/rollouts/${encodeURIComponent(rollout)}`;
  if (!/^https?:\/\//.test(base) || !URL.canParse(base + path)) {
    throw new CodedError({
      code: 'SERVER_ADDRESS',
      message: `${JSON.stringify(server)} is not the address of a service.`,
      remedy: 'Write it like http://127.0.0.1:8080.',
    });
  }
  const response = await ask(new URL(base + path), token);
  if (response.status === 401 || response.status === 403) {
    throw new CodedError({
      code: 'SERVER_CREDENTIALS',
      message: `${base} ${token === null ? 'requires a token' : 'rejected the token'}.`,
      remedy:
        'Set SLIPWAY_VIEWER_TOKEN (or SLIPWAY_VIEWER_TOKEN_FILE) to the token that the service was started with. A service that was started without one lets nobody look.',
    });
  }
  if (response.status === 404 && rollout !== undefined) {
    const all = await readLiveView({ server, token, rollout: undefined });
    throw unknownRollout(
      rollout,
      all.rollouts.map((one) => one.rollout),
    );
  }
  if (!response.ok) throw unreachable(base, `HTTP ${response.status}`);
  const view = await readJson(response, base);
  if (isLiveView(view)) return view;
  throw unreachable(base, 'it is not a Slipway service');
}
