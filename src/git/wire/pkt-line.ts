// Owns Git's wire format (gitprotocol-pack, gitprotocol-http): packet lines, the advertisement of refs, and the side band.

export class WireError extends Error {}

export const FLUSH = Buffer.from('0000');
/** Parts a request of protocol 2. */
export const DELIMITER = Buffer.from('0001');
/** A packet, or null for a flush (delimiters and response ends count as flushes). */
export type Packet = Buffer | null;

export function packet(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

/** One packet at an offset; undefined when it is not complete. Throws WireError where there is no length. */
export function packetAt(bytes: Buffer, offset: number): { readonly packet: Packet; readonly end: number } | undefined {
  if (offset + 4 > bytes.length) return undefined;
  const digits = bytes.toString('latin1', offset, offset + 4);
  if (!/^[0-9a-f]{4}$/i.test(digits)) throw new WireError('no packet length');
  const length = Number.parseInt(digits, 16);
  if (length < 4) return { packet: null, end: offset + 4 };
  if (offset + length > bytes.length) return undefined;
  return { packet: bytes.subarray(offset + 4, offset + length), end: offset + length };
}

export function lineOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

export interface Advertisement {
  /** 2 advertises no refs: they are asked for. */
  readonly version: 0 | 2;
  readonly refs: ReadonlyMap<string, string>;
  readonly capabilities: ReadonlySet<string>;
  /** Commits whose parents the host itself does not have. */
  readonly shallow: readonly string[];
}

const OID = /^[0-9a-f]{40}$/;

export function isOid(text: string): boolean {
  return OID.test(text);
}

function errorLine(line: string): void {
  if (line.startsWith('ERR ')) throw new WireError(`the host says: ${line.slice(4, 300)}`);
}

/** Reads an advertisement, with or without the `# service=` head of HTTP. Throws WireError when it is cut short. */
export function parseAdvertisement(bytes: Buffer): Advertisement {
  const refs = new Map<string, string>();
  const capabilities = new Set<string>();
  const shallow: string[] = [];
  let version: 0 | 2 = 0;
  let offset = 0;
  let first = true;
  for (let head = true; ; head = false) {
    const read = packetAt(bytes, offset);
    if (read === undefined) throw new WireError('the list of refs is cut short');
    offset = read.end;
    if (read.packet === null) {
      if (!head && first && offset < bytes.length) continue; // the flush after `# service=`
      return { version, refs, capabilities, shallow };
    }
    const line = lineOf(read.packet);
    errorLine(line);
    if (line.startsWith('# service=') || line === 'version 1') continue;
    if (version === 2 || line === 'version 2') {
      version = 2;
      first = false;
      capabilities.add(line);
      continue;
    }
    if (line.startsWith('shallow ')) {
      shallow.push(line.slice(8));
      continue;
    }
    const [pair = '', offered] = line.split('\0');
    const oid = pair.slice(0, 40);
    const name = pair.slice(41);
    if (pair[40] !== ' ' || !OID.test(oid)) {
      if (/^[0-9a-f]{64} /.test(pair)) throw new WireError('SHA-256 repositories are not spoken');
      throw new WireError('a line of the list of refs is malformed');
    }
    if (first) for (const capability of (offered ?? '').split(' ')) if (capability !== '') capabilities.add(capability);
    first = false;
    if (name !== 'capabilities^{}') refs.set(name, oid);
  }
}

/** Bytes of an advertisement that has fully arrived, for streams that stay open after it; undefined when more must come. */
export function advertisementEnd(bytes: Buffer): number | undefined {
  for (let offset = 0; ; ) {
    const read = packetAt(bytes, offset);
    if (read === undefined) return undefined;
    offset = read.end;
    if (read.packet === null) return offset;
  }
}

/** Reads an answer to `ls-refs`. Throws WireError when it is cut short or malformed. */
export function parseRefList(bytes: Buffer): ReadonlyMap<string, string> {
  const refs = new Map<string, string>();
  for (let offset = 0; ; ) {
    const read = packetAt(bytes, offset);
    if (read === undefined) throw new WireError('the list of refs is cut short');
    offset = read.end;
    if (read.packet === null) return refs;
    const line = lineOf(read.packet);
    errorLine(line);
    const [oid = '', name = ''] = line.split(' ');
    if (oid === 'unborn') continue;
    if (!OID.test(oid) || name === '') throw new WireError('a line of the list of refs is malformed');
    refs.set(name, oid);
  }
}

export interface SideBand {
  readonly lines: readonly string[];
  readonly data: Buffer;
  readonly ended: boolean;
}

/** Splits an answer into its text lines and the data of band 1. Throws WireError for what the host reports as fatal. */
export function splitSideBand(bytes: Buffer): SideBand {
  const lines: string[] = [];
  const chunks: Buffer[] = [];
  let offset = 0;
  let ended = false;
  while (offset < bytes.length) {
    if (chunks.length === 0 && bytes.toString('latin1', offset, offset + 4) === 'PACK') {
      return { lines, data: bytes.subarray(offset), ended: true }; // a host without side band
    }
    const read = packetAt(bytes, offset);
    if (read === undefined) return { lines, data: Buffer.concat(chunks), ended: false };
    offset = read.end;
    ended = read.packet === null;
    if (read.packet === null) continue;
    const band = read.packet[0];
    if (band === 1) chunks.push(read.packet.subarray(1));
    else if (band === 3) throw new WireError(`the host says: ${lineOf(read.packet.subarray(1)).slice(0, 300)}`);
    else if (band !== 2) {
      const line = lineOf(read.packet);
      errorLine(line);
      lines.push(line);
    }
  }
  return { lines, data: Buffer.concat(chunks), ended };
}
