// Owns float16: ONNX Runtime wants its bits, the agent keeps such numbers as float32, and the oldest Node here has no array of them.

const word = new DataView(new ArrayBuffer(4));

/** The bits of the nearest float16, ties to even (IEEE 754). */
export function halfBits(value: number): number {
  word.setFloat32(0, value);
  const bits = word.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fff_ffff;
  if (size > 0x7f80_0000) return sign | 0x7e00;
  if (size >= 0x4780_0000) return sign | 0x7c00;
  if (size >= 0x3880_0000) return sign | ((size - 0x3800_0000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  // Below 2^-14 a float16 counts in steps of 2^-24.
  const steps = Math.abs(value) * 2 ** 24;
  const low = Math.floor(steps);
  const isUp = steps - low > 0.5 || (steps - low === 0.5 && low % 2 === 1);
  return sign | (low + (isUp ? 1 : 0));
}

export function fromHalfBits(bits: number): number {
  const [exponent, fraction] = [(bits >>> 10) & 0x1f, bits & 0x3ff];
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
