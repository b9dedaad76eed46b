// Owns the settings of traces: the variables of OpenTelemetry's specification, as every collector's documentation names them.
import { CodedError } from '../base/errors.ts';
import { readSecretSync } from '../base/secret-file.ts';
import { VERSION } from '../base/version.ts';

export interface TracingSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly resource: Readonly<Record<string, string>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const BASE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const TRACES = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

/** Null unless an endpoint is set: traces are off by default. Throws SETTING_VALUE. */
export function tracingSettings(environment: Environment): TracingSettings | null {
  const of = (name: string): string | undefined => environment[name]?.trim() || undefined;
  if (of('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || of('OTEL_TRACES_EXPORTER') === 'none') return null;
  const [variable, text] = of(TRACES) === undefined ? [BASE, of(BASE)] : [TRACES, of(TRACES)];
  if (text === undefined) return null;
  const protocol = of('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? of('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/json';
  if (protocol === 'grpc')
    throw settingError(
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'grpc is not spoken here',
      'Set http/json and the port for OTLP over HTTP, usually 4318.',
    );
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw settingError(variable, 'the value is no http or https address', 'Write it like http://127.0.0.1:4318.');
  if (variable === BASE) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  const headers = pairsOf(
    of('OTEL_EXPORTER_OTLP_HEADERS') ?? secretIn(environment) ?? '',
    'OTEL_EXPORTER_OTLP_HEADERS',
  );
  const resource = pairsOf(of('OTEL_RESOURCE_ATTRIBUTES') ?? '', 'OTEL_RESOURCE_ATTRIBUTES');
  const name = of('OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'slipway';
  return { url: url.href, headers, resource: { 'service.version': VERSION, ...resource, 'service.name': name } };
}

function secretIn(environment: Environment): string | null {
  const file = environment.OTEL_EXPORTER_OTLP_HEADERS_FILE;
  if (file === undefined || file === '') return null;
  const secret = readSecretSync(file);
  if (secret !== null) return secret;
  throw settingError(
    'OTEL_EXPORTER_OTLP_HEADERS_FILE',
    "the file is no plain file, can't be read or is empty",
    'Point it to a readable file with lines like `authorization=Bearer …`.',
  );
}

/** `name=value` with commas or line breaks between, values percent-encoded where they need it. The text is never shown: it may hold a token. */
function pairsOf(text: string, variable: string): Record<string, string> {
  const pairs = text.split(/[,\n]/).map((part) => part.trim());
  return Object.fromEntries(
    pairs
      .filter((part) => part !== '')
      .map((part) => {
        const at = part.indexOf('=');
        if (at <= 0)
          throw settingError(variable, 'a part has no name and value', 'Write it like name=value,other=value.');
        return [part.slice(0, at).trim(), decoded(part.slice(at + 1).trim())];
      }),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function settingError(variable: string, message: string, remedy: string): CodedError {
  return new CodedError({ code: 'SETTING_VALUE', message: `${variable}: ${message}.`, remedy });
}
