// Owns `slipway token`: enrolment tokens for devices, and API tokens for people and programs.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { oneLine } from '../../base/plain-text.ts';
import { type ApiToken, TOKEN_SCOPES, type TokenScope } from '../../contract/api-token.ts';
import { formatDuration } from '../../contract/duration.ts';
import { isDeviceId } from '../../contract/report-reader.ts';
import {
  apiTokenToJson,
  DEFAULT_API_TOKEN_LIFETIME,
  DEFAULT_ENROLMENT_TOKEN_LIFETIME,
  isTokenName,
  MOST_ENROLMENT_TOKENS,
  MOST_TOKEN_NAME,
  SHORTEST_TOKEN_MS,
} from '../../contract/token-messages.ts';
import { addPlaceOptions, type PlaceOptions, placeOf } from '../home-or-server.ts';
import { durationOf, labelsOf, valueError, wholeNumberOf } from '../option-values.ts';
import { printResult, table, timeAgo } from '../output.ts';
import { openIssuer } from '../token-issuer.ts';

interface TokenOptions extends PlaceOptions {
  readonly json?: boolean;
}

function addPlace(command: Command): Command {
  return addPlaceOptions(command).option('--json', 'print JSON');
}

interface EnrolOptions extends TokenOptions {
  readonly count: string;
  readonly expires: string;
  readonly device?: string;
  readonly label: readonly string[];
}

async function enrol({ count, expires, device, label, ...place }: EnrolOptions, command: Command): Promise<void> {
  if (device !== undefined && !isDeviceId(device))
    throw valueError('--device', device, 'the id of a device', 'Use letters, digits and . _ : @ -, at most 128.');
  durationOf('--expires', expires, SHORTEST_TOKEN_MS);
  const order = {
    count: wholeNumberOf('--count', count, { least: 1, most: MOST_ENROLMENT_TOKENS }),
    labels: labelsOf('--label', label),
    expires,
    ...(device === undefined ? {} : { device }),
  };
  await using issuer = await openIssuer(placeOf(place, command));
  const tokens = await issuer.createEnrolmentTokens(order);
  printResult({ json: tokens, text: tokens.join('\n') }, place.json === true);
}

interface CreateOptions extends TokenOptions {
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires: string;
}

async function create({ name, scope, expires, ...place }: CreateOptions, command: Command): Promise<void> {
  if (!isTokenName(name))
    throw valueError(
      '--name',
      name,
      'a name',
      `Use 1 to ${MOST_TOKEN_NAME} printable characters, without spaces at the ends.`,
    );
  if (expires !== 'never') durationOf('--expires', expires, SHORTEST_TOKEN_MS);
  await using issuer = await openIssuer(placeOf(place, command));
  const { token, known } = await issuer.createApiToken({ name, scopes: [...new Set(scope)], expires });
  printResult({ json: { token, ...apiTokenToJson(known) }, text: token }, place.json === true);
}

interface ListOptions extends TokenOptions {
  readonly all?: boolean;
}

function endText({ expiresAtMs, revokedAtMs }: ApiToken, nowMs: number): string {
  if (revokedAtMs !== null) return `revoked ${timeAgo(revokedAtMs, nowMs)}`;
  if (expiresAtMs === null) return 'never';
  return expiresAtMs <= nowMs ? `expired ${timeAgo(expiresAtMs, nowMs)}` : `in ${formatDuration(expiresAtMs - nowMs)}`;
}

function isInForce({ expiresAtMs, revokedAtMs }: ApiToken, nowMs: number): boolean {
  return revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs);
}

async function list({ all = false, ...place }: ListOptions, command: Command): Promise<void> {
  await using issuer = await openIssuer(placeOf(place, command));
  const nowMs = new SystemClock().now();
  const tokens = (await issuer.listApiTokens()).filter((one) => all || isInForce(one, nowMs));
  const rows = tokens.map((one) => [
    ...[one.id, one.name, one.scopes.join(', '), endText(one, nowMs)],
    ...[one.lastUsedAtMs === null ? 'never' : timeAgo(one.lastUsedAtMs, nowMs), one.createdBy],
  ]);
  const text =
    rows.length === 0
      ? 'No API token is in force. Make one with `slipway token create`.'
      : table(
          ['ID', 'NAME', 'SCOPES', 'EXPIRES', 'LAST USED', 'MADE BY'],
          rows.map((row) => row.map(oneLine)),
        );
  printResult({ json: tokens.map(apiTokenToJson), text }, place.json === true);
}

async function revoke(id: string, place: TokenOptions, command: Command): Promise<void> {
  await using issuer = await openIssuer(placeOf(place, command));
  const known = await issuer.revokeApiToken(id);
  const text = `Revoked ${oneLine(known.id)} (${oneLine(known.name)}). Running services refuse it within two seconds.`;
  printResult({ json: apiTokenToJson(known), text }, place.json === true);
}

/** People write several with commas, as in `view,publish`. */
function addScopes(text: string, before: readonly TokenScope[] = []): readonly TokenScope[] {
  const scopes = text.split(',').map((word) => TOKEN_SCOPES.find((one) => one === word));
  if (!scopes.includes(undefined)) return [...before, ...scopes.flatMap((one) => one ?? [])];
  throw new InvalidArgumentError(`Allowed choices are ${TOKEN_SCOPES.join(', ')}.`);
}

const CREATE_HELP = `
The token is printed this once; the service keeps its hash only. Scopes:
  view     looking: the screen, status, devices, exposure, explain, plan, Prometheus
  operate  steering rollouts: buttons and requests that the service commits in the token's name
  publish  uploads of artifacts: CI
  enrol    making enrolment tokens: provisioning
  report   plain reports of devices without the agent
  admin    all of these, and API tokens themselves`;

export function addTokenCommand(program: Command): void {
  const tokens = program
    .command('token')
    .description('create tokens: for enrolling devices, and for people and programs that use the service')
    .addHelpText('after', '\n`slipway token enrol --help` shows the options of `slipway token` alone.');
  addPlace(
    tokens
      .command('enrol', { isDefault: true })
      .description('create one-time tokens for enrolling devices (the default: `slipway token` alone does this)')
      .option('--count <n>', 'how many tokens', '1')
      .option('--expires <duration>', 'how long they are valid', DEFAULT_ENROLMENT_TOKEN_LIFETIME)
      .option('--device <id>', 'id of the only device that may use it; required to give an enrolled device a new key')
      .addOption(
        new Option('--label <name=value>', 'label that the device gets and cannot change; repeatable')
          .argParser((text: string, before: string[]) => [...before, text])
          .default([], 'none'),
      ),
  ).action(enrol);
  addPlace(
    tokens
      .command('create')
      .description('create an API token, which opens what its scopes say')
      .requiredOption('--name <name>', 'what the token is for')
      .addOption(
        new Option('--scope <scope...>', 'what it opens; repeatable')
          .choices(TOKEN_SCOPES)
          .argParser(addScopes)
          .makeOptionMandatory(),
      )
      .option('--expires <duration>', 'how long it is valid, or never', DEFAULT_API_TOKEN_LIFETIME),
  )
    .addHelpText('after', CREATE_HELP)
    .action(create);
  addPlace(
    tokens
      .command('list')
      .description('list API tokens and when each was last used; never the tokens themselves')
      .option('--all', 'also those that expired or were revoked in the last 30 days'),
  ).action(list);
  addPlace(
    tokens
      .command('revoke')
      .description('revoke an API token')
      .argument('<id>', 'id of the token, from `slipway token list`'),
  ).action(revoke);
}
