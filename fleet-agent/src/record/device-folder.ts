// Owns where things lie in the agent's data folder.
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import type { SlotName } from './model-record.ts';

/** Names that manifests may give; anything else could leave the folder. */
const SAFE_NAME = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;

export class DeviceFolder {
  readonly root: string;

  constructor(root: string) {
    this.root = path.resolve(root);
  }

  get keyFile(): string {
    return path.join(this.root, 'device.key.pem');
  }

  get identityFile(): string {
    return path.join(this.root, 'identity.json');
  }

  /** Time floor and last accepted revisions. */
  get memoryFile(): string {
    return path.join(this.root, 'memory.json');
  }

  /** The refusal of the directive that stands now, if one does. */
  get refusalFile(): string {
    return path.join(this.root, 'directive-refusal.json');
  }

  /** Disk kept aside for the worst day. */
  get reserveFile(): string {
    return path.join(this.root, 'reserve.bin');
  }

  get tufFolder(): string {
    return path.join(this.root, 'tuf');
  }

  get reportFolder(): string {
    return path.join(this.root, 'reports');
  }

  modelFolder(model: string): string {
    return path.join(this.root, 'models', model);
  }

  recordFile(model: string): string {
    return path.join(this.modelFolder(model), 'state.json');
  }

  /** Parameters of the directive, for the process that runs the model. */
  parametersFile(model: string): string {
    return path.join(this.modelFolder(model), 'parameters.json');
  }

  slotFolder(model: string, slot: SlotName): string {
    return path.join(this.modelFolder(model), 'slots', slot);
  }

  /** Symbolic link to the slot that serves, for other processes. */
  currentLink(model: string): string {
    return path.join(this.modelFolder(model), 'current');
  }

  async prepare(): Promise<void> {
    await mkdir(path.join(this.root, 'models'), { recursive: true, mode: 0o755 });
    await mkdir(this.reportFolder, { recursive: true, mode: 0o700 });
  }

  async prepareModel(model: string): Promise<void> {
    await mkdir(path.join(this.modelFolder(model), 'slots'), { recursive: true, mode: 0o755 });
  }

  /** Models that have a folder here. */
  async listModels(): Promise<string[]> {
    const entries = await readdir(path.join(this.root, 'models'), { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isSafeModelName(entry.name)).map((entry) => entry.name);
  }
}

export function isSafeModelName(name: string): boolean {
  return SAFE_NAME.test(name);
}
