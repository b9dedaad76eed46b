// Owns holding a value against the JSON Schema of its kind, and saying in words what does not fit.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import deviceGroup from '../../schemas/device-group.schema.json' with { type: 'json' };
import modelDraft from '../../schemas/model-draft.schema.json' with { type: 'json' };
import modelManifest from '../../schemas/model-manifest.schema.json' with { type: 'json' };
import notifications from '../../schemas/notifications.schema.json' with { type: 'json' };
import repository from '../../schemas/repository.schema.json' with { type: 'json' };
import rollout from '../../schemas/rollout.schema.json' with { type: 'json' };
import rolloutPolicy from '../../schemas/rollout-policy.schema.json' with { type: 'json' };
import signalProviders from '../../schemas/signal-providers.schema.json' with { type: 'json' };
import trustPolicy from '../../schemas/trust-policy.schema.json' with { type: 'json' };
import { isVersion, isVersionRange, parseRange } from '../contract/model-version.ts';
import { checkWrittenSelector } from '../contract/selector.ts';
import type { Problem } from '../contract/source/problem.ts';
import { pathOfPointer } from '../contract/source/schema-error.ts';
import { TextError } from '../contract/source/text-error.ts';
import { explainSchemaError } from './explain-schema-error.ts';
import { parseQuery } from './rules/query-text.ts';
import { findRuleObjectProblem } from './rules/rule-object.ts';
import { parseRule } from './rules/rule-text.ts';
import { parseSignalLimit, parseSignalPass } from './rules/signal-rule-text.ts';
import type { SlipwayDocument } from './slipway-document.ts';

type Kind = SlipwayDocument['kind'];

const SCHEMAS: Readonly<Record<Kind, object>> = {
  DeviceGroup: deviceGroup,
  ModelDraft: modelDraft,
  ModelManifest: modelManifest,
  Notifications: notifications,
  Repository: repository,
  Rollout: rollout,
  RolloutPolicy: rolloutPolicy,
  SignalProviders: signalProviders,
  TrustPolicy: trustPolicy,
};
export const KINDS: readonly Kind[] = Object.keys(SCHEMAS) as Kind[];

function parseDesiredVersion(text: string): void {
  if (text === 'latest' || isVersion(text) || isVersionRange(text)) return;
  const message = `"${text}" is neither a version nor a version range.`;
  const remedy = 'Write a version such as `2026.01.10-rc1`, `latest`, or a range such as `>=1.2 <2`.';
  throw new TextError({ code: 'VERSION_RANGE', message, remedy, column: 1 });
}

/** Texts with a grammar of their own, by the `format` that the schemas give them. Each throws a TextError. */
const GRAMMARS: Readonly<Record<string, (text: string) => unknown>> = {
  'slipway-selector': checkWrittenSelector,
  'slipway-rule': parseRule,
  'slipway-signal-limit': parseSignalLimit,
  'slipway-signal-pass': parseSignalPass,
  'slipway-query': parseQuery,
  'slipway-version-range': parseRange,
  'slipway-desired-version': parseDesiredVersion,
};

const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true, strictRequired: false });
for (const [name, parse] of Object.entries(GRAMMARS)) {
  ajv.addFormat(name, (text: string) => findTextError(() => parse(text)) === undefined);
}

const validators = new Map<Kind, ValidateFunction>();

/** Compiled at the first use: few commands read every kind. */
function validatorOf(kind: Kind): ValidateFunction {
  const known = validators.get(kind);
  if (known !== undefined) return known;
  const compiled = ajv.compile(SCHEMAS[kind]);
  validators.set(kind, compiled);
  return compiled;
}

function findTextError(parse: () => unknown): TextError | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
}

/** Everything in which the value departs from the schema of the kind; none when it fits. `writtenAt` gives a field's value as written. */
export function checkSchema(kind: Kind, value: unknown, writtenAt: (error: ErrorObject) => string): Problem[] {
  const validate = validatorOf(kind);
  if (validate(value)) return [];
  const errors = validate.errors ?? [];
  const wholes = new Map(errors.flatMap(ruleProblemOf));
  const others = errors.filter(
    ({ instancePath }) => ![...wholes.keys()].some((rule) => isAtOrBelow(instancePath, rule)),
  );
  const single = relevantErrors(others).map((error) => {
    const grammar = error.keyword === 'format' ? GRAMMARS[String(error.schema)] : undefined;
    const inText = grammar && findTextError(() => grammar(String(error.data)));
    return explainSchemaError({ error, written: writtenAt(error), inText });
  });
  return [...wholes.values(), ...single];
}

function isAtOrBelow(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}

/** Where a stage's rule fits none of the shapes of rules: what is wrong with its fields together, by its place. */
function ruleProblemOf({ keyword, instancePath, data }: ErrorObject): [string, Problem][] {
  if (keyword !== 'anyOf' || !/^\/spec\/stages\/\d+\/rules\/\d+$/.test(instancePath)) return [];
  const problem = findRuleObjectProblem(data, pathOfPointer(instancePath));
  return problem === undefined ? [] : [[instancePath, problem]];
}

/** Leaves out what only follows from other errors: of an `anyOf`, all but the one branch that was most likely meant, and of names inside `propertyNames`. */
function relevantErrors(errors: readonly ErrorObject[]): ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  for (const error of errors) {
    if (error.propertyName !== undefined) dropped.add(error);
    if (error.keyword !== 'anyOf') continue;
    const branches = branchesOf(error, errors);
    const meant = branches.filter(
      (branch) => !branch.some((one) => one.keyword === 'type' && one.instancePath === error.instancePath),
    );
    const fewest = Math.min(...meant.map((branch) => branch.length));
    const [only, ...others] = meant.filter((branch) => branch.length === fewest);
    const kept = only !== undefined && others.length === 0 ? only : [error];
    for (const one of [error, ...branches.flat()]) if (!kept.includes(one)) dropped.add(one);
  }
  return errors.filter((error) => !dropped.has(error));
}

/** The errors under each branch of an `anyOf`. A branch that is a `$ref` reports under the path of what it refers to. */
function branchesOf(anyOf: ErrorObject, errors: readonly ErrorObject[]): ErrorObject[][] {
  const branches: unknown[] = Array.isArray(anyOf.schema) ? anyOf.schema : [];
  return branches.map((branch, index) => {
    const reference = (branch as { readonly $ref?: unknown }).$ref;
    const prefix = typeof reference === 'string' ? reference : `${anyOf.schemaPath}/${index}`;
    return errors.filter(
      (error) => isAtOrBelow(error.instancePath, anyOf.instancePath) && `${error.schemaPath}/`.startsWith(`${prefix}/`),
    );
  });
}
