// Owns reading texts out of a syntax tree: the sentences that an expression can yield, with its values as words in brackets.

/** Any node of the syntax tree; its fields are looked at one by one. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/** Constants by name: those of the file, and those in capitals of all files. */
export interface Constants {
  readonly constants: ReadonlyMap<string, readonly Node[]>;
  readonly shared: ReadonlyMap<string, Node>;
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

export function visit(node: Node, parents: readonly Node[], see: (node: Node, parents: readonly Node[]) => void): void {
  see(node, parents);
  for (const child of childrenOf(node)) visit(child, [...parents, node], see);
}

export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier') return String(value.name);
  if (value.type === 'MemberExpression') return nameOf(value.property);
  if (value.type === 'Literal') return String(value.value);
  if (value.type === 'AssignmentPattern') return nameOf(value.left);
  return undefined;
}

/** `mostBytes` as readers see it: the place of a value. */
function placeholder(value: unknown): string {
  const name = isNode(value) && value.type !== 'Literal' ? nameOf(value) : undefined;
  const words = name
    ?.replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
  return words === undefined || /^\d/.test(words) ? '…' : `‹${words}›`;
}

/** The texts that an expression can yield, as far as the source says them; codes and single words are none. */
export function sentencesOf(value: unknown, scope: Constants, at: number): string[] {
  return textsOf(value, scope, at).filter(isSentence);
}

export function isSentence(text: string): boolean {
  return /\p{L}\S* +\S/u.test(text);
}

export function textsOf(value: unknown, scope: Constants, at: number, depth = 0): string[] {
  if (!isNode(value) || depth > 6) return [];
  const again = (one: unknown): string[] => textsOf(one, scope, at, depth + 1);
  switch (value.type) {
    case 'Literal':
      return typeof value.value === 'string' ? [value.value] : [];
    case 'TemplateLiteral': {
      const quasis = value.quasis as readonly { readonly value: { readonly cooked: string } }[];
      const holes = value.expressions as readonly unknown[];
      const text = quasis.map(({ value: { cooked } }, index) => {
        const hole = holes[index];
        if (hole === undefined) return cooked;
        const known = isNode(hole) && hole.type === 'Identifier' ? again(hole) : [];
        return `${cooked}${known.length === 1 ? known[0] : placeholder(hole)}`;
      });
      return [text.join('').replaceAll(/([.!?])…/g, '$1')];
    }
    case 'ConditionalExpression':
      return [...again(value.consequent), ...again(value.alternate)];
    case 'LogicalExpression':
      return [...again(value.left), ...again(value.right)];
    case 'BinaryExpression': {
      const [left = '…', right = '…'] = [again(value.left)[0], again(value.right)[0]];
      return value.operator === '+' ? [`${left}${right}`] : [];
    }
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
      return again(value.expression);
    case 'Identifier': {
      const known = scope.constants.get(String(value.name)) ?? [];
      const shared = scope.shared.get(String(value.name));
      const nearest = known.filter((one) => one.start < at).at(-1) ?? known[0] ?? shared;
      return nearest === undefined ? [] : again(nearest);
    }
    default:
      return [];
  }
}

export function propertiesOf(node: Node, scope: Constants): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const member of node.properties as readonly Node[]) {
    if (member.type === 'SpreadElement') {
      const spread = scope.constants.get(nameOf(member.argument) ?? '')?.at(-1);
      if (spread?.type === 'ObjectExpression')
        for (const [name, value] of propertiesOf(spread, scope)) found.set(name, value);
    } else found.set(nameOf(member.key) ?? '', member.value);
  }
  return found;
}
