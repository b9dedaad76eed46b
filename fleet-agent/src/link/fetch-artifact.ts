// Owns fetching a file from a host that may ask for credentials and send elsewhere: no address gets the credentials of another, and what began over https stays there.
import type { CredentialsFor } from './artifact-credentials.ts';
import { fetchFrom } from './http.ts';

export interface ArtifactQuestion {
  readonly headers: Readonly<Record<string, string>>;
  /** null = none. */
  readonly credentials: CredentialsFor | null;
  readonly signal: AbortSignal;
}

const MOST_REDIRECTS = 5;
/** Of a refusal; its code stands at the beginning. */
const MOST_PAGE_BYTES = 4096;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Each redirect is followed by a request of its own, with the credentials for its own address. Throws what `fetch` and `credentials` throw. */
export async function fetchArtifact(url: string, question: ArtifactQuestion): Promise<Response> {
  const { credentials, signal } = question;
  let address = url;
  for (let redirects = 0; ; redirects++) {
    const headers = { ...question.headers, ...(await credentials?.(address)) };
    const response = await fetchFrom(address, { headers, signal, redirect: 'manual' });
    const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
    if (location === null) return response;
    await response.body?.cancel();
    if (redirects === MOST_REDIRECTS) throw new Error(`it redirects more than ${MOST_REDIRECTS} times`);
    address = nextAddress(address, location);
  }
}

/** Never a file of this device, and never from https to where others can read along. */
function nextAddress(from: string, location: string): string {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined;
  // An address with a password would stand in the platform's own errors.
  if (next === undefined || next.username !== '' || next.password !== '')
    throw new Error('it redirects to no address that can be asked');
  if (next.protocol === 'https:' || (next.protocol === 'http:' && !from.startsWith('https:'))) return next.href;
  throw new Error('it redirects to an address without https');
}

/** Why the host refuses, for people: the status, the code that S3 puts into its page, and what a device can do about it. */
export async function readRefusal(response: Response): Promise<string> {
  const page = await readBeginning(response).catch(() => '');
  const code = /<Code>([A-Za-z]{1,60})<\/Code>/.exec(page)?.[1];
  const status = code === undefined ? String(response.status) : `${response.status} (${code})`;
  return response.status === 401 ? `${status}, which asks for credentials (\`artifactCredentials\`)` : status;
}

async function readBeginning(response: Response): Promise<string> {
  const isPage = response.status >= 400 && response.headers.get('content-type')?.includes('xml') === true;
  let page = '';
  for await (const chunk of (isPage && response.body) || []) {
    page += Buffer.from(chunk).toString('latin1');
    if (page.length >= MOST_PAGE_BYTES) break;
  }
  if (!isPage) await response.body?.cancel();
  return page;
}
