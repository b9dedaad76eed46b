// Owns reading error codes out of the sources: where each is made, with the message, the remedy and the kind that stand beside it.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from 'oxc-parser';
import {
  type Constants,
  childrenOf,
  isNode,
  isSentence,
  type Node,
  nameOf,
  propertiesOf,
  sentencesOf,
  textsOf,
  visit,
} from './source-texts.ts';

const ROOT = path.join(import.meta.dirname, '..');

export interface MadeCode {
  readonly code: string;
  readonly file: string;
  readonly messages: readonly string[];
  readonly remedies: readonly string[];
  readonly kind: string | undefined;
}

export interface CodesOfSources {
  readonly made: readonly MadeCode[];
  /** Names that are put together, such as `TOKEN_…`. */
  readonly built: readonly string[];
  /** Codes that a source compares with, or lists, with the file. */
  readonly askedFor: readonly { readonly code: string; readonly file: string }[];
}

/** `fail CODE 'message'` of the actions' scripts, and `::error title=CODE::message` of workflows. */
function codesOfWorkflows(): MadeCode[] {
  return globSync(['.github/**/*.sh', '.github/**/*.yml', 'deploy/**/*.sh'], { cwd: ROOT }).flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    const found = [
      ...text.matchAll(/\b(?:fail|note) ([A-Z]+(?:_[A-Z]+)+) '?([^'"\n]*)|title=([A-Z]+(?:_[A-Z]+)+)::([^'"\n]*)/g),
    ];
    return found.map(([, code, message, title, words]) => ({
      code: code ?? title ?? '',
      file,
      messages: [message ?? words ?? ''].filter(isSentence),
      remedies: [],
      kind: undefined,
    }));
  });
}

interface Callable {
  readonly parameters: readonly (string | undefined)[];
  readonly kind: string | undefined;
}

/** What the reading of one file needs: its constants by name, and helpers of all files. */
interface Scope extends Constants {
  readonly file: string;
  readonly helpers: ReadonlyMap<string, Callable>;
  /** Calls of this file, by the name that is called. */
  readonly calls: ReadonlyMap<string, readonly Node[]>;
}

const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$|^USAGE$/;
/** A reason that begins with its code, as devices report it. */
const TOLD = /^([A-Z]+(?:_[A-Z]+)+): /;
const BUILT = /^[A-Z][A-Z0-9]*_…$|^…_[A-Z0-9_]+$/;
/** Names of the same form: variables of the environment, codes of Node and of formats, styles of YAML. */
const NO_CODE =
  /^(SLIPWAY|OTEL|AWS|NODE|GITHUB|GITLAB|CI|ACTIONS|COSIGN|SIGSTORE|ERR|PKIX|SHA2|QUOTE|BLOCK)_|_PROXY$|^(GIT_TOKEN|GIT_SSH|HOOK_SECRET|VIEWER_TOKEN|ADMIN_TOKEN|OIDC_CLIENT_SECRET|FETCH_HEAD)$/;
const ASKING = new Set(['BinaryExpression', 'SwitchCase', 'TSLiteralType', 'ImportDeclaration']);
const MESSAGE_NAMES = ['message', 'reason', 'what', 'sentence', 'why'];
const KINDS: ReadonlySet<string> = new Set(['fix-input', 'retry-later', 'bug']);
/** The second argument of `toCodedError` is the code of a thrown thing that has none; `tryLater` answers 429 or 503. */
const KIND_OF_CALL: Readonly<Record<string, string>> = { toCodedError: 'bug', tryLater: 'retry-later' };
const REMEDY_NAMES = ['remedy', 'make', 'fix'];

/** `calculate` of both `calculate(…)` and `this.calculate(…)`. */
function helperOf(call: Node, scope: Scope): Callable | undefined {
  const name = nameOf(call.callee) ?? '';
  return scope.helpers.get(`${scope.file} ${name}`) ?? scope.helpers.get(name);
}

