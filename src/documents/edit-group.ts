// Owns programs' edits of a device group's file: a device leaves its members or joins those that are denied; every other byte stays.
import { assertInvariant } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import { findPair } from '../contract/source/document-source.ts';
import { readSource } from '../contract/source/read-source.ts';
import { addField, addItem, type FieldMap, isFieldMap, isItemList, removeItem, setField } from './splice-source.ts';
import type { DeviceGroup } from './types.generated.ts';

interface Opened {
  readonly spec: FieldMap;
  readonly group: DeviceGroup;
}

/** Only a document that was checked is edited. */
function open(text: string): Opened {
  const read = readSource('group', Buffer.from(text));
  assertInvariant(read.kind !== 'broken', 'only a group that can be read is edited');
  const spec = isFieldMap(read.source.root) ? findPair(read.source.root, 'spec')?.value : undefined;
  assertInvariant(isFieldMap(spec), 'a group has a spec');
  return { spec, group: read.value as unknown as DeviceGroup };
}

/** An edit that does anything but what it says would change what people wrote, in their name. */
function assertEdited(text: string, expected: unknown): string {
  assertInvariant(canonicalJson(open(text).group) === canonicalJson(expected), 'an edit changes nothing else');
  return text;
}

/** The text without the device among the members; the text itself where it is none. */
export function withoutMember(text: string, device: string): string {
  const { spec, group } = open(text);
  const members = group.spec.devices ?? [];
  const index = members.findIndex(({ id }) => id === device);
  const pair = findPair(spec, 'devices');
  if (index < 0 || pair === undefined || !isItemList(pair.value)) return text;
  const left = members.filter((_, i) => i !== index);
  // A group whose only field went would be none.
  const edited = left.length === 0 ? setField(text, spec, pair, []) : removeItem(text, pair.value, index);
  return assertEdited(edited, { ...group, spec: { ...group.spec, devices: left } });
}

/** The text with the device among those that are denied; the text itself where it is. */
export function withDenied(text: string, device: string): string {
  const { spec, group } = open(text);
  const denied = group.spec.deny ?? [];
  if (denied.includes(device)) return text;
  const pair = findPair(spec, 'deny');
  const wanted = [...denied, device];
  const list = pair !== undefined && isItemList(pair.value) && pair.value.items.length > 0 ? pair.value : undefined;
  const added = pair === undefined ? addField(text, spec, 'deny', wanted) : setField(text, spec, pair, wanted);
  const edited = list === undefined ? added : addItem(text, list, device);
  return assertEdited(edited, { ...group, spec: { ...group.spec, deny: wanted } });
}
