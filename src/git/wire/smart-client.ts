// Owns the two conversations with a Git host: fetching a commit as a checked pack, and moving a branch by compare-and-swap.
import { CodedError, toCodedError } from '../../base/errors.ts';
import { answerCorrupt, branchMoved } from '../git-errors.ts';
import type { PushOutcome } from '../manifests-repository.ts';
import { PackError, type PackLimits, scanPack } from './pack-scan.ts';
import {
  type Advertisement,
  DELIMITER,
  FLUSH,
  isOid,
  lineOf,
  packet,
  packetAt,
  parseAdvertisement,
  parseRefList,
  splitSideBand,
  WireError,
} from './pkt-line.ts';
import type { SmartSession, SmartTransport } from './smart-transport.ts';

const AGENT = 'agent=slipway';
const HEADS = 'refs/heads/';
/** As Git writes that a ref is not there. */
const NOTHING = '0'.repeat(40);

/** What the host advertises. Throws GIT_ANSWER_CORRUPT, or GIT_REPOSITORY_UNSUPPORTED for SHA-256 repositories. */
function readAdvertisement(transport: SmartTransport, session: SmartSession): Advertisement {
  try {
    const advertisement = parseAdvertisement(session.advertisement);
    if (!advertisement.capabilities.has('object-format=sha256')) return advertisement;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    if (!error.message.startsWith('SHA-256')) throw answerCorrupt(transport.shown, transport.quoted(error.message));
  }
  throw new CodedError({
    code: 'GIT_REPOSITORY_UNSUPPORTED',
    message: `${transport.shown} is a SHA-256 repository.`,
    remedy: 'Create the manifests repository with SHA-1 objects, which is the default of Git.',
  });
}

/** Parses what a host sent; what is malformed becomes GIT_ANSWER_CORRUPT. */
async function parsing<T>(transport: SmartTransport, parse: () => T | Promise<T>): Promise<T> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof WireError || error instanceof PackError)
      throw answerCorrupt(transport.shown, transport.quoted(error.message));
    throw error;
  }
}

/**
 * What the host has now: its branches by short name. Protocol 2 is asked for branches alone, since hosts keep a ref for every pull
 * request that there ever was.
 */
export async function listBranches(
  transport: SmartTransport,
  session: SmartSession,
  signal: AbortSignal,
): Promise<HostState> {
  const offered = readAdvertisement(transport, session);
  let { refs } = offered;
  if (offered.version === 2) {
    const lines = [packet('command=ls-refs\n'), packet(AGENT), DELIMITER, packet(`ref-prefix ${HEADS}\n`), FLUSH];
    const answer = await session.exchange(Buffer.concat(lines), signal);
    refs = await parsing(transport, () => parseRefList(answer));
  }
  const heads = [...refs].filter(([name]) => name.startsWith(HEADS));
  return { offered, branches: new Map(heads.map(([name, oid]) => [name.slice(HEADS.length), oid])) };
}

export interface HostState {
  readonly offered: Advertisement;
  readonly branches: ReadonlyMap<string, string>;
}

export interface FetchRequest {
  readonly want: string;
  readonly haves: readonly string[];
  /** Commits whose parents we lack. */
  readonly shallow: readonly string[];
  readonly limits: PackLimits;
}

export interface FetchedPack {
  readonly pack: Buffer;
  readonly objects: number;
  /** Commits whose parents the host lacks. */
  readonly shallow: readonly string[];
}

function fetchLines(offered: Advertisement, request: FetchRequest): readonly Buffer[] {
  const haves = request.haves.map((oid) => packet(`have ${oid}\n`));
  const known = request.shallow.map((oid) => packet(`shallow ${oid}\n`));
  if (offered.version === 2) {
    const options = [packet('ofs-delta\n'), packet('no-progress\n')];
    const want = packet(`want ${request.want}\n`);
    return [
      packet('command=fetch\n'),
      packet(AGENT),
      DELIMITER,
      ...options,
      want,
      ...known,
      ...haves,
      packet('done\n'),
      FLUSH,
    ];
  }
  const wanted = ['multi_ack_detailed', 'side-band-64k', 'ofs-delta', 'no-progress'].filter((one) =>
    offered.capabilities.has(one),
  );
  const want = packet(`want ${request.want} ${[...wanted, AGENT].join(' ')}\n`);
  return [want, ...(offered.capabilities.has('shallow') ? known : []), FLUSH, ...haves, packet('done\n')];
}