/** Texts that the callers of the function around give for its parameter. */
function givenTexts(value: unknown, parents: readonly Node[], scope: Scope, at: number): string[] {
  if (!isNode(value)) return [];
  const around = parents.findLastIndex((one) => Array.isArray(one.params));
  const callable = parents[around];
  if (callable === undefined) return [];
  const owner = nameOf(callable.id) ?? nameOf(parents[around - 1]?.id) ?? nameOf(parents[around - 1]?.key);
  const hole = value.type === 'TemplateLiteral' ? undefined : nameOf(value);
  const index = (callable.params as readonly unknown[]).findIndex((one) => nameOf(one) === hole);
  if (owner === undefined || hole === undefined || index < 0) return [];
  return (scope.calls.get(owner) ?? []).flatMap((call) => sentencesOf((call.arguments as unknown[])[index], scope, at));
}

function madeIn(literal: Node, parents: readonly Node[], scope: Scope): Omit<MadeCode, 'code' | 'file'> {
  const at = literal.start;
  for (const parent of parents.toReversed().slice(0, 6)) {
    if (parent.type === 'ObjectExpression') {
      const properties = propertiesOf(parent, scope);
      if (!properties.has('code')) continue;
      const of = (names: readonly string[]): string[] =>
        names.flatMap((name) => {
          const value = properties.get(name);
          const given = givenTexts(value, parents, scope, at);
          return given.length > 0 ? given : textsOf(value, scope, at);
        });
      const caller = parents[parents.indexOf(parent) - 1];
      const kind = of(['kind']).find((one) => KINDS.has(one)) ?? (caller && helperOf(caller, scope)?.kind);
      const sentences = (names: readonly string[]): string[] => of(names).filter(isSentence);
      return { messages: sentences(MESSAGE_NAMES), remedies: sentences(REMEDY_NAMES), kind };
    }
    if (parent.type === 'CallExpression' || parent.type === 'NewExpression') {
      const given = parent.arguments as readonly unknown[];
      const helper = helperOf(parent, scope);
      const index = given.findIndex((one) => isNode(one) && visitHas(one, literal));
      const of = (names: readonly string[], fallback: number): string[] => {
        const place = helper?.parameters.findIndex((name) => names.includes(name ?? '')) ?? -1;
        return sentencesOf(given[place >= 0 ? place : index + fallback], scope, at);
      };
      const kind = KIND_OF_CALL[nameOf(parent.callee) ?? ''] ?? helper?.kind;
      return { messages: of(MESSAGE_NAMES, 1), remedies: of(REMEDY_NAMES, 2), kind };
    }
    if (parent.type === 'ArrayExpression') {
      const elements = parent.elements as readonly Node[];
      const index = elements.indexOf(literal);
      return {
        messages: sentencesOf(elements[index + 1], scope, at),
        remedies: sentencesOf(elements[index + 2], scope, at),
        kind: undefined,
      };
    }
  }
  return { messages: [], remedies: [], kind: undefined };
}

function visitHas(node: Node, wanted: Node): boolean {
  return node === wanted || childrenOf(node).some((child) => visitHas(child, wanted));
}

/** Codes in `new Set([…])`, in a list that is asked with `includes`, and beside `===` make nothing. */
function isAskedFor(parents: readonly Node[]): boolean {
  const [parent, grand, great] = parents.toReversed();
  if (parent === undefined) return false;
  if (ASKING.has(parent.type)) return true;
  const isListed = parent.type === 'ArrayExpression';
  const holder = isListed && grand?.type === 'ArrayExpression' ? great : grand;
  return isListed && (holder?.type === 'NewExpression' || holder?.type === 'MemberExpression');
}

