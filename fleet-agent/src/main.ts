// Owns the command `slipway-agent`: the only place that reads environment and command line, and chooses implementations.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { SystemClock } from '../../src/base/clock.ts';
import { endWithParent } from '../../src/base/end-with-parent.ts';
import { CodedError, EXIT_CODES, errorToJson, formatError, toCodedError } from '../../src/base/errors.ts';
import { createLogger, type Logger, silentLogger } from '../../src/base/logger.ts';
import { SystemRandom } from '../../src/base/random.ts';
import { createAgent } from './agent.ts';
import { AGENT_VERSION } from './agent-options.ts';
import { askFromFile } from './ask.ts';
import { findFolderProblems } from './device-problems.ts';
import { installOrUninstall } from './install.ts';
import { ArtifactCredentials } from './link/artifact-credentials.ts';
import { readRefusal } from './link/directive-refusal.ts';
import { joinUrl } from './link/http.ts';
import { HttpServiceLink } from './link/http-service-link.ts';
import { Identity } from './link/identity.ts';
import { type ModelHost, processHost } from './model/model-host.ts';
import { OnnxHost } from './model/onnx-host.ts';
import { DeviceFolder } from './record/device-folder.ts';
import { Journal } from './record/journal.ts';
import { type AgentSettings, describeSettings, readSettings } from './settings.ts';
import { type AgentStatus, formatStatus, statusOf } from './status.ts';
import { TrustFile } from './trust-file.ts';

const HELP = `Usage: slipway-agent <command> [settings]

  slipway-agent run     follow the fleet's directive: install, serve and report models
  slipway-agent status  show the models on this device, from its data folder (--json)
  slipway-agent ask --requests FILE --model NAME --endpoint-port PORT [--rate 10] [--duration 5m]
                        try a device of this machine: send the requests of a file (one a line) or of a folder (.json
                        files), as many a second, once or for a time; repeat --endpoint-port for several devices
  slipway-agent install [--from DIR] [--node FILE] [--root DIR] [--dry-run]
                        install or upgrade it as a service of systemd with its own user; --from holds config.yaml and
                        the files that it names, --root is another root folder, such as a package's
  slipway-agent uninstall [--purge] [--root DIR] [--dry-run]
                        remove it; --purge removes configuration, identity and models as well

Settings, as flags, in the YAML file of --config (names in camelCase), or as environment variables:
${describeSettings()}
`;

const clock = new SystemClock();

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === undefined || command === 'help' || args.includes('--help')) {
    process.stdout.write(HELP);
    return command === undefined ? 2 : 0;
  }
  if (command === '--version' || command === 'version') {
    process.stdout.write(`${AGENT_VERSION}\n`);
    return 0;
  }
  if (command === 'install' || command === 'uninstall') {
    const print = (line: string): boolean => process.stdout.write(`${line}\n`);
    await installOrUninstall({ command, args: rest, environment: process.env, programs: programFolder(), print });
    return 0;
  }
  if (command === 'ask') {
    const print = (line: string): boolean => process.stdout.write(`${line}\n`);
    const { signal } = stopOnSignals(silentLogger);
    return (await askFromFile({ args: rest, clock, print, signal })) ? 0 : 1;
  }
  const settings = readSettings({
    args: rest,
    environment: process.env,
    readConfig: (file) => readInput(file, 'AGENT_SETTING', 'Check the path given with --config.').toString('utf8'),
  });
  if (command === 'run') return run(settings);
  if (command === 'status') return showStatus(settings);
  throw new CodedError({
    code: 'AGENT_COMMAND',
    message: `Unknown command "${command}".`,
    remedy: 'See `slipway-agent --help`.',
  });
}

function readInput(file: string, code: string, remedy: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CodedError({ code, message: `${file} can't be read.`, remedy, cause });
  }
}

async function readRoot(file: string): Promise<Buffer> {
  return readInput(file, 'AGENT_ROOT_UNREADABLE', "Copy the fleet's root.json to this device, and restart the agent.");
}

