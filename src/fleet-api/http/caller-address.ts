// Owns what counts as one caller: limits hold for whom an address belongs to, not for each of the addresses that one may choose.

/** An IPv6 caller owns its /64 and may take any address in it, so its first four groups count, written out: zeros may be left out in two ways. */
export function callerAddress(remote: string): string {
  if (!remote.includes(':') || remote.startsWith('::ffff:')) return remote;
  const [address = ''] = remote.split('%');
  const [before = '', after = ''] = address.split('::');
  const groups = (part: string): string[] => part.split(':').filter((group) => group !== '');
  const [head, tail] = [groups(before), groups(after)];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
