// Owns reading JSON values from bytes where they stand: numbers, texts and truth values, without their digits passing through a double.
import type { TensorElement } from '../../../src/contract/tensor-values.ts';

export const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;

export function skipSpace(body: Buffer, at: number): number {
  let next = at;
  for (let byte = body[next]; byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = body[next])
    next += 1;
  return next;
}

/** Behind the closing quote; −1 where none comes. */
export function endOfText(body: Buffer, at: number): number {
  for (let end = body.indexOf(QUOTE, at + 1); end !== -1; end = body.indexOf(QUOTE, end + 1)) {
    let backslashes = 0;
    while (body[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end + 1;
  }
  return -1;
}

/** Behind the closing bracket; −1 where none comes. */
export function endOfList(body: Buffer, from: number): number {
  let depth = 0;
  for (let at = from; at < body.length; ) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = endOfText(body, at);
      if (at === -1) return -1;
      continue;
    }
    if (byte === OPEN_LIST) depth += 1;
    if (byte === CLOSE_LIST) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return -1;
}

/** Powers of ten that a double holds exactly: a division by one of them rounds once, as reading the text would (Clinger 1990). */
const POWERS = Array.from({ length: 23 }, (_, power) => 10 ** power);
const EXACT_DIGITS = 15;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/** Steps through a text of values, brackets and commas. */
export class ValueReader {
  readonly #body: Buffer;
  at: number;

  constructor(body: Buffer, at: number) {
    this.#body = body;
    this.at = at;
  }

  /** Steps over this byte where it is the next. */
  takes(byte: number): boolean {
    const at = skipSpace(this.#body, this.at);
    if (this.#body[at] !== byte) return false;
    this.at = at + 1;
    return true;
  }

  /** The next scalar; undefined for anything else. `isWhole`: digits beyond a double's come as bigint, and what only rounds to a whole number as NaN. */
  value(isWhole: boolean): TensorElement | undefined {
    this.at = skipSpace(this.#body, this.at);
    const byte = this.#body[this.at];
    if (byte === QUOTE) return this.#text();
    if (byte === 0x74) return this.#word('true', true);
    if (byte === 0x66) return this.#word('false', false);
    return this.#number(isWhole);
  }

  /** What stands there, for people. */
  written(start: number): string {
    const text = this.#body.toString('utf8', skipSpace(this.#body, start), start + 64);
    return /^(?:"(?:[^"\\]|\\.)*"?|[^\s,\]]+|\])/.exec(text)?.[0] ?? 'nothing';
  }

  #word(word: string, value: boolean): boolean | undefined {
    const end = this.at + word.length;
    if (this.#body.toString('latin1', this.at, end) !== word) return undefined;
    this.at = end;
    return value;
  }

  #text(): string | undefined {
    const end = endOfText(this.#body, this.at);
    if (end === -1) return undefined;
    try {
      const text = JSON.parse(this.#body.toString('utf8', this.at, end)) as string;
      this.at = end;
      return text;
    } catch {
      return undefined;
    }
  }

  /** Plain decimals as they come; the rest is left to JavaScript. */
  #number(isWhole: boolean): number | bigint | undefined {
    const body = this.#body;
    const isNegative = body[this.at] === 0x2d;
    const first = isNegative ? this.at + 1 : this.at;
    let [at, mantissa, digits, scale] = [first, 0, 0, 0];
    for (let digit = digitAt(body, at); digit >= 0; digit = digitAt(body, ++at)) {
      mantissa = mantissa * 10 + digit;
      digits += 1;
    }
    const isPlain = digits > 0 && !(digits > 1 && body[first] === 0x30);
    if (isPlain && body[at] === 0x2e) {
      for (let digit = digitAt(body, ++at); digit >= 0; digit = digitAt(body, ++at)) {
        mantissa = mantissa * 10 + digit;
        scale += 1;
      }
    }
    const isOdd = body[at] === 0x2e || body[at - 1] === 0x2e || body[at] === 0x65 || body[at] === 0x45;
    const power = POWERS[scale];
    if (!isPlain || isOdd || digits + scale > EXACT_DIGITS || power === undefined) return this.#slowNumber(isWhole);
    this.at = at;
    return isNegative ? -mantissa / power : mantissa / power;
  }

  #slowNumber(isWhole: boolean): number | bigint | undefined {
    const text = this.#body.toString('latin1', this.at, this.at + 1024);
    NUMBER.lastIndex = 0;
    const [found] = NUMBER.exec(text) ?? [];
    if (found === undefined || found.length === 1024) return undefined;
    this.at += found.length;
    if (!isWhole) return Number(found);
    if (/^-?\d+$/.test(found)) return BigInt(found);
    return isWholeDecimal(found) ? Number(found) : Number.NaN;
  }
}

/** By its digits: a double rounds 0.99999999999999999999 to 1, and 1e-400 to 0. */
function isWholeDecimal(text: string): boolean {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE](.+))?$/.exec(text) ?? [];
  const digits = whole + fraction;
  let zeros = 0;
  while (digits[digits.length - 1 - zeros] === '0') zeros += 1;
  return zeros === digits.length || fraction.length - Number(exponent) <= zeros;
}

function digitAt(body: Buffer, at: number): number {
  const digit = (body[at] ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}