async function run(settings: AgentSettings): Promise<number> {
  // What the agent writes is for others to read, and nobody's but its own to change, whatever started it.
  process.umask(process.umask() | 0o022);
  const { data, id, server, distribution, token, labels, properties, endpointPort, onSwitch, reserveBytes } = settings;
  const address = server ?? distribution ?? fail('server', 'the address of the service (or set `distribution`)');
  const distributionUrl = distribution ?? joinUrl(address, 'distribution');
  // The service publishes the folder as well: it helps out where a content network sends something else.
  const mirrorUrls = server === null || distribution === null ? [] : [joinUrl(server, 'distribution')];
  const { artifactCredentials: credentials } = settings;
  const trustFile = settings.trust ?? fail('trust', 'the trust policy');
  const rootFile = settings.root ?? fail('root', "the fleet's TUF root");
  const problems: CodedError[] = [];
  // Models that were committed serve, whatever became of the files beside them; a device without any is set up first.
  const hasModels = (await new DeviceFolder(data).listModels().catch(() => [])).length > 0;
  const trust = await TrustFile.open(trustFile).catch((thrown: unknown) => {
    if (!hasModels) throw thrown;
    problems.push(toCodedError(thrown));
    return TrustFile.unread(trustFile);
  });
  const logger = createLogger({
    least: settings.logLevel,
    pretty: process.stderr.isTTY === true,
    now: () => clock.now(),
    write: (line) => process.stderr.write(line),
  });
  const stop = stopOnSignals(logger);
  const host = openHost(settings);
  const agent = createAgent({
    ...{
      id,
      folder: data,
      distributionUrl,
      mirrorUrls,
      token,
      artifactCredentials:
        credentials === null ? null : new ArtifactCredentials({ file: credentials, environment: process.env }),
      labels,
      properties: () => properties,
      factoryRoot: () => readRoot(rootFile),
      host,
      onSwitch,
    },
    link: server === null ? null : new HttpServiceLink({ serverUrl: server, clock }),
    ...{
      verifier: trust.verifier,
      trustFingerprint: () => trust.fingerprint,
      onTrust: trust.usePublished,
      endpointPort,
      reserveBytes,
    },
    bytesPerSecondMost: settings.bytesPerSecondMost,
    intervals: { pollMs: settings.pollMs, reportMs: settings.reportMs },
    ...{ problems, clock, random: new SystemRandom(), logger },
  });
  void agent.started.then(
    ({ endpointPort: port }) => logger.info('started', { device: id, version: AGENT_VERSION, endpointPort: port }),
    () => undefined,
  );
  try {
    await Promise.all([agent.run(stop.signal), trust.watch(clock, logger, stop.signal)]);
  } finally {
    stop.abort();
    await host.close();
  }
  return 0;
}

function fail(name: string, what: string): never {
  throw new CodedError({
    code: 'AGENT_SETTING',
    message: `\`${name}\` is not set. It is ${what}.`,
    remedy: `Pass --${name}, or set \`${name}:\` in the file of --config.`,
  });
}

/** First signal: stop in order. Second: at once. */
function stopOnSignals(logger: Logger): AbortController {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(130);
      logger.info('stopping', { signal: name });
      stop.abort();
    });
  }
  return stop;
}

/** The command may be a link, as npm and `install` make one. */
function programFolder(): string {
  return path.dirname(realpathSync(process.argv[1] ?? '.'));
}

/** Beside the bundle lies the host's bundle; in a checkout the sources are run as they are. */
function openHost(settings: AgentSettings): ModelHost {
  if (settings.runtime === 'process') return processHost;
  const folder = programFolder();
  const bundled = path.join(folder, 'onnx-host.cjs');
  const threadFile = existsSync(bundled) ? bundled : path.join(folder, 'model', 'onnx-thread.ts');
  if (existsSync(threadFile)) return new OnnxHost({ clock, threadFile });
  throw new CodedError({
    code: 'AGENT_RUNTIME_MISSING',
    message: `The ONNX host ${bundled} is missing.`,
    remedy: 'Copy onnx-host.cjs beside slipway-agent.cjs, or set `runtime: process`.',
  });
}

function journalError(file: string, found: 'corrupt' | 'unreadable'): CodedError {
  return new CodedError({
    code: 'AGENT_JOURNAL',
    message: `The journal ${file} is ${found}, so nothing is known of that model.`,
    remedy: 'Restart the agent: it rebuilds the journal from the slots. If it stays so, check the disk.',
  });
}

/** Reads the journals alone: works beside a running agent and without one. */
async function showStatus(settings: AgentSettings & { readonly json: boolean }): Promise<number> {
  const folder = new DeviceFolder(settings.data);
  if (!existsSync(path.join(folder.root, 'models'))) {
    throw new CodedError({
      code: 'AGENT_DATA',
      message: `${folder.root} is not the data folder of an agent.`,
      remedy: 'Pass the right folder with --data, or the configuration with --config.',
    });
  }
  const journal = new Journal(folder);
  const records = [];
  const problems = await findFolderProblems(folder);
  for (const model of await folder.listModels()) {
    const reading = await journal.peek(model);
    if (reading.kind === 'whole') records.push({ record: reading.record, serving: undefined });
    else if (reading.kind !== 'absent') problems.push(journalError(folder.recordFile(model), reading.kind));
  }
  // The folder knows its device once it has enrolled; until then the settings do.
  const device = (await Identity.storedDevice(folder)) ?? settings.id;
  const refusal = await readRefusal(folder.refusalFile);
  const status: AgentStatus = statusOf(device, records, refusal, problems);
  process.stdout.write(settings.json ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
  return 0;
}

endWithParent();
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (thrown: unknown) => {
    const error = toCodedError(thrown);
    const isJson = process.argv.includes('--json');
    process.stderr.write(isJson ? `${JSON.stringify(errorToJson(error))}\n` : `${formatError(error)}\n`);
    if (error.kind === 'bug' && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    process.exitCode = EXIT_CODES[error.kind];
  },
);
