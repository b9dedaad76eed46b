// Owns what pages load: one sheet and one script, made once in a process, under names that hold their digest.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { errorAnswer } from '../fleet-api/http/answers.ts';
import type { Route } from '../fleet-api/http/route.ts';

const HERE = import.meta.dirname;
const STYLES = path.join(HERE, 'pages/styles');
const SCRIPT = path.join(HERE, 'browser/main.ts');
/** The script as a package has it; in a checkout it is made out of the sources. */
export const READY_SCRIPT = path.join(HERE, 'browser/script.js');

const compress = promisify(gzip);

export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly gzipped: Uint8Array;
}

export interface Assets {
  readonly style: Asset;
  /** Null where it could not be made: pages work without it. */
  readonly script: Asset | null;
}

async function assetOf(text: string, extension: string, type: string): Promise<Asset> {
  const bytes = Buffer.from(text);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return { path: `/assets/${hash}.${extension}`, type, bytes, gzipped: await compress(bytes) };
}

/** The base first, then what parts of the screen add. */
export async function readStyles(): Promise<string> {
  const names = (await readdir(STYLES)).filter((name) => name.endsWith('.css') && name !== 'base.css').sort();
  const texts = await Promise.all(['base.css', ...names].map((name) => readFile(path.join(STYLES, name), 'utf8')));
  return texts.join('\n');
}

/** What runs in the browser, as one file. */
export async function bundleScript(): Promise<string> {
  const { build, stop } = await import('esbuild');
  const options = { bundle: true, minify: true, write: false, legalComments: 'none', logLevel: 'silent' } as const;
  const built = await build({
    ...options,
    entryPoints: [SCRIPT],
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
  });
  // Its process would stay as long as this one.
  await stop();
  return built.outputFiles[0]?.text ?? '';
}

export interface AssetMaker {
  read(): Promise<Assets>;
}

async function readScript(): Promise<string> {
  return existsSync(READY_SCRIPT) ? readFile(READY_SCRIPT, 'utf8') : bundleScript();
}

/** Makes them when a page asks first. `onProblem` hears why there is no script. */
export function assetMaker(onProblem: (error: unknown) => void): AssetMaker {
  let made: Promise<Assets> | undefined;
  const make = async (): Promise<Assets> => {
    const script = readScript().then(
      (text) => assetOf(text, 'js', 'text/javascript'),
      (error: unknown) => {
        onProblem(error);
        return null;
      },
    );
    return { style: await assetOf(await readStyles(), 'css', 'text/css'), script: await script };
  };
  return {
    read: () => {
      made ??= make();
      return made;
    },
  };
}

const NOT_FOUND = errorAnswer(404, { code: 'HTTP_NOT_FOUND', message: 'There is no such file.' });

/** Open to all: there is nothing in them that the sources don't say. */
export function assetRoute(maker: AssetMaker): Route {
  return {
    ...{ name: 'asset', method: 'GET', path: '/assets/{file}', scope: 'anyone', request: null, response: 'text' },
    handle: async ({ params, headers }) => {
      const { style, script } = await maker.read();
      const asset = [style, script].find((one) => one?.path === `/assets/${params.file}`);
      if (asset === undefined || asset === null) return NOT_FOUND;
      const isPacked = headers['accept-encoding']?.includes('gzip') === true;
      return {
        kind: 'text',
        text: isPacked ? asset.gzipped : asset.bytes,
        headers: {
          'Content-Type': `${asset.type}; charset=utf-8`,
          'Cache-Control': 'public, max-age=31536000, immutable',
          Vary: 'Accept-Encoding',
          ...(isPacked ? { 'Content-Encoding': 'gzip' } : {}),
        },
      };
    },
  };
}
