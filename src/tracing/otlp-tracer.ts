// Owns sending spans to an OpenTelemetry collector by OTLP over HTTP: bounded, in the background, and a collector that fails costs a count.
import { createHash } from 'node:crypto';
import {
  type Attributes,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Counter } from '../base/metrics.ts';
import type { SpanAttributes, SpanFacts, Tracer } from '../base/tracer.ts';

/** Spans that wait for the collector; more are dropped, and counted. */
const MOST_WAITING = 2_048;
const BATCH = 256;
const EXPORT_TIMEOUT_MS = 10_000;
const MOST_TEXT = 1_000;
/** How long a service that stops waits for the collector to take the rest. */
const LAST_FLUSH_MS = 2_000;

export interface OtlpTracerParts {
  /** Where traces go, whole: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the resource, `service.name` among them. */
  readonly resource: SpanAttributes;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Spans by outcome: `sent`, `failed` or `dropped`. */
  readonly spans: Counter;
  /** How long spans are gathered; 5 s unless given. */
  readonly delayMs?: number;
}

export class OtlpTracer implements Tracer, AsyncDisposable {
  readonly #parts: OtlpTracerParts;
  readonly #processor: BatchSpanProcessor;
  readonly #resource;
  #waiting = 0;
  /** Whether the last batch failed: only a change is logged. */
  #isFailing = false;

  constructor(parts: OtlpTracerParts) {
    this.#parts = parts;
    const { url, headers, resource, delayMs = 5_000 } = parts;
    this.#resource = resourceFromAttributes({ ...resource });
    const exporter = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: EXPORT_TIMEOUT_MS });
    this.#processor = new BatchSpanProcessor({
      exporter: this.#counted(exporter),
      ...{ maxQueueSize: MOST_WAITING, maxExportBatchSize: BATCH },
      ...{ scheduledDelayMillis: delayMs, exportTimeoutMillis: 2 * EXPORT_TIMEOUT_MS },
    });
  }

  record(facts: SpanFacts): void {
    if (this.#waiting >= MOST_WAITING) {
      this.#parts.spans.add({ outcome: 'dropped' });
      return;
    }
    this.#waiting += 1;
    this.#processor.onEnd(spanOf(facts, this.#resource));
  }

  /** Gives the collector a moment to take the rest. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock } = this.#parts;
    const done = this.#processor.shutdown().catch(() => undefined);
    await Promise.race([done, clock.sleep(LAST_FLUSH_MS)]);
  }

  #counted(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, onResult) =>
        exporter.export(spans, (result) => {
          this.#waiting -= spans.length;
          this.#note(spans.length, result.error);
          onResult(result);
        }),
      shutdown: () => exporter.shutdown(),
    };
  }

  #note(count: number, error: Error | undefined): void {
    const { spans, logger } = this.#parts;
    spans.add({ outcome: error === undefined ? 'sent' : 'failed' }, count);
    if (error !== undefined && !this.#isFailing)
      logger.warn('the collector takes no traces; they are dropped', { reason: error.message.slice(0, 200) });
    if (error === undefined && this.#isFailing) logger.info('the collector takes traces again');
    this.#isFailing = error !== undefined;
  }
}

function spanOf(facts: SpanFacts, resource: ReadableSpan['resource']): ReadableSpan {
  const { trace, key, parent, name, startMs, endMs, attributes = {}, failure } = facts;
  const traceId = hexOf(['trace', ...trace], 32);
  const contextOf = (spanKey: string): SpanContext => ({
    traceId,
    spanId: hexOf([traceId, spanKey], 16),
    traceFlags: TraceFlags.SAMPLED,
  });
  const own = contextOf(key);
  const lastMs = Math.max(startMs, endMs);
  return {
    ...{ name, kind: SpanKind.INTERNAL, spanContext: () => own },
    ...(parent === null ? {} : { parentSpanContext: contextOf(parent) }),
    ...{ startTime: hrTime(startMs), endTime: hrTime(lastMs), duration: hrTime(lastMs - startMs), ended: true },
    status:
      failure === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: cut(failure) },
    attributes: bounded(attributes),
    ...{ links: [], events: [], resource, instrumentationScope: { name: 'slipway' } },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

/** Ids of zeros alone are no ids: a hash is none in practice. */
function hexOf(parts: readonly string[], digits: number): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, digits);
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…` : text;
}

function bounded(attributes: SpanAttributes): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => [
    name,
    typeof value === 'string' ? cut(value) : value,
  ]);
  return Object.fromEntries(entries) as Attributes;
}
