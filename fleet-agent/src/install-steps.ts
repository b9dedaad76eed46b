// Owns what `install` and `uninstall` do to a machine, as steps in order: where each file lies, whose it is and who may read it.
import path from 'node:path';

export const USER = 'slipway-agent';
export const PROGRAMS = '/opt/slipway-agent';
export const CONFIGURATION = '/etc/slipway-agent';
const DATA = '/var/lib/slipway-agent';
const COMMAND = '/usr/local/bin/slipway-agent';
const UNIT = 'slipway-agent.service';
const TOKEN_FILE = `${CONFIGURATION}/agent.env`;

export type InstallStep =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly content: Buffer | string }
  /** Stays as it is where there is one. */
  | { readonly kind: 'first-file'; readonly path: string; readonly mode: number; readonly content: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  /** Of a link only one that leads to `onlyTo`. */
  | { readonly kind: 'remove'; readonly path: string; readonly onlyTo?: string }
  /** Only on the machine that runs, not below `--root`. `mayFail` where there may be nothing to do. */
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly mayFail?: true };

export interface GivenFile {
  readonly name: string;
  readonly content: Buffer;
  /** Its owner alone may read it, so it becomes the agent's own. */
  readonly isPrivate: boolean;
}

export interface InstallFacts {
  readonly programs: readonly { readonly name: string; readonly content: Buffer }[];
  readonly unit: string;
  /** The Node that runs the agent. */
  readonly node: string;
  /** The device's configuration; none leaves what is there. */
  readonly configuration: readonly GivenFile[];
  readonly token: string | null;
  /** Is there enough to run with? */
  readonly isConfigured: boolean;
  /** Folders of packages, not those of the machine's administrator. */
  readonly isPackage: boolean;
}

const FIRST_SETTINGS: InstallStep & { readonly path: string } = {
  kind: 'first-file',
  path: `${CONFIGURATION}/config.yaml`,
  mode: 0o644,
  content: '# Settings of the agent, as `name: value`. `slipway-agent --help` lists them.\n',
};

/** Where systemd looks: what packages bring, and what is made on the machine itself. */
function systemdFiles(isPackage: boolean): { readonly unit: string; readonly users: string } {
  const above = isPackage ? '/usr/lib' : '/etc';
  return { unit: `${above}/systemd/system/${UNIT}`, users: `${above}/sysusers.d/${USER}.conf` };
}

/** May run over an older one, which is how an agent is upgraded. */
export function planInstall(facts: InstallFacts): readonly InstallStep[] {
  const { programs, unit, node, configuration, token, isConfigured, isPackage } = facts;
  const at = systemdFiles(isPackage);
  const folders = [PROGRAMS, CONFIGURATION, path.dirname(COMMAND), path.dirname(at.unit), path.dirname(at.users)];
  const owned = configuration.filter((file) => file.isPrivate).map((file) => path.join(CONFIGURATION, file.name));
  return [
    ...folders.map((folder) => ({ kind: 'folder', path: folder }) as const),
    ...programs.map(({ name, content }) => programStep(name, content)),
    { kind: 'link', path: COMMAND, target: `${PROGRAMS}/slipway-agent.cjs` },
    { kind: 'file', path: at.unit, mode: 0o644, content: unit.replaceAll('/usr/bin/node', node) },
    { kind: 'file', path: at.users, mode: 0o644, content: `u ${USER} - "Slipway device agent" ${DATA}\n` },
    ...configuration.map(({ name, content, isPrivate }): InstallStep => {
      return { kind: 'file', path: path.join(CONFIGURATION, name), mode: isPrivate ? 0o600 : 0o644, content };
    }),
    ...(configuration.some(({ name }) => name === path.basename(FIRST_SETTINGS.path)) ? [] : [FIRST_SETTINGS]),
    ...(token === null ? [] : [{ kind: 'file', path: TOKEN_FILE, mode: 0o600, content: tokenLine(token) } as const]),
    { kind: 'command', argv: ['systemd-sysusers', at.users] },
    ...owned.map((file): InstallStep => ({ kind: 'command', argv: ['chown', `${USER}:`, file] })),
    { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
    { kind: 'command', argv: ['systemctl', 'enable', UNIT] },
    ...(isConfigured ? [{ kind: 'command', argv: ['systemctl', 'restart', UNIT] } as const] : []),
  ];
}

function programStep(name: string, content: Buffer): InstallStep {
  return { kind: 'file', path: path.join(PROGRAMS, name), mode: name === 'slipway-agent.cjs' ? 0o755 : 0o644, content };
}

function tokenLine(token: string): string {
  return `SLIPWAY_AGENT_TOKEN=${token}\n`;
}

/** Leaves the configuration, the device's identity and its models, unless they are to go as well. */
export function planUninstall(isPackage: boolean, purge: boolean): readonly InstallStep[] {
  const at = systemdFiles(isPackage);
  const remains = purge ? [CONFIGURATION, DATA] : [];
  return [
    { kind: 'command', argv: ['systemctl', 'disable', '--now', UNIT], mayFail: true },
    ...[at.unit, at.users].map((file): InstallStep => ({ kind: 'remove', path: file })),
    { kind: 'remove', path: COMMAND, onlyTo: `${PROGRAMS}/slipway-agent.cjs` },
    ...[PROGRAMS, ...remains].map((folder): InstallStep => ({ kind: 'remove', path: folder })),
    { kind: 'command', argv: ['systemctl', 'daemon-reload'] },
    ...(purge ? [{ kind: 'command', argv: ['userdel', USER], mayFail: true } as const] : []),
  ];
}

/** One line of a dry run; what stands in files is nobody's to read there. */
export function describeStep(step: InstallStep): string {
  switch (step.kind) {
    case 'folder':
      return `folder   ${step.path}`;
    case 'file':
      return `write    ${step.path} (${step.mode.toString(8)})`;
    case 'first-file':
      return `write    ${step.path} (${step.mode.toString(8)}) unless there is one`;
    case 'link':
      return `link     ${step.path} -> ${step.target}`;
    case 'remove':
      return `remove   ${step.path}`;
    case 'command':
      return `run      ${step.argv.join(' ')}`;
  }
}
