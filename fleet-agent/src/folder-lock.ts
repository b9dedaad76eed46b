// Owns the lock of a data folder: one agent at a time, freed by the operating system when its process dies.
import { type FileHandle, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import type { Clock } from '../../src/base/clock.ts';
import { CodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';

const SOCKET = 'agent.lock';
const TAKEOVER = 'agent.lock.takeover';
/** A socket's address holds 107 bytes on Linux, 103 on macOS. */
const LONGEST_ADDRESS = 103;
const PAUSE_MS = 50;
/** A takeover takes two pauses; one that stands this many was left by a process that died in it. */
const MOST_PAUSES = 40;

function busy(folder: string): CodedError {
  return new CodedError({
    code: 'AGENT_DATA_BUSY',
    message: `Another agent works on the data folder ${folder}.`,
    remedy: 'Stop the other one, or give this one a data folder of its own with --data.',
  });
}

interface Address extends AsyncDisposable {
  readonly text: string;
}

/** Where the socket is. One whose path is too long for an address is reached through the folder's handle, where the system has that. */
async function addressIn(folder: string): Promise<Address> {
  const text = path.join(folder, SOCKET);
  if (Buffer.byteLength(text) <= LONGEST_ADDRESS) return { text, [Symbol.asyncDispose]: async () => undefined };
  if (process.platform !== 'linux') {
    throw new CodedError({
      code: 'AGENT_DATA',
      message: `The path of the data folder ${folder} is too long.`,
      remedy: `Give one of at most ${LONGEST_ADDRESS - SOCKET.length - 1} bytes with --data.`,
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

async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes what a dead process left. Only who made the takeover folder may, so that nobody removes what another one has just put there. */
async function clear(folder: string, address: string, clock: Clock): Promise<void> {
  const takeover = path.join(folder, TAKEOVER);
  for (let pauses = 0; !(await makeFolder(takeover)); pauses++) {
    if (pauses === MOST_PAUSES) await rmdir(takeover).catch(() => undefined);
    await clock.sleep(PAUSE_MS);
  }
  try {
    // Between taking an address and listening there is a moment without an answer: a dead one gives none a second time either.
    await clock.sleep(PAUSE_MS);
    if (await isHeld(address)) throw busy(folder);
    await rm(path.join(folder, SOCKET), { force: true });
  } finally {
    await rmdir(takeover).catch(() => undefined);
  }
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
    logger.warn('the data folder can not be locked: see that only one agent works on it', { folder, error });
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
