// Owns editing a trust policy's text: an end for one signer, and another signer beside it; what people wrote around them stays.
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';

export interface NextSigner {
  /** The signer that ends; the new one may sign what it may. */
  readonly old: string;
  /** ISO 8601. */
  readonly notAfter: string;
  /** The new one's name and identity; null where it is there already. */
  readonly added: Readonly<Record<string, unknown>> | null;
}

/** What the new signer takes over from the old one. */
const SAME = ['models', 'policies', 'require'];

/** Undefined where the text lists no such signer. */
export function withNextSigner(text: string, { old, notAfter, added }: NextSigner): string | undefined {
  const document = parseDocument(text);
  const signers = document.getIn(['spec', 'signers']);
  if (!isSeq<YAMLMap>(signers)) return undefined;
  const entry = signers.items.find((one) => isMap(one) && one.get('name') === old);
  if (entry === undefined) return undefined;
  entry.set('notAfter', notAfter);
  const plain = entry.toJSON() as Readonly<Record<string, unknown>>;
  const same = Object.fromEntries(SAME.filter((field) => field in plain).map((field) => [field, plain[field]]));
  if (added !== null) {
    const lists = Object.entries(same).map(([field, value]) => [field, document.createNode(value, { flow: true })]);
    signers.add(document.createNode({ ...added, ...Object.fromEntries(lists) }) as YAMLMap);
  }
  return document.toString({ lineWidth: 160, flowCollectionPadding: false });
}
