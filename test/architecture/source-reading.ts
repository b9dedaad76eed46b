// Owns the reading of one source: what it imports, uses and declares.
import { posix as path } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  readonly names: readonly string[];
  readonly start: number;
  /** Nothing of it is left at run time. */
  readonly isType: boolean;
}

/** What one reading of a file yields. */
export interface Reading {
  readonly file: SourceFile;
  readonly imports: readonly Import[];
  /** Dotted names, calls and constructions that a ban could name, with where they stand. */
  readonly uses: readonly { readonly name: string; readonly start: number }[];
  readonly declaredNames: readonly { readonly name: string; readonly start: number }[];
  readonly defaultExports: readonly number[];
  readonly onlyReexports: boolean;
}

/** `globalThis.setTimeout` is `setTimeout`. */
function plainName(name: string): string {
  return name.replace(/^globalThis\./, '');
}

export function readSource(file: SourceFile): Reading {
  const parsed = parseSync(file.path, file.text, { sourceType: 'module' });
  const imports: Import[] = parsed.module.staticImports.map((entry) => ({
    from: entry.moduleRequest.value,
    names: entry.entries.map((name) => name.importName.name ?? '*'),
    start: entry.start,
    isType: entry.entries.length > 0 && entry.entries.every((name) => name.isType),
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
        imports.push({ from: String(node.source.value), names: ['*'], start: node.start, isType: false });
    },
    ExportNamedDeclaration: (node) => {
      if (node.source)
        imports.push({ from: node.source.value, names: [], start: node.start, isType: node.exportKind === 'type' });
    },
    ExportAllDeclaration: (node) =>
      imports.push({ from: node.source.value, names: ['*'], start: node.start, isType: node.exportKind === 'type' }),
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
export function targetOf(importer: string, from: string): string | undefined {
  return from.startsWith('.') ? path.join(path.dirname(importer), from) : undefined;
}

export function packageOf(from: string): string {
  const [first = '', second = ''] = from.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
