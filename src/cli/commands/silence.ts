// Owns `slipway silence`, `silences` and `unsilence`: keep an alert from people for a time.
import { type Command, Option } from 'commander';
import { SystemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { formatDuration } from '../../contract/duration.ts';
import { accessTo, askService, unreachable } from '../ask-service.ts';
import { readLiveView } from '../live-status.ts';
import { printResult, table } from '../output.ts';
import { INSECURE_HTTP } from '../service-settings.ts';
import { serverOption, TOKEN_OF_SERVER } from '../settings.ts';

interface ServerOptions {
  readonly server?: string;
  readonly insecureHttp?: boolean;
  readonly json?: boolean;
}

interface SilenceJson {
  readonly id: string;
  readonly alert: string | null;
  readonly rollout: string | null;
  readonly reason: string;
  readonly by: string;
  readonly until: string;
}

function addServer(command: Command): Command {
  return command
    .addOption(serverOption(TOKEN_OF_SERVER))
    .option('--insecure-http', INSECURE_HTTP)
    .option('--json', 'print JSON');
}

function serverIn({ server }: ServerOptions): string {
  if (server !== undefined) return server;
  throw new CodedError({
    code: 'USAGE',
    message: 'Silences are kept by the service, and none is named.',
    remedy: 'Pass --server, or set SLIPWAY_SERVER.',
  });
}

function ask(options: ServerOptions, question: Parameters<typeof askService>[0]): Promise<unknown> {
  return askService(question, accessTo(serverIn(options), options.insecureHttp), new SystemClock());
}

/** `1 h 59 min`. */
function left(until: string): string {
  return formatDuration(Math.max(0, Math.round((Date.parse(until) - new SystemClock().now()) / 1000) * 1000));
}

function subjectOf({ alert, rollout }: SilenceJson): string {
  return alert === null ? `rollout ${rollout}` : `alert ${alert.slice(0, 12)}`;
}

async function silence(
  what: string,
  { for: time, reason, ...options }: ServerOptions & { readonly for: string; readonly reason: string },
): Promise<void> {
  const body = { what, for: time, reason };
  const made = (await ask(options, { method: 'POST', path: '/v1/silences', body })) as SilenceJson;
  const text = `${subjectOf(made)} is silenced until ${made.until}. End it with \`slipway unsilence ${made.id}\`.`;
  printResult({ json: made, text }, options.json === true);
}

async function list(options: ServerOptions): Promise<void> {
  const server = serverIn(options);
  const { silences } = (await ask(options, { method: 'GET', path: '/v1/silences' })) as { silences?: SilenceJson[] };
  if (!Array.isArray(silences)) throw unreachable(server, 'its answer is another one');
  const { service } = await readLiveView({ server, insecureHttp: options.insecureHttp, rollout: undefined });
  const rows = silences.map((one) => [one.id, subjectOf(one), left(one.until), one.by, one.reason]);
  const alerts = service.alerts.map(({ id, kind, rollout, silenced }) => [
    ...[id.slice(0, 12), kind, rollout ?? 'the service', silenced === undefined ? 'no' : 'yes'],
  ]);
  const text = [
    rows.length === 0 ? 'Nothing is silenced.' : table(['SILENCE', 'OF', 'FOR', 'BY', 'REASON'], rows),
    alerts.length === 0 ? 'No alert stands.' : table(['ALERT', 'KIND', 'ABOUT', 'SILENCED'], alerts),
  ].join('\n\n');
  printResult({ json: { silences, alerts: service.alerts }, text }, options.json === true);
}

async function unsilence(id: string, options: ServerOptions): Promise<void> {
  const path = `/v1/silences/${encodeURIComponent(id)}`;
  const ended = (await ask(options, { method: 'DELETE', path })) as SilenceJson;
  printResult({ json: ended, text: `${subjectOf(ended)} is not silenced any more.` }, options.json === true);
}

export function addSilenceCommands(program: Command): void {
  addServer(
    program
      .command('silence')
      .description('keep an alert, or all alerts of a rollout, from people for a time')
      .argument('<alert|rollout>', 'id of an alert (`slipway silences` lists them), or a rollout'),
  )
    .addOption(new Option('--for <duration>', 'how long, such as 2h; at most 30d').makeOptionMandatory())
    .addOption(new Option('--reason <text>', 'why; others read it').makeOptionMandatory())
    .action(silence);
  addServer(program.command('silences').description('list silences, and the alerts that stand')).action(list);
  addServer(program.command('unsilence').description('end a silence').argument('<id>', 'id of the silence')).action(
    unsilence,
  );
}
