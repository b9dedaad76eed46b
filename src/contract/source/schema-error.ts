// Owns what a misfit with a JSON Schema is called and where it stands, before anyone puts it into words.
import type { Problem } from './problem.ts';

/** What compiled checks say of the first value that does not fit. */
export interface SchemaError {
  /** JSON pointer. */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The steps of a JSON pointer; positions in lists as numbers. */
export function pathOfPointer(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}

export function locateSchemaError({
  instancePath,
  keyword,
  params,
}: SchemaError): Pick<Problem, 'code' | 'path' | 'part'> {
  const path = pathOfPointer(instancePath);
  switch (keyword) {
    case 'additionalProperties':
      return { code: 'DOCUMENT_UNKNOWN_FIELD', path: [...path, String(params.additionalProperty)], part: 'name' };
    case 'required':
      return { code: 'DOCUMENT_FIELD_MISSING', path, part: 'name' };
    case 'propertyNames':
      return { code: 'DOCUMENT_FIELD_NAME', path: [...path, String(params.propertyName)], part: 'name' };
    case 'type':
      return { code: 'DOCUMENT_FIELD_TYPE', path };
    default:
      return { code: 'DOCUMENT_FIELD_VALUE', path };
  }
}
