// Owns a runner of composite actions for tests: their steps by bash, as GitHub's runner starts them, with the files and variables that it gives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ACTIONS = fileURLToPath(new URL('../../.github/actions', import.meta.url));

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}

interface Action {
  readonly inputs?: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export interface Place {
  /** GITHUB_WORKSPACE: where actions/checkout has put the repository. */
  readonly workspace: string;
  /** A folder of this job alone. */
  readonly temporary: string;
  /** What the job has besides, such as the address that gives identity tokens. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Folder of the actions; that of this project unless a test says so. */
  readonly actions?: string;
}

export interface JobEnd {
  /** As the runner shows it: 0 when no step failed. */
  readonly code: number;
  readonly log: string;
  /** The lines that the runner takes as commands. */
  readonly commands: readonly string[];
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
}

const UNLESS_CANCELLED = '$' + '{{ !cancelled() }}';

type Known = Readonly<Record<string, string>>;

/** The expressions that the actions use; any other is a mistake of the test or of the action. */
function evaluate(text: string, known: Known): string {
  return text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const value = known[expression];
    if (value === undefined) throw new Error(`the runner of this test does not know \${{ ${expression} }}`);
    return value;
  });
}

/** `name=value`, and values of several lines between two marks. */
function readOutputs(file: string): Known {
  const found: Record<string, string> = {};
  const lines = readFileSync(file, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, name, mark] = /^([\w-]+)<<(.+)$/.exec(line) ?? [];
    if (name !== undefined && mark !== undefined) {
      const end = lines.indexOf(mark, at + 1);
      if (end < 0) throw new Error(`the output ${name} has no end`);
      found[name] = lines.slice(at + 1, end).join('\n');
      at = end;
    } else if (line !== '') {
      const equals = line.indexOf('=');
      if (equals < 1) throw new Error(`no output: ${line}`);
      found[line.slice(0, equals)] = line.slice(equals + 1);
    }
  }
  return found;
}

/** One step's script: exit code and what it printed, both streams in one log as the runner shows them. */
export async function runScript(
  script: string,
  { folder, temporary, env }: { readonly folder: string; readonly temporary: string; readonly env: Known },
): Promise<{ readonly code: number; readonly log: string }> {
  const file = path.join(temporary, 'step.sh');
  writeFileSync(file, script);
  const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, log: Buffer.concat(chunks).toString('utf8') };
}

