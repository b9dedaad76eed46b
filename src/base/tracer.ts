// Owns the interface of traces: whoever has something to tell records spans that are over; nobody waits for them.

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** One piece of work that is over. */
export interface SpanFacts {
  /** What names the trace: the same parts are the same trace, in every process and after every restart. */
  readonly trace: readonly string[];
  /** Names the span in its trace. */
  readonly key: string;
  /** Key of the span that it is part of; null at the root. */
  readonly parent: string | null;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes?: SpanAttributes;
  /** Why the work failed; absent where it did not. */
  readonly failure?: string;
}

export interface Tracer {
  /** Takes note and returns at once; never throws. */
  record(span: SpanFacts): void;
}
