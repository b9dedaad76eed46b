// Laws of traces: a collector gets spans of stable ids; one that is down, slow or no collector costs nothing but a count.
import { expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import type { SpanFacts } from '../../src/base/tracer.ts';
import { tracingSettings } from '../../src/cli/tracing-settings.ts';
import { OtlpTracer } from '../../src/tracing/otlp-tracer.ts';
import { attributeOf, type Mood, OtlpReceiver } from '../support/otlp-receiver.ts';
import { until } from '../support/until.ts';

const STEP: SpanFacts = {
  ...{
    trace: ['shops', '3', 'abc'],
    key: 'step',
    parent: null,
    name: 'advance shops',
    startMs: 1_000.25,
    endMs: 2_000,
  },
  attributes: { 'slipway.rollout': 'shops', 'slipway.revision': 3 },
};
const PUSH: SpanFacts = { ...STEP, key: 'push', parent: 'step', name: 'push', failure: 'the host said no' };

interface Traced {
  readonly tracer: OtlpTracer;
  readonly metrics: Metrics;
  readonly log: string[];
}

function traced(url: string, delayMs = 20): Traced {
  const [metrics, log]: [Metrics, string[]] = [new Metrics(), []];
  const write = (line: string): void => void log.push(line);
  const tracer = new OtlpTracer({
    ...{
      url: `${url}/v1/traces`,
      headers: { authorization: 'Bearer s3cret' },
      resource: { 'service.name': 'slipway' },
    },
    ...{ clock: new SystemClock(), logger: createLogger({ least: 'info', pretty: false, now: Date.now, write }) },
    ...{ spans: metrics.counter('slipway_trace_spans_total', 'Spans.'), delayMs },
  });
  return { tracer, metrics, log };
}

test('spans of one step are one trace, whichever process tells them', async () => {
  await using receiver = await OtlpReceiver.open();
  for (const span of [STEP, PUSH]) {
    const { tracer } = traced(receiver.url);
    tracer.record(span);
    await tracer[Symbol.asyncDispose]();
  }
  const [step, push] = receiver.spans;
  expect(receiver.spans).toHaveLength(2);
  expect(step?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(push?.traceId).toBe(step?.traceId);
  expect(push?.parentSpanId).toBe(step?.spanId);
  expect(step).toMatchObject({ name: 'advance shops', startTimeUnixNano: '1000250000', endTimeUnixNano: '2000000000' });
  expect(push?.status).toEqual({ code: 2, message: 'the host said no' });
  expect(step && attributeOf(step, 'slipway.revision')).toBe(3);
  expect(attributeOf({ attributes: receiver.resource }, 'service.name')).toBe('slipway');
  expect(receiver.headers).toEqual(['Bearer s3cret', 'Bearer s3cret']);
});

test.for<Mood>(['fails', 'portal', 'redirects'])(
  'a collector that %s costs a count, one warning, and no secret',
  async (mood) => {
    await using receiver = await OtlpReceiver.open();
    receiver.mood = mood;
    const { tracer, metrics, log } = traced(receiver.url);
    tracer.record(STEP);
    // What answers a page with 200 can't be told from a collector by its status alone.
    const outcome = mood === 'portal' ? 'sent' : 'failed';
    await until(
      async () => metrics.write().includes(`{outcome="${outcome}"} 1`),
      () => metrics.write(),
    );
    tracer.record(PUSH);
    await until(
      async () => metrics.write().includes(`{outcome="${outcome}"} 2`),
      () => metrics.write(),
    );
    expect(log.filter((line) => line.includes('takes no traces'))).toHaveLength(mood === 'portal' ? 0 : 1);
    expect(log.join('')).not.toContain('s3cret');
    await tracer[Symbol.asyncDispose]();
  },
);

test('a collector that is away, or never answers, holds up nobody: recording is quick, memory bounded, and the end near', async () => {
  await using receiver = await OtlpReceiver.open();
  receiver.mood = 'hangs';
  for (const url of [receiver.url, 'http://127.0.0.1:9']) {
    const { tracer, metrics } = traced(url);
    const startMs = performance.now();
    for (let i = 0; i < 10_000; i++) tracer.record({ ...STEP, key: `step ${i}` });
    expect(performance.now() - startMs).toBeLessThan(9_000);
    const dropped = Number(/outcome="dropped"\} (\d+)/.exec(metrics.write())?.[1]);
    expect(dropped).toBeGreaterThanOrEqual(10_000 - 2_048);
    const endMs = performance.now();
    await tracer[Symbol.asyncDispose]();
    // Less than one export may take.
    expect(performance.now() - endMs).toBeLessThan(9_000);
  }
});

test('traces are off unless an endpoint is set, and settings are read as OpenTelemetry says', () => {
  expect(tracingSettings({})).toBeNull();
  const base = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
  expect(tracingSettings({ ...base, OTEL_SDK_DISABLED: 'true' })).toBeNull();
  expect(tracingSettings({ ...base, OTEL_TRACES_EXPORTER: 'none' })).toBeNull();
  const { resource, ...rest } = tracingSettings({
    ...base,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, tenant=a',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod',
    OTEL_SERVICE_NAME: 'slipway-eu',
  }) ?? { resource: {} };
  expect(rest).toEqual({
    url: 'http://collector:4318/v1/traces',
    headers: { authorization: 'Bearer x', tenant: 'a' },
  });
  expect(resource).toMatchObject({ 'service.name': 'slipway-eu', 'deployment.environment.name': 'prod' });
  const whole = { ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces.example/otlp' };
  expect(tracingSettings(whole)?.url).toBe('https://traces.example/otlp');
  expect(() => tracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' })).toThrow(/no http or https address/);
  expect(() => tracingSettings({ ...base, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toThrow(/grpc is not spoken/);
  expect(() => tracingSettings({ ...base, OTEL_EXPORTER_OTLP_HEADERS: 's3cret' })).toThrow(/^(?!.*s3cret)/);
});