/** Asks for one commit with its history. The pack is checked whole before it is returned; throws GIT_ANSWER_CORRUPT. */
export async function fetchPack(
  transport: SmartTransport,
  session: SmartSession,
  offered: Advertisement,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<FetchedPack> {
  const answer = await session.exchange(Buffer.concat(fetchLines(offered, request)), signal);
  return parsing(transport, async () => {
    const { data, lines, ended } = splitSideBand(answer);
    if (!ended) throw new WireError('it ends in the middle');
    const said = lines.filter((line) => line.startsWith('shallow ')).map((line) => line.slice('shallow '.length));
    const shallow = [...offered.shallow, ...said].filter(isOid);
    return { pack: data, objects: await scanPack(data, request.limits), shallow };
  });
}

export interface PushRequest {
  readonly ref: string;
  /** Null where the ref is to begin. */
  readonly from: string | null;
  readonly to: string;
  readonly pack: () => Promise<Buffer>;
}

const UNHEARD: ReadonlySet<string> = new Set([
  'GIT_CREDENTIALS_REFUSED',
  'GIT_RATE_LIMITED',
  'GIT_REPOSITORY_NOT_FOUND',
]);

/** Moves the ref from one commit to another, or not at all: the host compares `from` under its own lock. */
export async function pushPack(
  transport: SmartTransport,
  request: PushRequest,
  signal: AbortSignal,
): Promise<PushOutcome> {
  let body: Buffer;
  let session: SmartSession | undefined;
  try {
    session = await transport.open('git-receive-pack', signal);
    const offered = readAdvertisement(transport, session);
    const found = offered.refs.get(request.ref);
    if ((found ?? null) !== request.from) {
      await session[Symbol.asyncDispose]();
      return { kind: 'refused', reason: branchMoved(found, request.from) };
    }
    const wanted = ['report-status', 'side-band-64k'].filter((one) => offered.capabilities.has(one));
    const command = packet(
      `${request.from ?? NOTHING} ${request.to} ${request.ref}\0 ${[...wanted, AGENT].join(' ')}\n`,
    );
    body = Buffer.concat([command, FLUSH, await request.pack()]);
  } catch (thrown) {
    await session?.[Symbol.asyncDispose]();
    const error = toCodedError(thrown, 'GIT_PUSH_FAILED');
    return { kind: 'refused', reason: `nothing was sent: ${error.message}`, error };
  }
  try {
    return readReport(transport, await session.exchange(body, signal), request.ref);
  } catch (thrown) {
    const error = toCodedError(thrown, 'GIT_PUSH_FAILED');
    // Turned away at the door; anything else may have happened after the host acted.
    return UNHEARD.has(error.code) ? { kind: 'refused', reason: error.message, error } : { kind: 'unknown', error };
  } finally {
    await session[Symbol.asyncDispose]();
  }
}

function reportLines(answer: Buffer): readonly string[] {
  const { data, lines } = splitSideBand(answer);
  if (data.length === 0) return lines; // no side band: the report stands by itself
  const report: string[] = [];
  for (let offset = 0; offset < data.length; ) {
    const read = packetAt(data, offset);
    if (read === undefined) break;
    if (read.packet !== null) report.push(lineOf(read.packet));
    offset = read.end;
  }
  return report;
}

function readReport(transport: SmartTransport, answer: Buffer, ref: string): PushOutcome {
  let lines: readonly string[];
  try {
    lines = reportLines(answer);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { kind: 'unknown', error: answerCorrupt(transport.shown, transport.quoted(error.message)) };
  }
  const unpacked = lines.find((line) => line.startsWith('unpack '));
  const refused = lines.find((line) => line.startsWith(`ng ${ref} `));
  if (refused !== undefined)
    return { kind: 'refused', reason: transport.quoted(refused.slice(`ng ${ref} `.length, 500)) };
  if (unpacked === 'unpack ok' && lines.includes(`ok ${ref}`)) return { kind: 'pushed' };
  if (unpacked !== undefined && unpacked !== 'unpack ok')
    return { kind: 'refused', reason: transport.quoted(unpacked.slice(0, 500)) };
  return { kind: 'unknown', error: answerCorrupt(transport.shown, 'the report on the push is missing') };
}
