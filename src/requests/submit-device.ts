// Owns bringing a change of one device onto the branch: as a commit in a person's clone, or pushed until it wins the race.
import type { CommitAuthor } from '../git/manifests-repository.ts';
import type { WorkTree } from '../git/work-tree.ts';
import { type ChangedGroup, type DeviceEdit, type DeviceWish, editForDevice } from './device-edit.ts';
import { type EditedBranch, pushEdit, type Time } from './push-edit.ts';
import { assertClean, lockSoon, RACE_MS, raceLost, type Submitted, unconfirmed } from './submit-request.ts';

export interface DeviceOrder extends DeviceWish {
  readonly reason: string | undefined;
  readonly person: CommitAuthor;
  readonly isDryRun: boolean;
}

export interface SubmittedDevice extends DeviceEdit, Pick<Submitted, 'commit' | 'place'> {}

function messageOf({ reason }: DeviceOrder, { title }: DeviceEdit): string {
  return reason === undefined ? `${title}\n` : `${title}\n\n${reason}\n`;
}

function filesOf(changed: readonly ChangedGroup[]): Map<string, string> {
  return new Map(changed.map(({ file, after }) => [file, after]));
}

/** Commits in the person's clone. Throws as `editForDevice` does, and REQUEST_…, REPO_…, GIT_LOCKED. */
export async function commitDevice(tree: WorkTree, order: DeviceOrder, time: Time): Promise<SubmittedDevice> {
  await using _lock = order.isDryRun ? undefined : await lockSoon(tree, time);
  const edit = await editForDevice(await tree.files(), order);
  for (const { file, before } of edit.changed) if (before !== '') await assertClean(tree, file);
  const place = (await tree.hasRemote()) ? 'local' : 'only-copy';
  const commit = order.isDryRun ? null : await tree.commit(filesOf(edit.changed), messageOf(order, edit), order.person);
  return { ...edit, commit, place };
}

/** Commits on the branch and pushes. Throws as `editForDevice` does, and REQUEST_…, GIT_…. */
export async function pushDevice(branch: EditedBranch, order: DeviceOrder): Promise<SubmittedDevice> {
  const { result, commit } = await pushEdit(branch, {
    async edit(files) {
      const edit = await editForDevice(files, order);
      const changes = new Map([...filesOf(edit.changed)].map(([file, text]) => [file, Buffer.from(text)]));
      return { result: edit, commit: order.isDryRun ? null : { changes, message: messageOf(order, edit) } };
    },
    raceMs: RACE_MS,
    raceLost,
    unconfirmed,
  });
  return { ...result, commit, place: 'pushed' };
}
