// Owns the judgement of `npm run demo -- --json`: every scene of the story must have ended as told.
import { readFileSync } from 'node:fs';

interface Scene {
  readonly name: string;
  readonly ok: boolean;
}

function isScene(value: unknown): value is Scene {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && typeof value.name === 'string' && 'ok' in value && typeof value.ok === 'boolean';
}

/** The scenes of the demo's JSON; throws when it is not that. */
function readScenes(file: string): Scene[] {
  const outcome: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof outcome !== 'object' || outcome === null || !('scenes' in outcome) || !Array.isArray(outcome.scenes))
    throw new TypeError('the demo printed no { scenes: [{ name, ok }] }');
  const { scenes } = outcome;
  if (scenes.length === 0 || !scenes.every(isScene)) throw new TypeError('a scene has no name or no ok');
  return scenes;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new TypeError('usage: demo.ts FILE, where FILE holds what `demo --json` printed');
const scenes = readScenes(file);
for (const scene of scenes) console.log(`${scene.ok ? 'passed' : 'FAILED'}  ${scene.name}`);
const failed = scenes.filter((scene) => !scene.ok).length;
console.log(`${scenes.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
