// Owns taking a device out of the fleet documents: what a person could edit by hand, in one commit.
import { CodedError } from '../base/errors.ts';
import { withDenied, withoutMember } from '../documents/edit-group.ts';
import { parseDocument } from '../documents/parse-document.ts';
import type { DeviceGroup } from '../documents/types.generated.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import { DOCUMENT_LIMIT_BYTES, readLayout } from './find-rollout.ts';

/** `remove`: it is no member of any group any more. `revoke`: the service refuses it as well, whatever key it has. */
export type DeviceVerb = 'remove' | 'revoke';

export interface DeviceWish {
  readonly verb: DeviceVerb;
  readonly device: string;
  /** Group whose list of denied devices it joins; the one that lists it, or the only one, unless given. */
  readonly group?: string | undefined;
}

export interface ChangedGroup {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

export interface DeviceEdit {
  readonly title: string;
  readonly changed: readonly ChangedGroup[];
}

interface GroupFile {
  readonly file: string;
  readonly text: string;
  readonly group: DeviceGroup;
}

const NEW_FILE = 'denied';

/** The groups of the fleet documents. Throws the first problem of a broken one: what it lists can't be told. */
async function readGroups(files: RepositoryFiles): Promise<{ readonly folder: string; readonly groups: GroupFile[] }> {
  const { fleet } = await readLayout(files);
  const groups: GroupFile[] = [];
  for (const file of files.paths) {
    if (!file.startsWith(`${fleet}/`) || !/\.(ya?ml|json)$/.test(file) || file.endsWith('.sigstore.json')) continue;
    const bytes = await files.read(file, DOCUMENT_LIMIT_BYTES);
    const parsed = parseDocument(file, bytes);
    if (parsed.kind !== 'parsed') throw parsed.errors[0] ?? new CodedError({ code: 'DOCUMENT_SYNTAX', message: file });
    if (parsed.document.kind === 'DeviceGroup')
      groups.push({ file, text: bytes.toString('utf8'), group: parsed.document });
  }
  return { folder: fleet, groups };
}

/** Throws DEVICE_NOT_LISTED, DEVICE_DENIED, GROUP_UNKNOWN, DEVICE_WHICH_GROUP, and what a broken document has. */
export async function editForDevice(files: RepositoryFiles, { verb, device, group }: DeviceWish): Promise<DeviceEdit> {
  const { folder, groups } = await readGroups(files);
  const members = groups.filter((one) => one.group.spec.devices?.some(({ id }) => id === device));
  if (verb === 'revoke') return revoke({ folder, groups, members }, device, group);
  if (members.length === 0)
    throw new CodedError({
      code: 'DEVICE_NOT_LISTED',
      message: `No group lists ${device}.`,
      remedy: 'A device that enrolled with a token alone is kept out by `slipway device revoke`.',
    });
  const changed = members.map(({ file, text }) => ({ file, before: text, after: withoutMember(text, device) }));
  return { title: `Remove ${device} from ${members.map((one) => one.group.metadata.name).join(', ')}`, changed };
}

interface Groups {
  readonly folder: string;
  readonly groups: readonly GroupFile[];
  readonly members: readonly GroupFile[];
}

function revoke({ folder, groups, members }: Groups, device: string, name: string | undefined): DeviceEdit {
  const denying = groups.find((one) => one.group.spec.deny?.includes(device));
  if (denying !== undefined)
    throw new CodedError({ code: 'DEVICE_DENIED', message: `${denying.file} denies ${device} already.` });
  const title = `Revoke ${device}`;
  const into = findInto(groups, members, name);
  if (into === undefined) {
    const after = `apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata:\n  name: ${NEW_FILE}\nspec:\n  deny:\n    - ${device}\n`;
    return { title, changed: [{ file: `${folder}/${NEW_FILE}.yaml`, before: '', after }] };
  }
  // Who is denied is no member: nothing is to be said of it twice.
  const changed = new Set([...members, into]);
  return {
    title,
    changed: [...changed].map((one) => {
      const denying = one === into ? withDenied(one.text, device) : one.text;
      return { file: one.file, before: one.text, after: withoutMember(denying, device) };
    }),
  };
}

/** Undefined where there is no group at all. */
function findInto(
  groups: readonly GroupFile[],
  members: readonly GroupFile[],
  name: string | undefined,
): GroupFile | undefined {
  const names = groups.map((one) => one.group.metadata.name).join(', ');
  if (name !== undefined) {
    const found = groups.find((one) => one.group.metadata.name === name);
    if (found !== undefined) return found;
    throw new CodedError({
      code: 'GROUP_UNKNOWN',
      message: `There is no group ${JSON.stringify(name)}.`,
      remedy: names === '' ? 'Leave --group out: the first list of denied devices is then made.' : `Groups: ${names}.`,
    });
  }
  const withList = groups.filter((one) => (one.group.spec.deny?.length ?? 0) > 0);
  const [first, second] = members.length > 0 ? members : withList.length > 0 ? withList : groups;
  if (first === undefined || second === undefined) return first;
  throw new CodedError({
    code: 'DEVICE_WHICH_GROUP',
    message: `More than one group could deny it: ${first.group.metadata.name}, ${second.group.metadata.name}.`,
    remedy: `Pass --group with one of ${names}.`,
  });
}
