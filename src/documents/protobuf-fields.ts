// Owns reading protobuf's wire format from a file of any size: fields one by one, a long one skipped by its length and never held.
import { CodedError } from '../base/errors.ts';

/** Where bytes come from. `read` gives all of them, or fewer when the file was cut meanwhile. */
export interface ByteSource {
  /** As errors name it. */
  readonly file: string;
  readonly sizeBytes: number;
  read(at: number, length: number): Uint8Array;
}

/** Bytes of the source, `to` exclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** A field: its number, and either the number that it holds, or where its bytes lie (text, a message, packed values). */
export type ProtobufField =
  | { readonly kind: 'number'; readonly number: number; readonly value: number }
  | ({ readonly kind: 'bytes'; readonly number: number } & ByteRange);

const WINDOW_BYTES = 64 * 1024;
/** A graph of a million nodes has fewer at the levels that are read; a file of nothing but tiny fields ends here. */
const MOST_FIELDS = 20_000_000;
const MOST_VARINT_BYTES = 10;
const LARGEST_FIELD_NUMBER = 2 ** 29 - 1;

/** Reads through one window, so that memory does not grow with the file. */
export class ProtobufReader {
  readonly #source: ByteSource;
  #window: Uint8Array = new Uint8Array();
  #windowAt = 0;
  #at = 0;
  #fields = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get whole(): ByteRange {
    return { from: 0, to: this.#source.sizeBytes };
  }

  /** The fields of a message in their order. Throws ONNX_DAMAGED. */
  *fields({ from, to }: ByteRange): Generator<ProtobufField> {
    for (let next = from; next < to; ) {
      this.#fields += 1;
      if (this.#fields > MOST_FIELDS) throw this.damaged(next, `it has more than ${MOST_FIELDS} parts`);
      this.#at = next;
      const tag = this.#varint(to);
      const [number, wireType] = [Math.floor(tag / 8), tag % 8];
      if (!(number >= 1 && number <= LARGEST_FIELD_NUMBER)) throw this.damaged(next, 'no field has such a number');
      const start = next;
      switch (wireType) {
        case 0: {
          const value = this.#varint(to);
          next = this.#at;
          yield { kind: 'number', number, value };
          break;
        }
        case 1:
        case 5:
          next = this.#end(wireType === 1 ? 8 : 4, to, start);
          break;
        case 2: {
          const length = this.#varint(to);
          next = this.#end(length, to, start);
          yield { kind: 'bytes', number, from: next - length, to: next };
          break;
        }
        default:
          throw this.damaged(start, `no field has the wire type ${wireType}`);
      }
    }
  }

  /** A text of at most so many bytes. Throws ONNX_DAMAGED for one that is longer or no UTF-8. */
  text({ from, to }: ByteRange, mostBytes: number): string {
    if (to - from > mostBytes) throw this.damaged(from, `a name has ${to - from} bytes, and ${mostBytes} are read`);
    const bytes = this.#source.read(from, to - from);
    if (bytes.length < to - from) throw this.damaged(from, 'it ends in the middle of a name');
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.damaged(from, 'a name is no UTF-8 text');
    }
  }

  damaged(at: number, why: string): CodedError {
    return new CodedError({
      code: 'ONNX_DAMAGED',
      message: `${this.#source.file} is no whole ONNX file: ${why} (byte ${at} of ${this.#source.sizeBytes}).`,
      remedy: 'Export or download the model again, and check that the copy is complete.',
    });
  }

  #end(length: number, to: number, start: number): number {
    const end = this.#at + length;
    if (length >= 0 && end <= to) return end;
    throw this.damaged(start, `a part has ${length} bytes, and ${to - this.#at} are left for it`);
  }

  /** Negative numbers, which take all ten bytes, are -1: none that is read here means more by another. Beyond 2^53 it is not exact. */
  #varint(to: number): number {
    const start = this.#at;
    let value = 0;
    for (let i = 0; i < MOST_VARINT_BYTES; i++) {
      if (this.#at >= to) throw this.damaged(start, 'it ends in the middle of a number');
      const byte = this.#byte();
      value += (byte % 128) * 2 ** (7 * i);
      if (byte < 128) return i === MOST_VARINT_BYTES - 1 ? -1 : value;
    }
    throw this.damaged(start, `a number has more than ${MOST_VARINT_BYTES} bytes`);
  }

  #byte(): number {
    const at = this.#at;
    if (at < this.#windowAt || at >= this.#windowAt + this.#window.length) {
      this.#window = this.#source.read(at, Math.min(WINDOW_BYTES, this.#source.sizeBytes - at));
      this.#windowAt = at;
    }
    const byte = this.#window[at - this.#windowAt];
    if (byte === undefined) throw this.damaged(at, 'it was cut while it was read');
    this.#at = at + 1;
    return byte;
  }
}
