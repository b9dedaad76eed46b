// Owns `slipway-agent install` and `uninstall`: reads what is to be installed, shows the steps or carries them out.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, readlink, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { parseArgs, promisify } from 'node:util';
import { readBoundedFile } from '../../src/base/bounded-file.ts';
import { writeFileDurably } from '../../src/base/durable-file.ts';
import { CodedError } from '../../src/base/errors.ts';
import { parseTrustPolicy } from '../../src/contract/trust/parse-trust-policy.ts';
import { filesOf } from '../../src/contract/trust/trust-policy.ts';
import {
  CONFIGURATION,
  describeStep,
  type GivenFile,
  type InstallStep,
  planInstall,
  planUninstall,
} from './install-steps.ts';
import { readSettings } from './settings.ts';

const PROGRAM_FILES = ['slipway-agent.cjs', 'onnx-host.cjs', 'slipway-agent.service'] as const;
/** A configuration is a few small files; whatever else is meant by mistake, such as a home folder. */
const MOST_FILES = 32;
const MOST_FILE_BYTES = 1024 * 1024;
const COMMAND_LIMIT_MS = 120_000;

export interface InstallOrder {
  readonly command: 'install' | 'uninstall';
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of the built agent. */
  readonly programs: string;
  readonly print: (line: string) => void;
}

function installError(message: string, remedy: string, cause?: unknown): CodedError {
  return new CodedError({ code: 'AGENT_INSTALL', message, remedy, cause });
}

/** Throws AGENT_INSTALL, and AGENT_SETTING and what parsing the trust policy throws for a configuration that is none, before anything is changed. */
export async function installOrUninstall(order: InstallOrder): Promise<void> {
  const { root, from, node, purge, isDry } = parseFlags(order);
  const isPackage = root !== '/';
  const token = order.environment.SLIPWAY_AGENT_TOKEN || null;
  const configuration = from === null ? [] : readConfiguration(from);
  const isConfigured = from === null ? isMadeBefore(root) : assertUsable(from);
  if (from !== null) await assertKeys(from);
  if (isPackage && token !== null)
    throw installError(
      'A token stands in SLIPWAY_AGENT_TOKEN.',
      'Unset it: a token is for one device, not for a package.',
    );
  const steps =
    order.command === 'install'
      ? planInstall({ ...readPrograms(order.programs), node, configuration, token, isConfigured, isPackage })
      : planUninstall(isPackage, purge);
  const taken = steps.filter((step) => !(isPackage && step.kind === 'command'));
  if (!isDry && !isPackage && process.getuid?.() !== 0)
    throw installError('Only root can do that.', 'Run it with sudo, or look first with --dry-run.');
  for (const step of taken) {
    if (isDry) order.print(describeStep(step));
    else await carryOut(step, root);
  }
  if (isDry || order.command === 'uninstall') return;
  order.print(
    isConfigured || isPackage
      ? 'installed'
      : `installed, not started: put config.yaml, root.json and the trust policy into ${CONFIGURATION}, then run \`systemctl restart slipway-agent\``,
  );
}