function commandsOf(log: string): string[] {
  return log.split('\n').filter((line) => /^\s*::|##\[/.test(line));
}

function conditionHolds(condition: string | undefined, hasFailed: boolean, known: Known): boolean {
  switch (condition) {
    case undefined:
      return !hasFailed;
    case UNLESS_CANCELLED:
      return true;
    default:
      throw new Error(`the runner of this test does not know the condition ${evaluate(condition, known)}`);
  }
}

/** Runs `.github/actions/<name>` as a step of a job. Steps that use other actions are left out: Node and Git are there. */
export async function runAction(name: string, inputs: Known, place: Place): Promise<JobEnd> {
  const folder = path.join(place.actions ?? ACTIONS, name);
  const action = parse(readFileSync(path.join(folder, 'action.yml'), 'utf8')) as Action;
  const declared = action.inputs ?? {};
  for (const given of Object.keys(inputs)) if (!(given in declared)) throw new Error(`${name} has no input ${given}`);
  const known: Record<string, string> = {};
  for (const [input, { default: fallback, required }] of Object.entries(declared)) {
    if (required === true && inputs[input] === undefined) throw new Error(`${name} needs the input ${input}`);
    known[`inputs.${input}`] = inputs[input] ?? evaluate(fallback ?? '', { 'github.token': 'token-of-the-job' });
  }
  const temporary = mkdtempSync(path.join(place.temporary, 'job-'));
  const file = (of: string): string => {
    writeFileSync(path.join(temporary, of), '');
    return path.join(temporary, of);
  };
  const files = { summary: file('summary'), environment: file('environment'), path: file('path') };
  mkdirSync(path.join(temporary, 'home'));
  const given = {
    PATH: process.env.PATH ?? '',
    HOME: path.join(temporary, 'home'),
    ...{ CI: 'true', GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: place.workspace, RUNNER_TEMP: temporary },
    ...{ GITHUB_STEP_SUMMARY: files.summary, GITHUB_ENV: files.environment, GITHUB_PATH: files.path },
    ...{ GITHUB_ACTION_PATH: folder, GITHUB_REPOSITORY: 'acme/models', GITHUB_SERVER_URL: 'https://github.com' },
    GIT_CONFIG_NOSYSTEM: '1',
    ...place.environment,
  };
  let code = 0;
  let log = '';
  for (const step of action.runs.steps) {
    if (!conditionHolds(step.if, code !== 0, known) || step.run === undefined) continue;
    if (step.shell !== 'bash') throw new Error(`the step ${step.name} is not for bash`);
    const output = file('output');
    const env = { ...given, GITHUB_OUTPUT: output };
    for (const [variable, value] of Object.entries(step.env ?? {}))
      Object.assign(env, { [variable]: evaluate(value, known) });
    const ran = await runScript(step.run, { folder: place.workspace, temporary, env });
    code ||= ran.code;
    log += ran.log;
    for (const [key, value] of Object.entries(readOutputs(output))) known[`steps.${step.id}.outputs.${key}`] = value;
  }
  const outputs = Object.entries(action.outputs ?? {}).map(([key, { value }]) => {
    const expression = /^\$\{\{\s*(.*?)\s*\}\}$/.exec(value)?.[1] ?? '';
    return [key, known[expression] ?? ''] as const;
  });
  return {
    ...{ code, log, outputs: Object.fromEntries(outputs), summary: readFileSync(files.summary, 'utf8') },
    commands: commandsOf(log),
  };
}

interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

/** Brings a repository into a folder of the workspace; undefined is the caller's own. */
export type Checkout = (repository: string | undefined, folder: string) => Promise<void>;

/** Runs a job of a workflow up to the step that fails; actions that it takes from a checkout run too. `known`: the values of its expressions. */
export async function runJob(
  file: string,
  name: string,
  { known, checkout, ...place }: Place & { readonly known: Known; readonly checkout: Checkout },
): Promise<Pick<JobEnd, 'code' | 'log' | 'commands' | 'summary'>> {
  const job = (parse(readFileSync(file, 'utf8')) as Workflow).jobs[name];
  if (job === undefined) throw new Error(`there is no job ${name}`);
  let log = '';
  let summary = '';
  for (const step of job.steps) {
    if (step.if !== undefined && evaluate(step.if, known) !== 'true') continue;
    const inputs = Object.entries(step.with ?? {}).map(
      ([key, value]) => [key, evaluate(String(value), known)] as const,
    );
    const given = Object.fromEntries(inputs);
    let code = 0;
    if (step.uses?.startsWith('actions/checkout@')) {
      await checkout(given.repository, path.join(place.workspace, given.path ?? '.'));
    } else if (step.uses?.startsWith('./')) {
      const at = path.join(place.workspace, step.uses);
      const end = await runAction(path.basename(at), given, { ...place, actions: path.dirname(at) });
      code = end.code;
      log += end.log;
      summary += end.summary;
    } else if (step.run !== undefined) {
      const entries = Object.entries(step.env ?? {}).map(([key, value]) => [key, evaluate(value, known)]);
      const env = { PATH: process.env.PATH ?? '', ...Object.fromEntries(entries) };
      const ran = await runScript(step.run, { folder: place.workspace, temporary: place.temporary, env });
      code = ran.code;
      log += ran.log;
    } else throw new Error(`the runner of this test does not know ${step.uses}`);
    if (code !== 0) return { code, log, summary, commands: commandsOf(log) };
  }
  return { code: 0, log, summary, commands: commandsOf(log) };
}
