// Owns the page of documents: the fields of each kind, made from its schema, and an example that the tests read.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Field, fieldRows, withoutReferences } from './schema-fields.ts';

const ROOT = path.join(import.meta.dirname, '..');

interface DocumentKind {
  readonly schema: string;
  readonly example?: string;
  /** What readers ask next. */
  readonly more: string;
}

const KINDS: readonly DocumentKind[] = [
  {
    schema: 'model-manifest',
    example: 'examples/manifests/models/invoice-ocr/2026.01.10-rc1.yaml',
    more: '`slipway package` writes one from the files of a model: [Package a model](../how-to/package-a-model.md).',
  },
  { schema: 'model-draft', more: 'See [Package a model](../how-to/package-a-model.md).' },
  {
    schema: 'rollout-policy',
    example: 'examples/manifests/policies/careful.yaml',
    more: 'What rules can say is on the page of [metrics](metrics.md); how long a policy takes, [`slipway plan`](../how-to/plan-a-policy.md) tells.',
  },
  {
    schema: 'rollout',
    example: 'examples/manifests/rollouts/invoice-ocr-eu.yaml',
    more: 'People change `spec` by a commit or by [commands](../how-to/steer-a-rollout.md). `status` is the reconciler’s: it commits it, and a status that it did not write counts for nothing.',
  },
  {
    schema: 'device-group',
    example: 'examples/manifests/fleet/kiosks.yaml',
    more: 'See [Add and remove devices](../how-to/add-and-remove-devices.md).',
  },
  {
    schema: 'repository',
    example: 'examples/manifests/slipway.yaml',
    more: 'See [Manifests repository](manifests-repository.md).',
  },
  {
    schema: 'trust-policy',
    example: 'examples/trust-policy.yaml',
    more: 'Service and devices each have a copy of it, outside of the manifests repository; who holds which key is in [Keys](../explanation/keys.md).',
  },
  {
    schema: 'signal-providers',
    example: 'examples/signals.yaml',
    more: 'See [Use Prometheus](../how-to/use-prometheus.md).',
  },
];

const INTRODUCTION = `# Documents

The fields of what people write: kind by kind, with values, bounds, defaults and examples. Made from the [JSON Schemas](../../schemas) by \`npm run generate\`. \`notify.yaml\` is on the page of
[alerts and notifications](alerts.md), \`service.yaml\` on that of [settings](service-settings.md).

\`[]\` stands for each item of a list, \`<name>\` for each name of a map. A field that is not marked *optional* must be there where the fields around it are. Times are a number with \`ms\`, \`s\`, \`m\`, \`h\`, \`d\` or \`w\`,
as in \`1h30m\`; shares are percentages such as \`0.5%\`. A document is YAML 1.2 of at most 256 KiB without anchors, tags and twice-written fields; an unknown field is refused with the nearest one that there is.
\`slipway validate\` checks a whole repository and shows each problem with its [code](error-codes.md), line and column.

The files that \`slipway init\` writes begin with a line that lets editors complete and check them: [Manifests repository](manifests-repository.md) shows it.
`;

function readSchema(name: string): Field & { readonly title: string; readonly $defs?: Record<string, unknown> } {
  return JSON.parse(readFileSync(path.join(ROOT, `schemas/${name}.schema.json`), 'utf8'));
}

function exampleOf(file: string): string {
  const text = readFileSync(path.join(ROOT, file), 'utf8').replace(/^# yaml-language-server:.*\n/, '');
  return `\n[For example](../../${file}):\n\n\`\`\`yaml\n${text.trimEnd()}\n\`\`\`\n`;
}

function sectionOf({ schema, example, more }: DocumentKind): string {
  const read = readSchema(schema);
  const name = read.title.replace(/Document$/, '');
  const whole = withoutReferences(read, read.$defs) as Field;
  const rows = fieldRows(whole, '', { isFull: true }).filter((row) => !/^\| `(apiVersion|kind)`/.test(row));
  const table = ['| field | meaning | value | default | example |', '|---|---|---|---|---|', ...rows].join('\n');
  const kind = `\`apiVersion: slipway.dev/v1alpha1\`, \`kind: ${name}\`.`;
  return `## ${name}\n\n${read.description} ${kind} ${more}\n${example === undefined ? '' : exampleOf(example)}\n${table}\n`;
}

export function documentsPage(): string {
  return [INTRODUCTION, ...KINDS.map(sectionOf)].join('\n');
}
