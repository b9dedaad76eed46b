// Owns the reading of sources against the house plan: a list of files in, a list of breaches out.
import { posix as path } from 'node:path';
import {
  BANS,
  type Ban,
  COMPUTING_NODE_IMPORTS,
  COMPUTING_PACKAGES,
  EDGE_INTERFACES,
  EDGES,
  HOUSE_PLAN,
  OUTSIDE_FOLDERS,
  PACKAGE_HOMES,
  type Room,
  WINGS,
} from './house-plan.ts';
import { packageOf, type Reading, readSource, type SourceFile, targetOf } from './source-reading.ts';

export interface Breach {
  readonly path: string;
  readonly line: number;
  /** What is wrong, and what to do instead. */
  readonly message: string;
}

interface Place {
  readonly start: number;
  readonly message: string;
}

const MOST_LINES = 300;
const VAGUE_NAME = /(^|[-/])(utils?|common|misc|helpers?|managers?)(?=[-/.]|$)/;
const VAGUE_TYPE = /(Manager|Helper|Utils?|Impl)$/;
/** One or more `//` lines that end a sentence, at the top or below `#!`. */
const HEADER_SENTENCE = /^(#!.*\n)?(\/\/ \S.*\n)*\/\/ \S.*[.?]\n/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.(property\.test|test|generated|config|d))?\.(ts|mjs)$/;

export function isGenerated(file: SourceFile): boolean {
  return file.path.includes('.generated.');
}

function lineOf(text: string, start: number): number {
  return text.slice(0, start).split('\n').length;
}

function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`);
}

export function findRoom(file: string): Room | undefined {
  return HOUSE_PLAN.find((room) => isWithin(file, room.folder));
}

function isOutside(file: string): boolean {
  return OUTSIDE_FOLDERS.some((folder) => isWithin(file, folder)) || !file.includes('/');
}

function* checkShape({ file, defaultExports, onlyReexports, declaredNames }: Reading): Generator<Place> {
  if (!isGenerated(file) && !HEADER_SENTENCE.test(file.text))
    yield { start: 0, message: 'opens without a `// Owns …` sentence: say in one line what the file owns' };
  const name = path.basename(file.path);
  if (!KEBAB_CASE.test(name)) yield { start: 0, message: `is not named in kebab-case: rename ${name}` };
  if (VAGUE_NAME.test(file.path)) yield { start: 0, message: 'has a name that says nothing: name it for what it owns' };
  if (name === 'index.ts' || onlyReexports)
    yield { start: 0, message: 'is a barrel: import from the file that owns the name instead' };
  for (const start of defaultExports)
    if (!name.includes('.config.')) yield { start, message: 'has a default export: export it by name' };
  const lines = file.text.split('\n').length - 1;
  if (lines > MOST_LINES && !isGenerated(file) && !isWithin(file.path, 'test'))
    yield { start: 0, message: `has ${lines} lines of at most ${MOST_LINES}: split it by what it owns` };
  for (const declared of declaredNames)
    if (VAGUE_TYPE.test(declared.name))
      yield { start: declared.start, message: `names a type ${declared.name}: name its role instead` };
}

function* checkBans({ file, uses }: Reading): Generator<Place> {
  const breaks = (ban: Ban): boolean => !ban.homes.some((home) => isWithin(file.path, home));
  for (const ban of BANS.filter(breaks))
    for (const use of uses)
      if (use.name === ban.banned) yield { start: use.start, message: `uses ${ban.banned}: ${ban.replacement}` };
}

