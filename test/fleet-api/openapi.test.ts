// What the OpenAPI document promises: each address is in it, with schemas that are there, in the words of JSON Schema.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { allRoutes, apiDocument } from '../../docs/api-document.ts';

const document = apiDocument() as unknown as {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<string, { operationId: string; summary: string; parameters: { name: string }[] }>
  >;
  readonly components: { readonly schemas: Record<string, object> };
};

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, one]) => ({ path, method, ...one })),
);

test('each address for programs is there once, with a name and a sentence', () => {
  const wanted = allRoutes().filter(({ response, path }) => response !== 'page' && !path.startsWith('/assets/'));
  expect(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()).toEqual(
    wanted.map(({ method, path }) => `${method} ${path}`).sort(),
  );
  expect(new Set(operations.map((one) => one.operationId)).size).toBe(operations.length);
  for (const { path, operationId, summary, parameters } of operations) {
    expect(summary, path).not.toBe(operationId);
    for (const [, name] of path.matchAll(/\{(\w+)\}/g)) expect(parameters.map((one) => one.name)).toContain(name);
  }
});

test('every name of a schema is that of one that is there, and each is a schema', () => {
  const text = JSON.stringify(document);
  for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect(document.components.schemas).toHaveProperty(name);
  expect(text).not.toContain('#/$defs/');
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'api', ...document });
  for (const name of Object.keys(document.components.schemas))
    expect(ajv.getSchema(`api#/components/schemas/${name}`), name).toBeDefined();
  const plain = new Set(['any', 'nothing', 'text', 'page', 'file', 'bytes', 'events']);
  const named = allRoutes()
    .filter(({ response }) => response !== 'page')
    .flatMap(({ request, response }) => [response, ...(request === null ? [] : [request.schema])])
    .map((name) => name.replace('[]', ''))
    .filter((name) => !plain.has(name));
  for (const name of named) expect(Object.keys(document.components.schemas)).toContain(name);
});
