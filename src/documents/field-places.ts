// Owns where a field belongs that was written in another place of the same document.

interface Place {
  /** The place has this field, and no other place of a policy has it. */
  readonly mark: string;
  readonly fields: readonly string[];
  readonly inWords: (field: string) => string;
}

/** The places of a policy; a test holds them to the schema. */
export const POLICY_PLACES = {
  policy: {
    mark: 'stages',
    fields: [
      ...['appliesTo', 'errorLevel', 'holdBack', 'onCourse', 'resumeWithin', 'spread', 'runbook', 'watch'],
      ...['rollbackWindow', 'stages'],
    ],
    inWords: () => "the policy's `spec`",
  },
  stage: {
    mark: 'soak',
    fields: [
      ...['name', 'size', 'select', 'soak', 'minimum', 'deadline', 'onDeadline', 'onFailure', 'errorLevel', 'holdBack'],
      ...['onCourse', 'onGroupFailure', 'approval', 'silence', 'rules'],
    ],
    inWords: () => 'a stage below `stages`',
  },
  rule: {
    mark: 'dryRun',
    fields: [
      'rule',
      'scope',
      'share',
      'by',
      'limits',
      'onFailure',
      'dryRun',
      'runbook',
      'prometheus',
      'query',
      'webhook',
    ],
    inWords: (field) =>
      field === 'rule' ? 'a rule below `rules`' : `a rule, as in \`- { rule: "error_rate < 1%", ${field}: … }\``,
  },
} as const satisfies Readonly<Record<string, Place>>;

interface Fields {
  readonly properties?: Readonly<Record<string, Fields>>;
}

/** Where to write the field instead; undefined for a field that no place of the document has. `schema` is that of the place where it stands. */
export function misplacedFieldRemedy(name: string, { properties = {} }: Fields): string | undefined {
  const within = Object.keys(properties).filter((one) => Object.hasOwn(properties[one]?.properties ?? {}, name));
  const places: readonly Place[] = Object.values(POLICY_PLACES);
  const here = places.find(({ mark }) => Object.hasOwn(properties, mark));
  const others = here === undefined ? [] : places.filter((one) => one !== here && one.fields.includes(name));
  const all = [...within.map((one) => `\`${one}\``), ...others.map((one) => one.inWords(name))];
  return all.length === 0 ? undefined : `It is a field of ${all.join(', or of ')}.`;
}
