// Owns what a page is made of, on the server and again in the browser: its kind, its address, its value, and as of when.

/** What the value is as of: the service's time, the commit, and the number in the stream of changes. */
export interface PageAsOf {
  readonly atMs: number;
  readonly commit: string | null;
  readonly sequence: number;
}

export interface Person {
  readonly name: string;
  readonly scopes: readonly string[];
}

export interface PageAddress {
  readonly path: string;
  /** Parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The query; of a name that comes twice the last counts. */
  readonly query: Readonly<Record<string, string>>;
}

/** One page as plain JSON: the server renders it, puts it into the page, and sends it alone to whoever asks for JSON. */
export interface PageData<Value = unknown> {
  readonly page: string;
  readonly address: PageAddress;
  readonly value: Value;
  /** Null where a page is about nothing that changes. */
  readonly asOf: PageAsOf | null;
  /** Parts of the read model that it shows: `overview`, `rollout:<name>`, `devices`. */
  readonly parts: readonly string[];
  /** The service's clock when this was made. */
  readonly nowMs: number;
  readonly person: Person | null;
}

/** What each page component gets. */
export interface PageProps<Value> {
  readonly value: Value;
  readonly address: PageAddress;
  readonly person: Person | null;
}

/** The address of the same page with other filters; null takes one away. */
export function withQuery({ path, query }: PageAddress, changes: Readonly<Record<string, string | null>>): string {
  const kept = Object.entries({ ...query, ...changes }).filter((one): one is [string, string] => one[1] !== null);
  const text = new URLSearchParams(kept).toString();
  return text === '' ? path : `${path}?${text}`;
}

/** An address that others chose, where it leads to this site or to the web; null for all else, as `javascript:`. */
export function safeLink(address: string | null): string | null {
  return address !== null && /^(?:https?:\/\/|\/(?!\/))/i.test(address) ? address : null;
}