function parseFlags({ command, args }: InstallOrder) {
  const options = {
    root: { type: 'string', default: '/' },
    from: { type: 'string' },
    node: { type: 'string', default: process.execPath },
    purge: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    const foreign = command === 'install' ? values.purge && '--purge' : values.from !== undefined && '--from';
    if (foreign) throw new Error(`${command} has no ${foreign}`);
    if (!/^\/[\w./+-]*$/.test(values.node)) throw new Error(`--node ${values.node} is no absolute path without spaces`);
    // The unit hides these folders from the service.
    if (command === 'install' && /^\/(home|root|run\/user|tmp)\//.test(values.node))
      throw new Error(
        `a service can't use the Node of ${values.node}; pass another with --node, such as /usr/bin/node`,
      );
    const { purge, 'dry-run': isDry } = values;
    const from = values.from === undefined ? null : path.resolve(values.from);
    return { root: path.resolve(values.root), from, node: values.node, purge, isDry };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw installError(`These options can't be used: ${why}.`, 'See `slipway-agent --help`.', error);
  }
}

function readPrograms(folder: string) {
  try {
    const [agent, host, unit] = PROGRAM_FILES.map((name) => ({ name, content: readFileSync(path.join(folder, name)) }));
    const programs = [agent, host, unit].filter((file) => file !== undefined);
    return { programs, unit: String(unit?.content) };
  } catch (cause) {
    const remedy =
      'Run it from the built agent, with its three files in one folder (`npm run build:agent` makes them).';
    throw installError(`${folder} does not hold the built agent.`, remedy, cause);
  }
}

/** Ends at the first file too many, so that a wrong folder is not read whole. */
function namesIn(folder: string, below = ''): string[] {
  const names: string[] = [];
  for (const entry of readdirSync(path.join(folder, below), { withFileTypes: true })) {
    const name = path.join(below, entry.name);
    names.push(...(entry.isDirectory() ? namesIn(folder, name) : [name]));
    if (names.length > MOST_FILES) throw new Error(`it has more than ${MOST_FILES} files`);
  }
  return names;
}

/** The files of a folder and of those in it; what is neither file nor link to one is left out. */
function readConfiguration(folder: string): GivenFile[] {
  try {
    const files = namesIn(folder).filter((name) => statSync(path.join(folder, name)).isFile());
    return files.map((name) => {
      const { size, mode } = statSync(path.join(folder, name));
      if (size > MOST_FILE_BYTES) throw new Error(`${name} is larger than ${MOST_FILE_BYTES} bytes`);
      return { name, content: readFileSync(path.join(folder, name)), isPrivate: (mode & 0o077) === 0 };
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw installError(
      `${folder} can't be read as a configuration: ${why}.`,
      'Pass a folder with config.yaml and what it names.',
      cause,
    );
  }
}

/** What the agent would say at its start is said before it is installed. */
function assertUsable(folder: string): true {
  const settings = settingsIn(folder);
  for (const name of ['trust', 'root'] as const) {
    const file = settings[name];
    if (file === null)
      throw installError(
        `config.yaml does not set \`${name}\`.`,
        'A device needs `trust`, `root` and `server` (or `distribution`).',
      );
    if (isWithin(folder, file) && !isFile(file))
      throw installError(`config.yaml names ${file}, which is not there.`, `Put the file of \`${name}\` there.`);
  }
  if (settings.server === null && settings.distribution === null)
    throw installError('config.yaml sets neither `server` nor `distribution`.', 'Add the address of the service.');
  return true;
}

/** An agent without models does not start without the files that its trust policy names. */
async function assertKeys(folder: string): Promise<void> {
  const { trust } = settingsIn(folder);
  if (trust === null || !isWithin(folder, trust)) return;
  for (const name of filesOf(parseTrustPolicy(await readBoundedFile(trust, MOST_FILE_BYTES), trust))) {
    const file = path.resolve(path.dirname(trust), name);
    if (isWithin(folder, file) && !isFile(file))
      throw installError(
        `The trust policy names ${file}, which is not there.`,
        'Put the key there, as it lies in the home.',
      );
  }
}

function isWithin(folder: string, file: string): boolean {
  return !path.relative(folder, file).startsWith('..');
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function settingsIn(folder: string) {
  const args = ['--config', path.join(folder, 'config.yaml')];
  const readConfig = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw installError(`${file} can't be read.`, 'Pass a folder with config.yaml with --from.', cause);
    }
  };
  return readSettings({ args, environment: {}, readConfig });
}

/** An upgrade starts the agent again with what it had. */
function isMadeBefore(root: string): boolean {
  try {
    return assertUsable(path.join(root, CONFIGURATION));
  } catch {
    return false;
  }
}

async function carryOut(step: InstallStep, root: string): Promise<void> {
  const at = step.kind === 'command' ? '' : path.join(root, step.path);
  try {
    switch (step.kind) {
      case 'folder':
        await mkdir(at, { recursive: true, mode: 0o755 });
        return;
      case 'first-file':
        if (statSync(at, { throwIfNoEntry: false }) !== undefined) return;
        return await writeWithMode(at, step.content, step.mode);
      case 'file':
        return await writeWithMode(at, step.content, step.mode);
      case 'link':
        await rm(at, { force: true });
        return await symlink(step.target, at);
      case 'remove':
        if (step.onlyTo !== undefined && (await readlink(at).catch(() => null)) !== step.onlyTo) return;
        return await rm(at, { recursive: true, force: true });
      case 'command': {
        const [program, ...args] = step.argv;
        await promisify(execFile)(program, args, { timeout: COMMAND_LIMIT_MS });
      }
    }
  } catch (cause) {
    if (step.kind === 'command' && step.mayFail) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw installError(
      `"${describeStep(step)}" failed: ${why.trim()}.`,
      'Mend that, and run the same again: it goes on from any state.',
      cause,
    );
  }
}

/** Its folder too, where the configuration has folders; the umask of whoever installs takes nothing away. */
async function writeWithMode(file: string, content: Buffer | string, mode: number): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
  await writeFileDurably(file, content, mode);
  await chmod(file, mode);
}
