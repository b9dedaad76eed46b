// Owns reading the page again: the same address asked for as data, one request at a time, the last address wins.
import type { PageData } from '../pages/page-data.ts';
import type { Problem } from '../pages/problem.ts';

export type Read =
  | { readonly kind: 'data'; readonly data: PageData }
  /** The session is over: the server knows where to go. */
  | { readonly kind: 'logged-out' }
  | { readonly kind: 'no-answer' };

const MOST_WAIT_MS = 20_000;

function problemData(from: PageData, value: Problem): PageData<Problem> {
  return { ...from, page: 'problem', value, parts: [] };
}

/** Asks for the page at `href`; `shown` says what is around it when the answer is an error. */
export async function readPage(href: string, shown: PageData, signal: AbortSignal): Promise<Read> {
  try {
    const response = await fetch(href, {
      headers: { Accept: 'application/json' },
      cache: 'no-store',
      credentials: 'same-origin',
      signal: AbortSignal.any([signal, AbortSignal.timeout(MOST_WAIT_MS)]),
    });
    if (response.status === 401) return { kind: 'logged-out' };
    const answer = (await response.json()) as Partial<PageData> & { readonly error?: Omit<Problem, 'status'> };
    if (response.ok && typeof answer.page === 'string') return { kind: 'data', data: answer as PageData };
    const { status } = response;
    if (status >= 500 || status === 429 || answer.error === undefined) return { kind: 'no-answer' };
    return { kind: 'data', data: problemData(shown, { ...answer.error, remedy: answer.error.remedy ?? null, status }) };
  } catch {
    return { kind: 'no-answer' };
  }
}
