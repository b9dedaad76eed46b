// Owns the reading of sources against the house plan: a list of files in, a list of breaches out.
import { posix as path } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import {
  BANS,
  type Ban,
  COMPUTING_NODE_IMPORTS,
  COMPUTING_PACKAGES,
  HOUSE_PLAN,
  OUTSIDE_FOLDERS,
  type Room,
  WINGS,
} from './house-plan.ts';

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Breach {
  readonly path: string;
  readonly line: number;
  /** What is wrong, and what to do instead. */
  readonly message: string;
}

interface Import {
  readonly from: string;
  readonly names: readonly string[];
  readonly start: number;
}

interface Place {
  readonly start: number;
  readonly message: string;
}

/** What one reading of a file yields. */
interface Reading {
  readonly file: SourceFile;
  readonly imports: readonly Import[];
  /** Dotted names, calls and constructions that a ban could name, with where they stand. */
  readonly uses: readonly { readonly name: string; readonly start: number }[];
  readonly declaredNames: readonly { readonly name: string; readonly start: number }[];
  readonly defaultExports: readonly number[];
  readonly onlyReexports: boolean;
}

const MOST_LINES = 350;
const VAGUE_NAME = /(^|[-/])(utils?|common|misc|helpers?|managers?)(?=[-/.]|$)/;
const VAGUE_TYPE = /(Manager|Helper|Utils?|Impl)$/;
/** One or more `//` lines that end a sentence, at the top or below `#!`. */
const HEADER_SENTENCE = /^(#!.*\n)?(\/\/ \S.*\n)*\/\/ \S.*[.?]\n/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|generated|config|d))?\.(ts|mjs)$/;

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

/** `globalThis.setTimeout` is `setTimeout`. */
function plainName(name: string): string {
  return name.replace(/^globalThis\./, '');
}

function read(file: SourceFile): Reading {
  const parsed = parseSync(file.path, file.text, { sourceType: 'module' });
  const imports: Import[] = parsed.module.staticImports.map((entry) => ({
    from: entry.moduleRequest.value,
    names: entry.entries.map((name) => name.importName.name ?? '*'),
    start: entry.start,
  }));
  const uses: { name: string; start: number }[] = [];
  const declaredNames: { name: string; start: number }[] = [];
  const dottedName = (node: { type: string }): string => {
    if (node.type === 'Identifier' && 'name' in node) return String(node.name);
    if (node.type !== 'MemberExpression' || !('object' in node) || !('property' in node)) return '?';
    return `${dottedName(node.object as { type: string })}.${dottedName(node.property as { type: string })}`;
  };
  const declare = (node: { id: { name: string; start: number } | null }): void => {
    if (node.id) declaredNames.push({ name: node.id.name, start: node.id.start });
  };
  new Visitor({
    MemberExpression: (node) => uses.push({ name: plainName(dottedName(node)), start: node.start }),
    CallExpression: (node) => uses.push({ name: `${plainName(dottedName(node.callee))}()`, start: node.start }),
    NewExpression: (node) => {
      if (node.arguments.length === 0) uses.push({ name: `new ${dottedName(node.callee)}()`, start: node.start });
    },
    ImportExpression: (node) => {
      if (node.source.type === 'Literal')
        imports.push({ from: String(node.source.value), names: ['*'], start: node.start });
    },
    ExportNamedDeclaration: (node) => {
      if (node.source) imports.push({ from: node.source.value, names: [], start: node.start });
    },
    ExportAllDeclaration: (node) => imports.push({ from: node.source.value, names: ['*'], start: node.start }),
    ClassDeclaration: declare,
    TSInterfaceDeclaration: declare,
    TSTypeAliasDeclaration: declare,
  }).visit(parsed.program);
  for (const { from, names, start } of imports)
    for (const name of names) uses.push({ name: `${name} from ${from}`, start });
  const statements = parsed.program.body;
  return {
    file,
    imports,
    uses,
    declaredNames,
    defaultExports: statements.filter((one) => one.type === 'ExportDefaultDeclaration').map((one) => one.start),
    onlyReexports: statements.length > 0 && statements.every(isReexport),
  };
}

function isReexport(statement: { type: string; source?: unknown }): boolean {
  if (statement.type === 'ExportAllDeclaration') return true;
  return statement.type === 'ExportNamedDeclaration' && statement.source != null;
}

/** The file that a relative import names, or undefined for packages and Node's own modules. */
function targetOf(importer: string, from: string): string | undefined {
  return from.startsWith('.') ? path.join(path.dirname(importer), from) : undefined;
}

function packageOf(from: string): string {
  const [first = '', second = ''] = from.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
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
  const wing = WINGS.find(({ folder }) => isWithin(file.path, folder));
  for (const { from, names, start } of imports) {
    const target = targetOf(file.path, from);
    if (target === undefined) {
      if (room.pure) yield* checkPureImport(from, names, start);
      continue;
    }
    const isOfWing = wing === undefined || [wing.folder, ...wing.mayImport].some((folder) => isWithin(target, folder));
    if (!isOfWing && isWithin(target, room.folder)) {
      const message = `imports ${target}, which the wing ${wing.folder} may not know: move it into the wing, or pass it as an argument`;
      yield { start, message };
      continue;
    }
    if (isWithin(target, room.folder) || room.mayImport.some((folder) => isWithin(target, folder))) continue;
    const allowed = room.mayImport.join(', ') || 'nothing';
    yield {
      start,
      message: `imports ${target}, but ${room.folder} may import ${allowed}: move it down, or pass it as an argument`,
    };
  }
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

/** Depth-first over relative imports; each circle is told once, at the import that closes it. */
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
  const readings = files.map(read);
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
