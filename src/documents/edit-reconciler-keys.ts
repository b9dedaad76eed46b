// Owns editing the reconciler's keys in a trust policy's text: more of them, and an end for some; what people wrote around them stays.
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';

const STYLE = { lineWidth: 160, flowCollectionPadding: false };
const PLACE = ['spec', 'reconciler'];

/** With these key files in the list, after those that are there. */
export function withReconcilerKeys(text: string, files: readonly string[]): string {
  const document = parseDocument(text);
  const there = listed(document.getIn(PLACE)).map((entry) => entry.get('key'));
  const added = files.filter((file) => !there.includes(file));
  if (added.length === 0) return text;
  if (!isSeq(document.getIn(PLACE))) document.setIn(PLACE, document.createNode([]));
  for (const key of added) document.addIn(PLACE, document.createNode({ key }));
  return document.toString(STYLE);
}

/** With an end for each key file that has none and that `isOld`. */
export function withKeyEnds(text: string, isOld: (file: string) => boolean, notAfter: string): string {
  const document = parseDocument(text);
  const old = listed(document.getIn(PLACE)).filter(
    (entry) => !entry.has('notAfter') && isOld(String(entry.get('key'))),
  );
  for (const entry of old) entry.set('notAfter', notAfter);
  return old.length === 0 ? text : document.toString(STYLE);
}

function listed(list: unknown): YAMLMap[] {
  return isSeq<YAMLMap>(list) ? list.items.filter((entry) => isMap(entry)) : [];
}
