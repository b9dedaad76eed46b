// Owns which hosts are this machine: plain HTTP to them crosses no network.

/** For the host of a URL. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
