// Owns the lock of a data folder: one agent at a time, freed by the operating system when its process dies.
import { type FileHandle, lstat, mkdir, open, rename, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';

const SOCKET = 'agent.lock';
const TAKEOVER = 'agent.lock.takeover';
/** A socket's address holds 107 bytes on Linux, 103 on macOS. */
const LONGEST_ADDRESS = 103;
const PAUSE_MS = 50;
/** A takeover takes two pauses; one that stands this many was left by a process that died in it. */
const MOST_PAUSES = 40;
/** Waiting ends after so many, whoever takes over in between. */
const MOST_WAITS = 4 * MOST_PAUSES;

/** A living agent has the folder. Every other error says only that it can't be locked. */
export class FolderHeld extends CodedError {}

function busy(folder: string): CodedError {
  return new FolderHeld({
    code: 'AGENT_DATA_BUSY',
    message: `Another agent is using the data folder ${folder}.`,
    remedy: 'Stop the other agent, or give this one its own data folder with --data.',
  });
}

/** Something lies where the lock's own files are, and no agent put it there: it is not ours to remove. */
function blocked(file: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'AGENT_DATA_BUSY',
    message: `${file} blocks the lock of the data folder.`,
    remedy: 'Check that no other agent is using this folder, then remove that file or folder.',
    cause,
  });
}

interface Address extends AsyncDisposable {
  readonly text: string;
}

/** The socket's address. If its path is too long for one, Linux reaches it through the folder's handle. */
async function addressIn(folder: string): Promise<Address> {
  const text = path.join(folder, SOCKET);
  if (Buffer.byteLength(text) <= LONGEST_ADDRESS) return { text, [Symbol.asyncDispose]: async () => undefined };
  if (process.platform !== 'linux') {
    throw new CodedError({
      code: 'AGENT_DATA',
      message: `The path of the data folder ${folder} is too long.`,
      remedy: `Use a path of at most ${LONGEST_ADDRESS - SOCKET.length - 1} bytes with --data.`,
    });
  }
  const handle: FileHandle = await open(folder, 'r');
  return { text: `/proc/self/fd/${handle.fd}/${SOCKET}`, [Symbol.asyncDispose]: () => handle.close() };
}

/** Undefined when the address is taken, by a living process or a dead one. */
async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((visitor) => visitor.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => {
      server.on('error', () => undefined);
      // The lock keeps nobody alive.
      resolve(server.unref());
    });
  });
}

/** Does a process listen? The system answers for it, however busy or stopped it is; after its death, however it died, with a refusal. */
async function isHeld(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const visit = connect(address);
    visit.once('connect', () => {
      visit.destroy();
      resolve(true);
    });
    visit.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

/** Identifies a file or folder, also after a move, and tells it from another one in its place; undefined when there is none. */
async function identityOf(file: string): Promise<{ readonly id: string; readonly isFolder: boolean } | undefined> {
  try {
    const found = await lstat(file, { bigint: true });
    return { id: `${found.dev}:${found.ino}:${found.mtimeNs}`, isFolder: found.isDirectory() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the takeover folder of a dead process. It is moved aside first: of many processes one gets it, and a process that moved a
 * newer takeover by mistake puts it back.
 */
async function removeStale(takeover: string, stale: string): Promise<void> {
  const aside = `${takeover}.${process.pid}`;
  try {
    await rename(takeover, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw blocked(takeover, error);
  }
  try {
    if ((await identityOf(aside))?.id === stale) await rmdir(aside);
    else await rename(aside, takeover);
  } catch (error) {
    await rename(aside, takeover).catch(() => undefined);
    throw blocked(takeover, error);
  }
}

/** Makes the takeover folder; returns its identity. Throws AGENT_DATA_BUSY, also when that takes too long. */
async function beginTakeover(takeover: string, address: string, clock: Clock): Promise<string | undefined> {
  let seen: string | undefined;
  let pauses = 0;
  for (let waits = 0; waits < MOST_WAITS; waits++) {
    if (await makeFolder(takeover)) return (await identityOf(takeover))?.id;
    const found = await identityOf(takeover);
    if (found?.isFolder === false) throw blocked(takeover);
    pauses = found?.id === seen ? pauses + 1 : 0;
    seen = found?.id;
    if (seen !== undefined && pauses >= MOST_PAUSES) await removeStale(takeover, seen);
    await clock.sleep(PAUSE_MS);
    if (await isHeld(address)) throw busy(path.dirname(takeover));
  }
  throw blocked(takeover);
}

/**
 * Removes the socket of a dead process. Only the process that made the takeover folder may do so. That process, too, may be stopped until
 * another one takes over, so the socket is moved aside first, and put back if it is alive.
 */
async function clear(folder: string, address: string, clock: Clock): Promise<void> {
  const takeover = path.join(folder, TAKEOVER);
  const mine = await beginTakeover(takeover, address, clock);
  try {
    // Between taking an address and listening a process does not answer for a moment; a dead one never does.
    await clock.sleep(PAUSE_MS);
    if (await isHeld(address)) throw busy(folder);
    await removeDead(folder, address);
  } finally {
    const left = await identityOf(takeover).catch(() => undefined);
    if (left?.id === mine) await rmdir(takeover).catch(() => undefined);
  }
}

async function removeDead(folder: string, address: string): Promise<void> {
  const socket = path.join(folder, SOCKET);
  const found = await identityOf(socket);
  if (found === undefined) return;
  if (found.isFolder) throw blocked(socket);
  // No longer than the lock's own name, so that its address fits as well.
  const name = `dead.${process.pid.toString(36)}`;
  await rename(socket, path.join(folder, name));
  if (await isHeld(path.join(path.dirname(address), name))) {
    await rename(path.join(folder, name), socket);
    throw busy(folder);
  }
  await rm(path.join(folder, name), { force: true });
}

/** File systems that hold no sockets, such as FAT, answer so. */
const NO_SOCKETS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENXIO']);

/**
 * Takes the lock of a data folder that is there, or throws AGENT_DATA_BUSY. It is a listening socket in the folder, so it holds across
 * containers that share it, and a killed holder needs no tidying up. Where the file system has no sockets it is done without.
 */
export async function lockFolder(folder: string, clock: Clock, logger: Logger): Promise<AsyncDisposable> {
  const address = await addressIn(folder);
  const free = async (server: Server | undefined): Promise<void> => {
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    await address[Symbol.asyncDispose]();
  };
  try {
    const server = await take(folder, address.text, clock);
    return { [Symbol.asyncDispose]: () => free(server) };
  } catch (error) {
    await free(undefined);
    if (!NO_SOCKETS.has((error as NodeJS.ErrnoException).code)) throw error;
    logger.warn('the data folder has no lock: make sure that only one agent uses it', { folder, error });
    return { [Symbol.asyncDispose]: async () => undefined };
  }
}

async function take(folder: string, address: string, clock: Clock): Promise<Server> {
  for (;;) {
    const server = await listen(address);
    if (server !== undefined) return server;
    if (await isHeld(address)) throw busy(folder);
    await clear(folder, address, clock);
  }
}
