// Owns the check that no file speaks of the machine it was written on: home folders, checkouts, package mirrors.
import os from 'node:os';
import path from 'node:path';

export interface TracedFile {
  readonly path: string;
  readonly text: string;
}

export interface Trace {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export interface Machine {
  /** Folder of this checkout. */
  readonly checkout: string;
  readonly home: string;
  /** The package registry that npm asks here, if it is not the public one. */
  readonly registry: string | undefined;
}

const PUBLIC_REGISTRY = 'registry.npmjs.org';
/** Home folders of any machine, whoever wrote the line. */
const HOME_FOLDER = /(?<![\w.-])\/(?:home|Users)\/[\w-]+\//;
/** A lock file must hold integrity only, so that it installs from any mirror. */
const RESOLVED_ADDRESS = /"resolved": "https?:/;

export function thisMachine(checkout: string, registryUrl: string): Machine {
  const host = URL.canParse(registryUrl) ? new URL(registryUrl).host : '';
  return { checkout, home: os.homedir(), registry: host === '' || host === PUBLIC_REGISTRY ? undefined : host };
}

/** Folders that every machine has say nothing about this one, even when the checkout lies in them. */
const GENERAL_FOLDERS = ['/', '/tmp', '/home', '/opt', '/srv', '/usr', '/var', '/usr/src', '/usr/local', '/var/lib'];

function specificFolders(machine: Machine): string[] {
  const folders = [path.dirname(machine.checkout), machine.home];
  return folders.filter((folder) => !GENERAL_FOLDERS.includes(folder)).map((folder) => `${folder}/`);
}

export function findMachineTraces(files: readonly TracedFile[], machine: Machine): Trace[] {
  const folders = specificFolders(machine);
  const judge = (line: string): string | undefined => {
    const folder = folders.find((one) => line.includes(one));
    if (folder !== undefined || HOME_FOLDER.test(line)) return 'names a folder of one machine: use a relative path';
    if (machine.registry !== undefined && line.includes(machine.registry)) return 'names a package mirror: remove it';
    if (RESOLVED_ADDRESS.test(line)) return 'holds a resolved address: run npm with omit-lockfile-registry-resolved';
    return undefined;
  };
  return files.flatMap((file) =>
    file.text.split('\n').flatMap((line, index) => {
      const message = judge(line);
      return message === undefined ? [] : [{ path: file.path, line: index + 1, message }];
    }),
  );
}
