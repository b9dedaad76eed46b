// Owns programs' edits of a rollout's file: only what changes is replaced, so that comments, order and quoting of people stay.
import { assertInvariant, CodedError } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import { findPair } from '../contract/source/document-source.ts';
import { readSource } from '../contract/source/read-source.ts';
import {
  addField,
  addItem,
  appendField,
  type FieldMap,
  isFieldMap,
  isItemList,
  removeField,
  removeItem,
  setField,
} from './splice-source.ts';
import type { Rollout, RolloutRequest, RolloutStatus } from './types.generated.ts';

export interface SpecEdits {
  /** New value of `spec.version`. */
  readonly version?: string;
  /** New value of `spec.target`. */
  readonly target?: string;
  /** New value of `spec.parameters`; without any, the field goes. */
  readonly parameters?: Rollout['spec']['parameters'];
  /** Places in `spec.requests` whose entries are removed, as they are answered. */
  readonly answered?: readonly number[];
  /** New value of `spec.suspend`. */
  readonly suspend?: boolean;
  /** Added to `spec.requests`, behind those that stand there. */
  readonly request?: RolloutRequest;
}

type Fields = Readonly<Record<string, unknown>>;

interface Opened {
  readonly root: FieldMap;
  readonly value: Fields;
}

/** The fields of a document's text. Throws its first problem: a document that can't be read is not edited. */
function open(text: string): Opened {
  const read = readSource('rollout', Buffer.from(text));
  if (read.kind === 'broken') {
    const [first] = read.errors;
    throw first ?? new CodedError({ code: 'DOCUMENT_SYNTAX', message: 'The document cannot be read.' });
  }
  const { root } = read.source;
  assertInvariant(isFieldMap(root), 'only documents with fields are edited');
  return { root, value: read.value as Fields };
}

/** An edit that does anything but what it says would change what people wrote, in their name. */
function assertEdited(text: string, expected: Fields): string {
  const { value } = open(text);
  assertInvariant(canonicalJson(value) === canonicalJson(expected), 'an edit changes nothing else');
  return text;
}

/** The text with `status` set to the given one; every other byte stays. */
export function spliceStatus(text: string, status: RolloutStatus): string {
  const { root, value } = open(text);
  const pair = findPair(root, 'status');
  const edited = pair === undefined ? appendField(text, root, 'status', status) : setField(text, root, pair, status);
  return assertEdited(edited, { ...value, status });
}

/** The text with the edits made to `spec`; every other byte stays. */
export function spliceSpec(text: string, edits: SpecEdits): string {
  const { value } = open(text);
  const spec = { ...(value.spec as Fields) };
  let edited = text;
  if (edits.version !== undefined) {
    edited = setSpecField(edited, 'version', edits.version);
    spec.version = edits.version;
  }
  if (edits.target !== undefined) {
    edited = setSpecField(edited, 'target', edits.target);
    spec.target = edits.target;
  }
  if (edits.suspend !== undefined && edits.suspend !== (spec.suspend ?? false)) {
    edited = setSpecField(edited, 'suspend', edits.suspend);
    spec.suspend = edits.suspend;
  }
  if (edits.parameters !== undefined) {
    edited = setParameters(edited, edits.parameters);
    if (Object.keys(edits.parameters).length > 0) spec.parameters = edits.parameters;
    else delete spec.parameters;
  }
  const answered = [...new Set(edits.answered ?? [])].sort((a, b) => b - a);
  for (const index of answered) edited = removeRequest(edited, index);
  if (answered.length > 0) {
    const left = (spec.requests as readonly unknown[]).filter((_, index) => !answered.includes(index));
    if (left.length > 0) spec.requests = left;
    else delete spec.requests;
  }
  if (edits.request !== undefined) {
    edited = addRequest(edited, edits.request);
    spec.requests = [...((spec.requests as readonly unknown[] | undefined) ?? []), edits.request];
  }
  return assertEdited(edited, { ...value, spec });
}

function specOf(text: string): FieldMap {
  const spec = findPair(open(text).root, 'spec')?.value;
  assertInvariant(isFieldMap(spec), 'a rollout has a spec');
  return spec;
}

function setSpecField(text: string, name: string, value: unknown): string {
  const spec = specOf(text);
  const pair = findPair(spec, name);
  return pair === undefined ? addField(text, spec, name, value) : setField(text, spec, pair, value);
}

function setParameters(text: string, parameters: NonNullable<SpecEdits['parameters']>): string {
  if (Object.keys(parameters).length > 0) return setSpecField(text, 'parameters', parameters);
  const spec = specOf(text);
  const pair = findPair(spec, 'parameters');
  return pair === undefined ? text : removeField(text, spec, pair);
}

function addRequest(text: string, request: RolloutRequest): string {
  const list = findPair(specOf(text), 'requests')?.value;
  if (isItemList(list) && list.items.length > 0) return addItem(text, list, request);
  return setSpecField(text, 'requests', [request]);
}

/** Removes an entry of `spec.requests`, and the list with its last entry. */
function removeRequest(text: string, index: number): string {
  const spec = specOf(text);
  const pair = findPair(spec, 'requests');
  const list = pair?.value;
  assertInvariant(
    pair !== undefined && isItemList(list) && index < list.items.length,
    'only requests that stand there are answered',
  );
  return list.items.length === 1 ? removeField(text, spec, pair) : removeItem(text, list, index);
}
