// Owns where things lie in the agent's data folder.
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { isSafeModelName, type SlotName } from './model-record.ts';

export class DeviceFolder {
  readonly root: string;
  readonly keyFile: string;
  readonly identityFile: string;
  /** Time floor and last accepted revisions. */
  readonly memoryFile: string;
  /** Why the published directive is refused, while it is. */
  readonly refusalFile: string;
  /** Disk kept aside for the worst day. */
  readonly reserveFile: string;
  readonly tufFolder: string;
  readonly reportFolder: string;
  readonly #modelsFolder: string;

  constructor(root: string) {
    this.root = path.resolve(root);
    this.keyFile = path.join(this.root, 'device.key.pem');
    this.identityFile = path.join(this.root, 'identity.json');
    this.memoryFile = path.join(this.root, 'memory.json');
    this.refusalFile = path.join(this.root, 'directive-refusal.json');
    this.reserveFile = path.join(this.root, 'reserve.bin');
    this.tufFolder = path.join(this.root, 'tuf');
    this.reportFolder = path.join(this.root, 'reports');
    this.#modelsFolder = path.join(this.root, 'models');
  }

  modelFolder(model: string): string {
    return path.join(this.#modelsFolder, model);
  }

  recordFile(model: string): string {
    return path.join(this.#modelsFolder, model, 'state.json');
  }

  /** Parameters of the directive, for the process that runs the model. */
  parametersFile(model: string): string {
    return path.join(this.#modelsFolder, model, 'parameters.json');
  }

  slotFolder(model: string, slot: SlotName): string {
    return path.join(this.#modelsFolder, model, 'slots', slot);
  }

  /** Symbolic link to the slot that serves, for other processes. */
  currentLink(model: string): string {
    return path.join(this.#modelsFolder, model, 'current');
  }

  async prepare(): Promise<void> {
    await mkdir(this.#modelsFolder, { recursive: true, mode: 0o755 });
  }

  async prepareModel(model: string): Promise<void> {
    await mkdir(path.join(this.#modelsFolder, model, 'slots'), { recursive: true, mode: 0o755 });
  }

  /** Models that have a folder here. */
  async listModels(): Promise<string[]> {
    const entries = await readdir(this.#modelsFolder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isSafeModelName(entry.name)).map((entry) => entry.name);
  }
}
