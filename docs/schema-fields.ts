// Owns fields of a JSON Schema as rows of a table: name, meaning, value with its bounds, default and example.

export interface Field {
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Field | boolean;
  readonly items?: Field | false;
  readonly anyOf?: readonly Field[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
}

/** Bounds above this are those of the format of numbers, not of the field. */
const NO_BOUND = 1e9;
const DEFAULT = /(?:^| )Default:? ((?:[^.;,]|[.,]\d)+)(?=[.;,](?: |$))\.?/;

export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ').trim();
}

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `\`${text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')}\``;
}

/** A schema whose parts stand where they are used. */
export function withoutReferences(schema: unknown, definitions: Readonly<Record<string, unknown>> = {}): unknown {
  if (Array.isArray(schema)) return schema.map((one) => withoutReferences(one, definitions));
  if (schema === null || typeof schema !== 'object') return schema;
  const { $ref, ...own } = schema as { readonly $ref?: string };
  const target = $ref === undefined ? {} : withoutReferences(definitions[$ref.replace('#/$defs/', '')], definitions);
  const parts = Object.entries(own).map(([name, value]) => [name, withoutReferences(value, definitions)]);
  return { ...(target as object), ...Object.fromEntries(parts) };
}

function range(least: number | undefined, most: number | undefined, unit = ''): string {
  const isBounded = most !== undefined && most < NO_BOUND;
  if (isBounded) return `, ${least !== undefined && least > 0 ? `${least} to ` : 'at most '}${most}${unit}`;
  return least !== undefined && least > 0 ? `, at least ${least}${unit}` : '';
}

export function shapeOf(field: Field): string {
  if (field.anyOf !== undefined) return [...new Set(field.anyOf.map(shapeOf))].join(' or ');
  if (field.const !== undefined) return code(field.const);
  if (field.enum !== undefined) return field.enum.map(code).join(', ');
  if (typeof field.type === 'object') return field.type.map((type) => shapeOf({ ...field, type })).join(' or ');
  if (field.type === 'array') return `list${range(field.minItems, field.maxItems)}`;
  if (field.maxProperties !== undefined) return `map, at most ${field.maxProperties}`;
  if (field.type === 'object') return field.properties === undefined ? 'map' : 'fields';
  if (field.type === 'string') return `text${range(undefined, field.maxLength, ' characters')}`;
  const isBounded = field.maximum !== undefined && field.maximum < NO_BOUND;
  if (isBounded) return `${field.type}, ${field.minimum ?? 0} to ${field.maximum}`;
  return `${field.type ?? 'any'}${range(field.minimum, undefined)}`;
}

/** The default as the schema has it, or as the description states it, and the description without that sentence. */
function defaultOf({ default: stated, description = '' }: Field): { meaning: string; fallback: string } {
  if (stated !== undefined) return { meaning: description, fallback: code(stated) };
  const [sentence = '', fallback = ''] = DEFAULT.exec(description) ?? [];
  const isSentence = sentence.endsWith('.') && fallback.split(' ').length <= 4;
  const meaning = isSentence ? description.replace(sentence, '') : description;
  return { meaning, fallback: isSentence || fallback.split(' ').length <= 4 ? fallback : '' };
}

export interface FieldColumns {
  /** With the columns of default and example. */
  readonly isFull?: boolean;
}

function rowOf(place: string, member: Field, { isRequired, isFull }: { isRequired: boolean; isFull: boolean }): string {
  const optional = isRequired ? '' : ' *(optional)*';
  if (!isFull) return `| \`${place}\`${optional} | ${cell(member.description ?? '')} | ${shapeOf(member)} |`;
  const { meaning, fallback } = defaultOf(member);
  const [example] = member.examples ?? [];
  const shown = example === undefined ? '' : code(example);
  return `| \`${place}\`${optional} | ${cell(meaning)} | ${shapeOf(member)} | ${cell(fallback)} | ${shown} |`;
}

/** Rows of a field's members; those of lists and maps stand under \`[]\` and \`<name>\`. */
export function fieldRows(field: Field, at = '', columns: FieldColumns = {}): string[] {
  const { isFull = false } = columns;
  const members = Object.entries(field.properties ?? {}).flatMap(([name, member]) => {
    const place = at === '' ? name : `${at}.${name}`;
    const isRequired = field.required?.includes(name) ?? false;
    return [rowOf(place, member, { isRequired, isFull }), ...fieldRows(member, place, columns)];
  });
  const more = field.additionalProperties;
  const { items } = field;
  const rows = [
    ...members,
    ...(typeof more === 'object' ? fieldRows(more, `${at}.<name>`, columns) : []),
    ...(items ? fieldRows(items, `${at}[]`, columns) : []),
    ...(field.anyOf ?? []).flatMap((one) => fieldRows(one, at, columns)),
  ];
  return [...new Set(rows)];
}
