// Owns the settings of the identity provider by which people log in to the screen.
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import type { OidcSettings } from '../fleet-api/oidc-login.ts';

/** The client's secret comes from SLIPWAY_OIDC_CLIENT_SECRET or the file of SLIPWAY_OIDC_CLIENT_SECRET_FILE. */
export const OIDC_SETTINGS = {
  oidcIssuer: {
    flag: '--oidc-issuer <url>',
    variable: 'SLIPWAY_OIDC_ISSUER',
    help: 'OpenID Connect provider by which people log in to the screen, exactly as it calls itself; needs --public-url',
  },
  oidcClient: {
    flag: '--oidc-client <id>',
    variable: 'SLIPWAY_OIDC_CLIENT',
    help: 'id of this service at the provider; its secret comes from SLIPWAY_OIDC_CLIENT_SECRET or SLIPWAY_OIDC_CLIENT_SECRET_FILE',
  },
  oidcGroupsClaim: {
    flag: '--oidc-groups-claim <name>',
    variable: 'SLIPWAY_OIDC_GROUPS_CLAIM',
    help: "claim with the names of a person's groups",
    fallback: 'groups',
  },
  oidcView: {
    flag: '--oidc-view <groups>',
    variable: 'SLIPWAY_OIDC_VIEW',
    help: 'groups that may look at the screen, with commas; * is everybody whom the provider knows',
  },
  oidcOperate: {
    flag: '--oidc-operate <groups>',
    variable: 'SLIPWAY_OIDC_OPERATE',
    help: 'groups that may also steer rollouts',
  },
} as const;

type Given = Readonly<Partial<Record<keyof typeof OIDC_SETTINGS, string | undefined>>> & {
  readonly insecureHttp?: boolean | undefined;
};

function refuse(name: keyof typeof OIDC_SETTINGS, problem: string, remedy: string): CodedError {
  const { flag, variable } = OIDC_SETTINGS[name];
  const message = `${flag.split(' ')[0]} (${variable}): ${problem}.`;
  return new CodedError({ code: 'SETTING_VALUE', message, remedy });
}

function groupsIn(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
}

/** Null without an issuer. Throws SETTING_VALUE. */
export function oidcSettings(
  given: Given,
  publicUrl: URL | null,
  clientSecret: () => string | null,
): OidcSettings | null {
  const { oidcIssuer: issuer, oidcClient, oidcGroupsClaim = OIDC_SETTINGS.oidcGroupsClaim.fallback } = given;
  if (issuer === undefined) return null;
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const { insecureHttp = false } = given;
  const isSafe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && (insecureHttp || isLoopbackHost(url.hostname)));
  if (url === undefined || !isSafe || url.search !== '' || url.hash !== '' || url.username !== '')
    throw refuse(
      'oidcIssuer',
      `${JSON.stringify(issuer.slice(0, 200))} is no issuer`,
      'Write it like https://id.example.com.',
    );
  if (publicUrl === null)
    throw refuse('oidcIssuer', 'the provider has to lead people back', 'Set --public-url as well.');
  if (oidcClient === undefined)
    throw refuse('oidcClient', 'a value is required', 'Pass the id of this service at the provider.');
  const [viewGroups, operateGroups] = [groupsIn(given.oidcView), groupsIn(given.oidcOperate)];
  if (viewGroups.length + operateGroups.length === 0)
    throw refuse('oidcView', 'a value is required', 'Name the groups that may look, or * for everybody.');
  const groups = { groupsClaim: oidcGroupsClaim, viewGroups, operateGroups };
  return { issuer, clientId: oidcClient, clientSecret, ...groups, insecureHttp };
}
