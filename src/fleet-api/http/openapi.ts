// Owns the OpenAPI 3.1 document of the service: made from the table of routes and the schemas that its rows name.
import type { JsonValue } from '../../contract/digest.ts';
import type { Route, Scope } from './route.ts';

/** A JSON Schema by the name that routes use. */
export type NamedSchemas = Readonly<Record<string, JsonValue>>;

export interface OpenApiOrder {
  readonly routes: readonly Route[];
  readonly schemas: NamedSchemas;
  readonly version: string;
}

type Members = Record<string, JsonValue>;

/** References inside a schema file point to its own definitions; here all stand in one place. */
function moved(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(moved);
  if (schema === null || typeof schema !== 'object') return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]): [string, JsonValue] => {
      const isReference = name === '$ref' && typeof value === 'string';
      return [name, isReference ? value.replace('#/$defs/', '#/components/schemas/') : moved(value)];
    }),
  );
}

/** What answers are that are no JSON. */
const MEDIA: Readonly<Record<string, string>> = {
  text: 'text/plain',
  page: 'text/html',
  file: 'application/octet-stream',
  bytes: 'application/octet-stream',
  events: 'text/event-stream',
};

const ERROR: JsonValue = {
  description: 'Why not: a code, what is true, and what to do.',
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, remedy: { type: 'string' } },
    },
  },
};

/** `Thing[]` is a list of things; of a name that no schema has, nothing is said. */
function schemaOf(name: string, schemas: NamedSchemas): JsonValue {
  if (name.endsWith('[]')) return { type: 'array', items: schemaOf(name.slice(0, -2), schemas) };
  return Object.hasOwn(schemas, name) ? { $ref: `#/components/schemas/${name}` } : {};
}

function contentOf(name: string, schemas: NamedSchemas): Members {
  const media = MEDIA[name];
  if (media !== undefined) return { [media]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: schemaOf(name, schemas) } };
}

const SCOPES: Readonly<Partial<Record<Scope, string>>> = {
  anyone: 'Open to anyone.',
  device: 'For devices: the message is signed with the key of the device, or holds an enrolment token.',
  'git-host': 'For Git hosts: signed with the webhook secret.',
};

function parametersOf({ path, query = {} }: Route): JsonValue[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    ...{ name, in: 'path', required: true, schema: { type: 'string' } },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    ...{ name, in: 'query', required: false, description, schema: { type: 'string' } },
  }));
  return [...inPath, ...inQuery];
}

function operationOf(route: Route, schemas: NamedSchemas): JsonValue {
  const { name, scope, summary, request, response } = route;
  const asks = SCOPES[scope] ?? `Needs a token with the scope \`${scope}\`.`;
  const isBearer = SCOPES[scope] === undefined;
  const good = response === 'nothing' ? {} : { content: contentOf(response, schemas) };
  const media = request?.kind === 'form' ? 'application/x-www-form-urlencoded' : undefined;
  const body =
    request === null || request.schema === 'nothing'
      ? {}
      : {
          requestBody: {
            required: true,
            content: media
              ? { [media]: { schema: schemaOf(request.schema, schemas) } }
              : contentOf(request.schema, schemas),
          },
        };
  return {
    operationId: name,
    summary: summary ?? name,
    description: asks,
    ...(isBearer ? { security: [{ token: [] }] } : {}),
    parameters: parametersOf(route),
    ...body,
    responses: {
      '200': { description: 'A good answer.', ...good },
      default: {
        description: 'An error.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

/** Addresses for programs: pages for people and their files are left out. */
function isOfApi({ path, response }: Route): boolean {
  return response !== 'page' && !path.startsWith('/assets/');
}

export function openApiOf({ routes, schemas, version }: OpenApiOrder): JsonValue {
  const paths: Record<string, Members> = {};
  for (const route of routes.filter(isOfApi)) {
    const known = paths[route.path] ?? {};
    paths[route.path] = { ...known, [route.method.toLowerCase()]: operationOf(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Slipway',
      version,
      description:
        'What a Slipway service answers. An answer may have members that are not listed: a client ignores them. What is not known is null.',
    },
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...(moved(schemas as Members) as Members), Error: ERROR },
    },
  };
}

/** The row that answers with the document of the table that it is in. */
export function openApiRoute(order: () => OpenApiOrder): Route {
  let text: string | undefined;
  return {
    ...{ name: 'openapi', method: 'GET', path: '/v1/openapi.json', scope: 'anyone', request: null },
    response: 'OpenApi',
    summary: 'This document.',
    handle: () => {
      text ??= JSON.stringify(openApiOf(order()));
      return { kind: 'text', text, headers: { 'Content-Type': 'application/json; charset=utf-8' } };
    },
  };
}
