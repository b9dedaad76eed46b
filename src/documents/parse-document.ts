// Owns the door for documents: bytes in, a typed document out, or every problem of the file with its line and column.

import { findClosestWord } from '../base/closest-word.ts';
import { assertNever, type CodedError } from '../base/errors.ts';
import { checkModelManifest } from '../contract/manifest/check-model-manifest.ts';
import type { DocumentSource } from '../contract/source/document-source.ts';
import { locateProblems, type Problem } from '../contract/source/problem.ts';
import { readSource } from '../contract/source/read-source.ts';
import { pathOfPointer } from '../contract/source/schema-error.ts';
import { checkTrustPolicy } from '../contract/trust/check-trust-policy.ts';
import { checkDeviceGroup } from './check-device-group.ts';
import { checkNotifications } from './check-notifications.ts';
import { checkRolloutPolicy } from './check-rollout-policy.ts';
import { checkSchema, KINDS } from './check-schema.ts';
import { checkSignalProviders } from './check-signal-providers.ts';
import { findForeignText, isUpdateManifest } from './foreign-words.ts';
import { checkRepository } from './repository-layout.ts';
import { findBareBrackets } from './rules/rule-object.ts';
import type { SlipwayDocument } from './slipway-document.ts';

export type ParsedDocument =
  | { readonly kind: 'parsed'; readonly document: SlipwayDocument; readonly source: DocumentSource }
  | { readonly kind: 'broken'; readonly errors: readonly CodedError[] };

export interface ParseOptions {
  /**
   * The file is a copy, named by its digest: its path need not say what the document says
   * (`models/<name>/<version>.yaml`, `<name>.yaml`). Default false.
   */
  readonly isCopy?: boolean;
}

/**
 * Parses a document in YAML or JSON. `file` is its path in the repository, with `/`; errors name it. Never throws for what the bytes hold:
 * all problems come back at once (up to 50), in the order of the text.
 */
export function parseDocument(file: string, bytes: Uint8Array, options: ParseOptions = {}): ParsedDocument {
  const text = Buffer.from(bytes).toString('utf8');
  const foreign = findForeignText(file, text);
  if (foreign !== undefined) return { kind: 'broken', errors: [foreign] };
  const read = readSource(file, bytes);
  if (read.kind === 'broken') {
    const bare = findBareBrackets(file, text);
    return bare.length > 0 ? { kind: 'broken', errors: bare } : read;
  }
  const { source, value } = read;
  const broken = (problems: readonly Problem[]): ParsedDocument => ({
    kind: 'broken',
    errors: locateProblems(source, problems),
  });
  const kind = findKind(value);
  if (typeof kind !== 'string') return broken([kind]);
  const misfits = checkSchema(kind, value, (error) => source.writtenAt(pathOfPointer(error.instancePath)));
  if (misfits.length > 0) return broken(misfits);
  // The schema of its kind has just accepted it, and the types are generated from the schemas.
  const document = value as SlipwayDocument;
  const problems = [...(options.isCopy ? [] : checkFileName(document, file)), ...checkMeaning(document)];
  return problems.length > 0 ? broken(problems) : { kind: 'parsed', document, source };
}

const UPDATE_MANIFEST =
  'This looks like an update manifest. Here it is three documents: a ModelManifest (what the version is, its files and their digests), a RolloutPolicy (stages and rules) and a Rollout (which devices should run which version). `slipway init` writes one of each.';

function findKind(value: unknown): SlipwayDocument['kind'] | Problem {
  const remedy = `Write \`kind: …\`, with one of ${KINDS.join(', ')}.`;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { code: 'DOCUMENT_FIELD_TYPE', path: [], message: 'The document must be a set of fields.', remedy };
  }
  if (!Object.hasOwn(value, 'kind')) {
    return {
      code: 'DOCUMENT_KIND',
      path: [],
      message: 'The document has no `kind`.',
      remedy: isUpdateManifest(value) ? UPDATE_MANIFEST : remedy,
    };
  }
  const given = (value as { readonly kind?: unknown }).kind;
  // A map has no text: its own `toString` would be asked for one.
  const written = typeof given === 'string' ? given : JSON.stringify(given);
  const known = KINDS.find((kind) => kind === written);
  if (known !== undefined) return known;
  const close = findClosestWord(written, KINDS);
  return {
    code: 'DOCUMENT_KIND',
    path: ['kind'],
    message: `There is no kind \`${written.slice(0, 60)}\`.`,
    remedy: close === undefined ? remedy : `Did you mean \`${close}\`?`,
  };
}

function checkMeaning(document: SlipwayDocument): Problem[] {
  switch (document.kind) {
    case 'ModelManifest':
      return checkModelManifest(document);
    case 'RolloutPolicy':
      return checkRolloutPolicy(document);
    case 'DeviceGroup':
      return checkDeviceGroup(document);
    case 'TrustPolicy':
      return checkTrustPolicy(document);
    case 'SignalProviders':
      return checkSignalProviders(document);
    case 'Notifications':
      return checkNotifications(document);
    case 'Repository':
      return checkRepository(document);
    case 'ModelDraft':
    case 'Rollout':
      return [];
    default:
      return assertNever(document);
  }
}

/** A document is found by its path and known by its name: were they to differ, one could pass for another. */
function checkFileName(document: SlipwayDocument, file: string): Problem[] {
  const parts = file.replace(/\.(?:ya?ml|json)$/, '').split('/');
  const misnamed = (field: string, inFile: string | undefined, inDocument: string): Problem[] => {
    if (inFile === inDocument || inFile === undefined) return [];
    const message = `\`metadata.${field}\` is \`${inDocument}\`, but the file's path says \`${inFile}\`.`;
    const wanted =
      document.kind === 'ModelManifest' || document.kind === 'ModelDraft' ? '<name>/<version>.yaml' : '<name>.yaml';
    const remedy = `Rename one of them: the file must be named \`${wanted}\`.`;
    return [{ code: 'DOCUMENT_FILE_NAME', path: ['metadata', field], message, remedy }];
  };
  switch (document.kind) {
    case 'ModelDraft':
    case 'ModelManifest': {
      const { name, version } = document.metadata;
      return [...misnamed('name', parts.at(-2), name), ...misnamed('version', parts.at(-1), version)];
    }
    case 'Rollout':
    case 'RolloutPolicy':
    case 'DeviceGroup':
      return misnamed('name', parts.at(-1), document.metadata.name);
    case 'Notifications':
    case 'Repository':
    case 'TrustPolicy':
    case 'SignalProviders':
      return [];
  }
}