function kindIn(node: Node): string | undefined {
  let found: string | undefined;
  visit(node, [], (one) => {
    if (one.type === 'Property' && nameOf(one.key) === 'kind' && isNode(one.value) && one.value.type === 'Literal')
      found ??= String(one.value.value);
  });
  return KINDS.has(found ?? '') ? found : undefined;
}

function parametersOf(callable: Node): (string | undefined)[] {
  return (callable.params as readonly unknown[]).map(nameOf);
}

export function readErrorCodes(): CodesOfSources {
  const files = globSync(['src/**/*.ts', 'fleet-agent/src/**/*.ts'], { cwd: ROOT })
    .filter((file) => !file.endsWith('.generated.ts'))
    .sort();
  const trees = files.map((file) => {
    const { program } = parseSync(file, readFileSync(path.join(ROOT, file), 'utf8'), { sourceType: 'module' });
    return { file, program: program as unknown as Node };
  });
  const helpers = new Map<string, Callable>();
  const shared = new Map<string, Node>();
  const constantsOf = new Map<string, Map<string, Node[]>>();
  const callsOf = new Map<string, Map<string, Node[]>>();
  for (const { file, program } of trees) {
    const constants = new Map<string, Node[]>();
    constantsOf.set(file, constants);
    const calls = new Map<string, Node[]>();
    callsOf.set(file, calls);
    const learn = (name: string | undefined, callable: Node): void => {
      if (name === undefined) return;
      const helper = { parameters: parametersOf(callable), kind: kindIn(callable) };
      helpers.set(`${file} ${name}`, helper);
      helpers.set(name, helper);
    };
    visit(program, [], (node) => {
      const called = node.type === 'CallExpression' ? nameOf(node.callee) : undefined;
      if (called !== undefined) calls.set(called, [...(calls.get(called) ?? []), node]);
      if (node.type === 'FunctionDeclaration') learn(nameOf(node.id), node);
      if (node.type === 'MethodDefinition' && isNode(node.value)) learn(nameOf(node.key), node.value);
      if (node.type !== 'VariableDeclarator' || !isNode(node.init)) return;
      const name = nameOf(node.id);
      if (node.init.type === 'ArrowFunctionExpression') learn(name, node.init);
      else if (name !== undefined && /^[A-Z0-9_]+$/.test(name)) shared.set(name, node.init);
      if (name !== undefined) constants.set(name, [...(constants.get(name) ?? []), node.init]);
    });
  }
  const made: MadeCode[] = [];
  const built = new Set<string>();
  const askedFor: { code: string; file: string }[] = [];
  for (const { file, program } of trees) {
    const scope = {
      file,
      helpers,
      shared,
      constants: constantsOf.get(file) ?? new Map(),
      calls: callsOf.get(file) ?? new Map(),
    };
    visit(program, [], (node, parents) => {
      const template = node.type === 'TemplateLiteral' && nameOf(parents.at(-1)?.key) === 'code' ? node : undefined;
      const isArgument = node.type === 'TemplateLiteral' && parents.at(-1)?.type === 'CallExpression';
      if (template !== undefined || isArgument) {
        const text = (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join('…');
        if (BUILT.test(text) && !NO_CODE.test(text)) built.add(text);
      }
      const [, told] =
        TOLD.exec(node.type === 'TemplateLiteral' ? (textsOf(node, scope, node.start)[0] ?? '') : '') ?? [];
      if (told !== undefined && !NO_CODE.test(told)) {
        const messages = textsOf(node, scope, node.start).map((text) => text.slice(told.length + 2));
        made.push({ code: told, file, messages, remedies: [], kind: undefined });
      }
      const code = node.type === 'Literal' && typeof node.value === 'string' ? node.value : '';
      if (!CODE.test(code) || NO_CODE.test(code)) return;
      if (isAskedFor(parents)) askedFor.push({ code, file });
      else made.push({ code, file, ...madeIn(node, parents, scope) });
    });
  }
  return { made: [...made, ...codesOfWorkflows()], askedFor, built: [...built].sort() };
}
