#!/usr/bin/env node
// Owns the choice of Node: runs a command with Node 24 or later first on PATH, started from any Node 20 or later.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const LEAST_MAJOR = 24;
// Node keeps compiled code there, so that a command starts in half the time. Beside the packages, not in the shared
// temporary folder: whoever may write there decides what runs. Node goes on without it where it can't write.
const COMPILED_CODE = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

/** Folder that holds a `node` of version 24 or later, or undefined when the running one will do. */
export function findNodeFolder() {
  if (Number(process.versions.node.split('.')[0]) >= LEAST_MAJOR) return path.dirname(process.execPath);
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  try {
    const folder = path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return path.join(folder, 'bin');
  } catch {
    process.stderr.write(
      `NODE_TOO_OLD\n  This needs Node ${LEAST_MAJOR} or later, and ${process.version} is running.\n` +
        `  Install Node ${LEAST_MAJOR}, or install the packages again without --omit=optional so that ${name} is present.\n`,
    );
    process.exit(1);
  }
}

/**
 * Runs a command with that Node first on PATH, passes signals on, and exits as the command did. `isWatching` gives it a channel by
 * which it hears when this process is gone, however it was ended.
 */
export function runWithNode24(command, args, { isWatching = false } = {}) {
  const folder = findNodeFolder();
  const isNode = command === 'node';
  const executable = isNode ? path.join(folder, process.platform === 'win32' ? 'node.exe' : 'node') : command;
  const env = {
    NODE_COMPILE_CACHE: COMPILED_CODE,
    ...process.env,
    PATH: folder + path.delimiter + (process.env.PATH ?? ''),
  };
  const child = spawn(executable, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...(isWatching ? ['ipc'] : [])],
    env,
    shell: process.platform === 'win32' && !isNode,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`COMMAND_NOT_STARTED\n  ${command}: ${error.message}\n  Run \`npm ci\` first.\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 128 + os.constants.signals[signal] : (code ?? 1)));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [command, ...args] = process.argv.slice(2);
  runWithNode24(command, args);
}
