// Owns the reference page of the HTTP API, made from its OpenAPI document.
import { apiDocument } from './api-document.ts';

const INTRODUCTION = `# HTTP API

Made from the table of routes and the schemas of its answers by \`npm run generate\`. A running service gives the same as OpenAPI 3.1: \`GET /v1/openapi.json\`.

Times are milliseconds since 1970 in \`…AtMs\`, durations milliseconds in \`…Ms\`, shares 0..1. What is not known is null, never 0. An answer may have members that are not listed: a client ignores them.
An error is \`{ "error": { "code", "message", "remedy" } }\` with a status of 400 and above. Tokens and their scopes: [Which token for whom](../how-to/tokens.md).

Views of the read model have an \`ETag\`, the number of the change that they were made after: with \`If-None-Match\` nothing is sent again (304). \`GET /v1/events\` is a stream of server-sent events:

| event | data | meaning |
|---|---|---|
| \`changed\` | \`{ sequence, atMs, commit, parts }\` | A cycle is over. \`parts\` names what to read again: \`overview\`, \`rollout:<name>\`, \`rollouts\` for many of them, \`devices\`; empty when nothing else changed. |
| \`step\` | \`{ sequence, rollout, kind, version, revision, from, to, text, commit }\` | The reconciler committed a step. |
| \`alert\` | \`{ sequence, state, id, kind, reason, rollout, text, remedy, runbook, sinceMs }\` | An alert was \`raised\` or \`ended\`. |
| \`reset\` | \`{ sequence }\` | The reader missed too much, or the service began anew: read everything again. |

Each event's id is its number. A reader that comes back says the last one in \`Last-Event-ID\`, as browsers do by themselves.
`;

interface Schema {
  readonly $ref?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly maxItems?: number;
}

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly description?: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: { readonly 200: { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> } };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function link(name: string): string {
  return `[${name}](#${name.toLowerCase()})`;
}

/** What a value is, in a few words. */
function shape(schema: Schema): string {
  const { $ref, type, anyOf, items, additionalProperties: others } = schema;
  if ($ref !== undefined) return link($ref.split('/').at(-1) ?? '');
  if (anyOf !== undefined) return anyOf.map(shape).join(' or ');
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${one}\``).join(', ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (type === 'array') {
    const most = schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`;
    return `list of ${items === undefined ? 'anything' : shape(items)}${most}`;
  }
  if (type === 'object' && schema.properties === undefined && typeof others === 'object')
    return `map of ${shape(others)}`;
  return (typeof type === 'string' ? [type] : (type ?? ['anything'])).join(' or ');
}

/** Members, those of parts without a name of their own below them. */
function rows({ properties = {}, required = [] }: Schema, at = ''): string[] {
  return Object.entries(properties).flatMap(([name, member]) => {
    const place = at === '' ? name : `${at}.${name}`;
    const optional = required.includes(name) ? '' : ' *(optional)*';
    const inner = member.properties ? member : (member.anyOf ?? []).find((one) => one.properties !== undefined);
    const item = member.items?.properties === undefined ? [] : rows(member.items, `${place}[]`);
    return [
      `| \`${place}\`${optional} | ${cell(member.description ?? '')} | ${shape(member)} |`,
      ...(inner === undefined ? [] : rows(inner, place)),
      ...item,
    ];
  });
}

function bodyOf(content: Readonly<Record<string, { readonly schema: Schema }>> | undefined): string {
  const [found] = Object.entries(content ?? {});
  if (found === undefined) return 'nothing';
  const [media, { schema }] = found;
  return media === 'application/json' ? shape(schema) : `\`${media}\``;
}

function operation(method: string, path: string, one: Operation): string {
  const query = one.parameters.filter((parameter) => parameter.in === 'query');
  const asked = query.map(({ name, description }) => `* \`?${name}=\` ${description ?? ''}`);
  const body = one.requestBody === undefined ? [] : [`* Body: ${bodyOf(one.requestBody.content)}.`];
  return [
    `### \`${method.toUpperCase()} ${path}\``,
    '',
    `${one.summary} ${one.description}`,
    '',
    ...asked,
    ...body,
    `* Answer: ${bodyOf(one.responses[200].content)}.`,
    '',
  ].join('\n');
}

function schemaSection(name: string, schema: Schema): string {
  const members = rows(schema);
  const table =
    members.length === 0 ? [shape(schema), ''] : ['| member | meaning | value |', '|---|---|---|', ...members, ''];
  return [`### ${name}`, '', ...(schema.description === undefined ? [] : [schema.description, '']), ...table].join(
    '\n',
  );
}

export function httpApiPage(): string {
  const { paths, components } = apiDocument() as unknown as Document;
  const operations = Object.entries(paths)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => operation(method, path, one)));
  const schemas = Object.entries(components.schemas).map(([name, schema]) => schemaSection(name, schema));
  return [INTRODUCTION, '## Addresses\n', ...operations, '## Schemas\n', ...schemas].join('\n');
}
