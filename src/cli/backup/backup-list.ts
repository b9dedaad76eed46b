// Owns `backup.json`: what a backup says of itself, and which file has which digest.
import { CodedError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { CopiedStore } from '../../store/sqlite/copied-store.ts';

export const BACKUP_LIST = 'backup.json';
/** Raised when older versions can't restore what this one writes. */
const FORMAT = 1;
export const MOST_LIST_BYTES = 64 * 1024 * 1024;

export interface BackupFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface BackupList extends CopiedStore {
  readonly kind: 'slipway-backup' | 'slipway-keys';
  readonly format: number;
  /** Of the Slipway that wrote it. */
  readonly version: string;
  readonly takenAt: string;
  readonly hasKeys: boolean;
  readonly files: readonly BackupFile[];
}

export function listOf(
  kind: BackupList['kind'],
  facts: CopiedStore & Pick<BackupList, 'takenAt' | 'hasKeys' | 'files'>,
): BackupList {
  return { ...facts, kind, format: FORMAT, version: VERSION };
}

export function foreign(file: string, why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'BACKUP_FOREIGN',
    message: `${file} is no backup of Slipway: ${why}. Nothing was changed.`,
    remedy: 'Pass the file that `slipway backup` wrote.',
    cause,
  });
}

export function damaged(file: string, why: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'BACKUP_DAMAGED',
    message: `${file} is damaged: ${why}. Nothing was changed.`,
    remedy: 'Copy it again from where it is kept, or take another backup.',
    cause,
  });
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function isFile(value: unknown): value is BackupFile {
  const { path, sizeBytes, sha256 } = Object(value) as Partial<BackupFile>;
  return typeof path === 'string' && isWhole(sizeBytes) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** Throws BACKUP_FOREIGN, BACKUP_TOO_NEW or BACKUP_DAMAGED. */
export function parseBackupList(kind: BackupList['kind'], file: string, bytes: Buffer): BackupList {
  let list: Partial<BackupList>;
  try {
    list = Object(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw foreign(file, `its ${BACKUP_LIST} can't be read`, cause);
  }
  if (list.kind !== kind || !isWhole(list.format)) {
    const otherwise = list.kind === 'slipway-keys' ? 'it holds keys alone' : 'it holds something else';
    throw foreign(file, list.kind === 'slipway-backup' ? 'it holds a home, and keys are asked for' : otherwise);
  }
  if (Number(list.format) > FORMAT) {
    throw new CodedError({
      code: 'BACKUP_TOO_NEW',
      message: `${file} was written by Slipway ${String(list.version).slice(0, 40)}, in a form that this version (${VERSION}) does not know. Nothing was changed.`,
      remedy: 'Restore it with the Slipway that wrote it, or a newer one.',
    });
  }
  const { files, step, publicationSequence, metadataVersion, storeId, takenAt } = list;
  const areNumbers = [step, publicationSequence, metadataVersion].every(isWhole);
  const areTexts = [storeId ?? '', takenAt].every((one) => typeof one === 'string');
  if (
    !Array.isArray(files) ||
    !files.every(isFile) ||
    !areNumbers ||
    !areTexts ||
    Number.isNaN(Date.parse(takenAt ?? ''))
  )
    throw damaged(file, `its ${BACKUP_LIST} lacks what belongs there`);
  return list as BackupList;
}
