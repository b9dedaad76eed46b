// Owns links and forms that lead to the same page with another query: they change what is shown, and nothing jumps.
import type { LivePage } from './live-page.ts';

function isSamePage(url: URL): boolean {
  return url.origin === location.origin && url.pathname === location.pathname;
}

function onClick(event: MouseEvent, page: LivePage): void {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return;
  if (link.dataset.act === 'read-again') {
    event.preventDefault();
    void page.read();
    return;
  }
  const url = new URL(link.href);
  const isAnchor = url.hash !== '' && url.search === location.search;
  if (!isSamePage(url) || isAnchor) return;
  event.preventDefault();
  page.open(url.href);
}

function onSubmit(event: SubmitEvent, page: LivePage): void {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== 'get') return;
  const url = new URL(form.action, location.href);
  if (!isSamePage(url)) return;
  event.preventDefault();
  const given = [...new FormData(form, submitter)].filter(([, value]) => value !== '');
  url.search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  page.open(url.href);
}

export function listenToLinks(page: LivePage): void {
  document.addEventListener('click', (event) => onClick(event, page));
  document.addEventListener('submit', (event) => onSubmit(event, page));
  addEventListener('popstate', () => void page.read());
}
