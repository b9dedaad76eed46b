// Owns the start in the browser: it takes over the page that the server made.
import { html } from 'htm/preact';
import { hydrate, type VNode } from 'preact';
import type { PageData } from '../pages/page-data.ts';
import { Screen } from '../pages/screen.ts';
import { NowContext } from '../pages/time.ts';
import { BrowserClock } from './browser-clock.ts';
import { listenToKeys } from './keys.ts';
import { listenToLinks } from './links.ts';
import { LivePage } from './live-page.ts';

const [screen, script] = [document.querySelector('#screen'), document.querySelector('#page-data')];
if (screen !== null && script !== null) {
  const page = new LivePage(JSON.parse(script.textContent ?? '') as PageData, new BrowserClock());
  const Root = (): VNode => html`<${Screen} data=${page.data.value} live=${page.live.value} />`;
  hydrate(html`<${NowContext.Provider} value=${page.now}><${Root} /><//>`, screen);
  listenToKeys();
  listenToLinks(page);
  page.start();
}
