// Owns `slipway rotate token` and `slipway rotate device`: a successor for a token, and a token for another key of a device.
import type { Command } from 'commander';
import { SystemClock, toIsoSeconds } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { oneLine } from '../../base/plain-text.ts';
import { apiTokenToJson, DEFAULT_ENROLMENT_TOKEN_LIFETIME, SHORTEST_TOKEN_MS } from '../../contract/token-messages.ts';
import { FleetSource } from '../fleet-source.ts';
import { addPlaceOptions, type PlaceOptions, placeOf } from '../home-or-server.ts';
import { durationOf } from '../option-values.ts';
import { printResult } from '../output.ts';
import { openIssuer } from '../token-issuer.ts';

interface TokenOptions extends PlaceOptions {
  readonly overlap: string;
  readonly expires?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Made before the old one gets its end: whatever comes between, one of the two works. */
async function token(id: string, options: TokenOptions, command: Command): Promise<void> {
  const { overlap, dryRun = false, json = false } = options;
  durationOf('--overlap', overlap, SHORTEST_TOKEN_MS);
  if (options.expires !== undefined && options.expires !== 'never')
    durationOf('--expires', options.expires, SHORTEST_TOKEN_MS);
  await using issuer = await openIssuer(placeOf(options, command));
  const all = await issuer.listApiTokens();
  const old = all.find((one) => one.id === id);
  if (old === undefined) {
    const remedy = '`slipway token list` shows the ids.';
    throw new CodedError({ code: 'TOKEN_NOT_FOUND', message: 'There is no token with this id.', remedy });
  }
  const { name, scopes, createdAtMs, expiresAtMs } = old;
  const lifetime = expiresAtMs === null ? 'never' : `${Math.max(1, Math.round((expiresAtMs - createdAtMs) / 1000))}s`;
  const expires = options.expires ?? lifetime;
  const made = dryRun ? null : await issuer.createApiToken({ name, scopes, expires });
  const ending = dryRun ? old : await issuer.endApiToken(id, overlap);
  const nowMs = new SystemClock().now();
  const isUnused = ({ lastUsedAtMs, revokedAtMs, expiresAtMs: endMs }: typeof old): boolean =>
    lastUsedAtMs === null && revokedAtMs === null && (endMs === null || endMs > nowMs);
  // Of a command that was cut off before it could show its token.
  const lost = all.filter((one) => one.id !== id && one.name === name && isUnused(one)).map((one) => one.id);
  const next = [
    `${dryRun ? 'Would give' : 'Gave'} ${oneLine(id)} (${oneLine(name)}) ${dryRun ? `${overlap} to live` : `until ${endOf(ending)}`}; its successor has the same name and scopes.`,
    'Hand the new one over, and see in `slipway token list` that the old one is not used any more.',
    ...(lost.length === 0 ? [] : [`Of the same name and never used: ${lost.join(', ')}. Revoke what nobody has.`]),
  ];
  const facts = { old: apiTokenToJson(ending), new: made && apiTokenToJson(made.known), lost };
  const text = [...(made === null ? [] : [made.token]), ...next].join('\n');
  printResult({ json: { token: made?.token ?? null, dryRun, ...facts, next }, text }, json);
}

function endOf({ expiresAtMs, revokedAtMs }: { expiresAtMs: number | null; revokedAtMs: number | null }): string {
  return toIsoSeconds(Math.min(expiresAtMs ?? Number.POSITIVE_INFINITY, revokedAtMs ?? Number.POSITIVE_INFINITY));
}

interface DeviceOptions extends PlaceOptions {
  readonly expires: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The old key counts until the device enrols with another one. */
async function device(id: string, options: DeviceOptions, command: Command): Promise<void> {
  const { expires, dryRun = false, json = false } = options;
  durationOf('--expires', expires, SHORTEST_TOKEN_MS);
  const place = placeOf(options, command);
  await using fleet = await FleetSource.open(place);
  await fleet.device(id);
  await using issuer = await openIssuer(place);
  const order = { count: 1, device: id, expires, labels: {} };
  const [made = null] = dryRun ? [] : await issuer.createEnrolmentTokens(order);
  const next = [
    `${dryRun ? 'Would make' : 'Made'} a token with which ${id} alone can enrol, once, within ${expires}. Its key counts until then; its labels stay.`,
    'On the device, stop the agent, remove device.key.pem and identity.json from its data folder, and start it with the token:',
    `  SLIPWAY_AGENT_TOKEN=${made ?? '<token>'}`,
    'Models serve again as soon as the agent starts; reports that waited are sent by the new key.',
    'If a DeviceGroup names its publicKey, take that out first: another key is refused (ENROLMENT_OTHER_KEY).',
  ];
  printResult(
    { json: { device: id, token: made, dryRun, next }, text: [...(made ? [made] : []), ...next].join('\n') },
    json,
  );
}

export function addTokenRotations(rotate: Command): void {
  addPlaceOptions(
    rotate
      .command('token')
      .description('make the successor of an API token; the old one ends after the overlap')
      .argument('<id>', 'id of the token, from `slipway token list`')
      .option('--overlap <duration>', 'how long the old one still works', '24h')
      .option('--expires <duration>', 'how long the new one is valid, or never (default: as long as the old one was)'),
  )
    .option('--dry-run', 'change nothing; print what would be done')
    .option('--json', 'print JSON')
    .action(token);
  addPlaceOptions(
    rotate
      .command('device')
      .description('make a token with which a device replaces its key')
      .argument('<id>', 'id of the device')
      .option('--expires <duration>', 'how long the token is valid', DEFAULT_ENROLMENT_TOKEN_LIFETIME),
  )
    .option('--dry-run', 'change nothing; print what would be done')
    .option('--json', 'print JSON')
    .action(device);
}
