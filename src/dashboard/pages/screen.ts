// Owns the list of pages: which component draws which, its title, and what the page is called where it is opened.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { LoginView } from '../../fleet-api/http/login-routes.ts';
import type { Devices, DeviceView, Figures, Overview, Postmortem } from '../read-model/types.generated.ts';
import { DevicePage, deviceTitle } from './device-page.ts';
import { DevicesPage, devicesTitle } from './devices-page.ts';
import { ExposurePage, type ExposurePageValue, exposureTitle } from './exposure-page.ts';
import { FiguresPage, figuresTitle } from './figures-page.ts';
import { FindPage, type Found, findTitle } from './find-page.ts';
import { Frame, type Live, type Section } from './frame.ts';
import { FrontPage, frontTitle } from './front.ts';
import { Login, loginTitle } from './login.ts';
import type { PageData, PageProps } from './page-data.ts';
import { type Problem, ProblemPage, problemTitle } from './problem.ts';
import { postmortemTitle, RevertedPage } from './reverted-page.ts';
import { RolloutPage, type RolloutPageValue, rolloutTitle } from './rollout-page.ts';
import { ServicePage, serviceTitle } from './service-page.ts';
import { SteerPage, type SteerPageValue, steerTitle } from './steer.ts';

interface PageKind {
  readonly section: Section | null;
  /** What stands in the browser's tab, before the name of the program. */
  titleOf(data: PageData): string;
  draw(props: PageProps<unknown>): VNode;
}

/** The value of each kind is what its route reads: the one place where the two meet. */
function pageOf<Value>(
  section: Section | null,
  titleOf: (value: Value) => string,
  component: (props: PageProps<Value>) => VNode,
): PageKind {
  return {
    section,
    titleOf: (data) => titleOf(data.value as Value),
    draw: (props) => html`<${component} ...${props} />`,
  };
}

const PAGES = {
  device: pageOf<DeviceView>('devices', deviceTitle, DevicePage),
  devices: pageOf<Devices>('devices', devicesTitle, DevicesPage),
  exposure: pageOf<ExposurePageValue>('devices', exposureTitle, ExposurePage),
  figures: pageOf<Figures>('rollouts', figuresTitle, FiguresPage),
  find: pageOf<Found>('rollouts', findTitle, FindPage),
  front: pageOf<Overview>('rollouts', frontTitle, FrontPage),
  login: pageOf<LoginView>(null, loginTitle, Login),
  problem: pageOf<Problem>(null, problemTitle, ProblemPage),
  reverted: pageOf<Postmortem>('rollouts', postmortemTitle, RevertedPage),
  rollout: pageOf<RolloutPageValue>('rollouts', rolloutTitle, RolloutPage),
  steer: pageOf<SteerPageValue>('rollouts', steerTitle, SteerPage),
  service: pageOf<Overview>('service', serviceTitle, ServicePage),
} satisfies Readonly<Record<string, PageKind>>;

export type PageName = keyof typeof PAGES;

function kindOf(name: string): PageKind {
  return Object.hasOwn(PAGES, name) ? PAGES[name as PageName] : PAGES.problem;
}

export function titleOf(data: PageData): string {
  return `${kindOf(data.page).titleOf(data)} · Slipway`;
}

/** The whole page but for its head. */
export function Screen({ data, live }: { readonly data: PageData; readonly live: Live }): VNode {
  const { page, value, address, person, asOf } = data;
  const { section, draw } = kindOf(page);
  return html`<${Frame} section=${section} asOf=${asOf} live=${live} person=${person} find=${address.query.q ?? ''}>
    ${draw({ value, address, person })}
  <//>`;
}