function* checkRoom({ file, imports }: Reading): Generator<Place> {
  const room = findRoom(file.path);
  if (room === undefined) {
    yield { start: 0, message: 'lies in no room of the house plan: move it, or add the room with a decision note' };
    return;
  }
  for (const one of imports) {
    const { from, names, start } = one;
    const target = targetOf(file.path, from);
    if (target === undefined) {
      const impure = room.pure ? [...checkPureImport(from, names, start)] : [];
      yield* impure.length > 0 ? impure : checkPackage(file.path, from, start);
      continue;
    }
    if (room.takesEdges && isImplementation(target, one.isType)) {
      const message = `imports ${target}, an implementation: import the edge's interface (EDGE_INTERFACES), src/cli passes the rest`;
      yield { start, message };
      continue;
    }
    yield* checkWing(file.path, target, start);
    if (isWithin(target, room.folder) || room.mayImport.some((folder) => isWithin(target, folder))) continue;
    const allowed = room.mayImport.join(', ') || 'nothing';
    yield {
      start,
      message: `imports ${target}, but ${room.folder} may import ${allowed}: move it down, or pass it as an argument`,
    };
  }
}

/** Is the file of an edge, and none that says what the edge promises? */
function isImplementation(target: string, isTypeOnly: boolean): boolean {
  if (!EDGES.some((edge) => isWithin(target, edge))) return false;
  const offered = EDGE_INTERFACES[target];
  return offered === undefined || (offered === 'types' && !isTypeOnly);
}

/** A wing is a folder of a room that knows none of its siblings. */
function* checkWing(importer: string, target: string, start: number): Generator<Place> {
  const wing = WINGS.find(({ folder }) => isWithin(importer, folder));
  if (wing === undefined || [wing.folder, ...wing.mayImport].some((folder) => isWithin(target, folder))) return;
  const message = `imports ${target}, but the wing ${wing.folder} may import ${wing.mayImport.join(', ')}: move it down`;
  yield { start, message };
}

function* checkPackage(importer: string, from: string, start: number): Generator<Place> {
  if (from.startsWith('node:')) return;
  const name = packageOf(from);
  const homes = PACKAGE_HOMES[name];
  if (homes === undefined) yield { start, message: `imports ${name}, which has no home: name one in the house plan` };
  else if (!homes.some((home) => isWithin(importer, home)))
    yield { start, message: `imports ${name}, which lives in ${homes.join(', ')}: take what it does as an argument` };
}

function* checkPureImport(from: string, names: readonly string[], start: number): Generator<Place> {
  const allowedNames = COMPUTING_NODE_IMPORTS[from];
  if (allowedNames && names.every((name) => allowedNames.includes(name))) return;
  if (COMPUTING_PACKAGES.includes(packageOf(from))) return;
  yield {
    start,
    message: `imports ${from} in a pure room: take the facts as an argument and do the effect in an edge`,
  };
}

/** Depth-first over relative imports; each circle is reported once, at the import that closes it. */
function findCircles(readings: readonly Reading[]): Breach[] {
  const byPath = new Map(readings.map((reading) => [reading.file.path, reading]));
  const done = new Set<string>();
  const breaches: Breach[] = [];
  const visit = (reading: Reading, trail: readonly string[]): void => {
    const here = reading.file.path;
    for (const { from, start } of reading.imports) {
      const target = targetOf(here, from);
      const next = target === undefined ? undefined : byPath.get(target);
      if (target === undefined || next === undefined || done.has(target)) continue;
      const from0 = trail.indexOf(target);
      if (target === here || from0 >= 0) {
        const circle = [...trail.slice(from0 < 0 ? trail.length : from0), here, target].join(' → ');
        const message = `closes a circle of imports, ${circle}: move what both need into a file of its own`;
        breaches.push({ path: here, line: lineOf(reading.file.text, start), message });
        continue;
      }
      visit(next, [...trail, here]);
    }
    done.add(here);
  };
  for (const reading of readings) if (!done.has(reading.file.path)) visit(reading, []);
  return breaches;
}

/** All breaches of the house plan and of the style that a machine can see, by path and line. */
export function findBreaches(files: readonly SourceFile[]): Breach[] {
  const readings = files.map(readSource);
  const breaches = readings.flatMap((reading) => {
    const { file } = reading;
    const outside = isOutside(file.path) ? [] : [...checkBans(reading), ...checkRoom(reading)];
    return [...checkShape(reading), ...outside].map(({ start, message }) => ({
      path: file.path,
      line: lineOf(file.text, start),
      message,
    }));
  });
  return [...breaches, ...findCircles(readings)].sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line);
}
