// Owns in-toto statements: the signed form in which Slipway keeps evidence, and in which others attest builds and tests.
export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
export const IN_TOTO_STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
/** Predicate type of the evidence for one step of a rollout. */
export const EVIDENCE_PREDICATE_TYPE = 'https://slipway.dev/evidence/v1';
const MOST_SUBJECTS = 1024;

export interface Subject {
  readonly name: string;
  /** Hexadecimal digits by algorithm; ours have `sha256`. */
  readonly digest: Readonly<Record<string, string>>;
}

/** An in-toto Statement v1: a predicate about subjects, which are named by digest. */
export interface InTotoStatement {
  readonly _type: typeof IN_TOTO_STATEMENT_TYPE;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

export type StatementRead =
  | { readonly kind: 'read'; readonly statement: InTotoStatement }
  | { readonly kind: 'refused'; readonly reason: string };

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSubject(value: unknown): value is Subject {
  if (!isRecord(value) || !isRecord(value.digest)) return false;
  return (
    typeof (value.name ?? '') === 'string' && Object.values(value.digest).every((digits) => typeof digits === 'string')
  );
}

/** The statement in a payload whose signature was checked before, of exactly this predicate type. Never throws. */
export function parseStatement(payload: Uint8Array, predicateType: string): StatementRead {
  const refused = (reason: string): StatementRead => ({ kind: 'refused', reason });
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return refused('its payload is not JSON');
  }
  if (!isRecord(json) || json._type !== IN_TOTO_STATEMENT_TYPE)
    return refused('it is not an in-toto statement of version 1');
  if (json.predicateType !== predicateType) return refused(`its predicate type is not ${predicateType}`);
  const { subject } = json;
  if (!Array.isArray(subject) || subject.length === 0 || subject.length > MOST_SUBJECTS || !subject.every(isSubject)) {
    return refused('its subjects are not readable');
  }
  const subjects = subject.map(({ name = '', digest }: Partial<Subject>) => ({ name, digest: digest ?? {} }));
  return {
    kind: 'read',
    statement: { _type: IN_TOTO_STATEMENT_TYPE, subject: subjects, predicateType, predicate: json.predicate ?? null },
  };
}
