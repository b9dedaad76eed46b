// Owns the post-mortem as Markdown, to be kept beside the code and filled in by people.
import { toIsoSeconds } from '../../base/clock.ts';
import { oneLine } from '../../base/plain-text.ts';
import type { HistoryRow, Postmortem, RuleView } from './types.generated.ts';

const NOTHING = '–';

/** Text that others wrote, as plain text: none of it may become a heading, a link, an image or HTML. */
function plain(text: string): string {
  const escaped = oneLine(text).replace(/[\\`*_{}[\]<>|#~&!$]/g, '\\$&');
  // Hosts make links of bare addresses.
  return escaped
    .replace(/:\/\/|www\.|(?<=mailto|xmpp):/gi, (found) => found.replace(/[:.]/, '\\$&'))
    .replaceAll('@', '\\@');
}

/** In backquotes, longer than any inside. */
function code(text: string): string {
  const clean = oneLine(text);
  const fence = '`'.repeat(1 + Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length)));
  const space = /^`|`$/.test(clean) ? ' ' : '';
  return `${fence}${space}${clean}${space}${fence}`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell === '' ? NOTHING : cell)).join(' | ')} |`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(header), row(header.map(() => '---')), ...rows.map(row)].join('\n');
}

function inTable(text: string): string {
  return code(text).replaceAll('|', '\\|');
}

const STATES: Readonly<Record<RuleView['state'], string>> = {
  fail: '**fail**',
  'in-trouble': 'undecided, beyond its limit',
  undecided: 'undecided',
  pass: 'pass',
  'dry-run': 'dry run',
  'not-applicable': 'does not apply',
};

function lookLines({ atMs, stage, revision, inferences, rules }: Postmortem['looks'][number]): string {
  const seen = inferences === null ? '' : `, ${inferences} inferences`;
  const rows = rules.map((rule) => [
    inTable(rule.rule),
    STATES[rule.state],
    plain(rule.valueText),
    rule.baseline === null || rule.baseline.estimate === null
      ? ''
      : plain(`${rule.baseline.estimate} (${rule.baseline.from})`),
    plain(rule.group ?? rule.worst ?? ''),
  ]);
  const title = `### ${toIsoSeconds(atMs)}: step ${revision}, in ${plain(stage)}${seen}`;
  return [title, '', table(['Rule', 'Verdict', 'Measured', 'Baseline', 'Where it is worst'], rows)].join('\n');
}

function timelineRow({ atMs, kind, what, note, by, commit }: Postmortem['timeline'][number]): string[] {
  const who = kind === 'step' ? 'Slipway' : plain(by ?? '');
  const text = [plain(kind === 'wish' ? `asks for it: ${what}` : what), plain(note)]
    .filter((one) => one !== '')
    .join('. ');
  return [toIsoSeconds(atMs), who, text, commit === null ? '' : inTable(commit.slice(0, 10))];
}

function peopleRow({ atMs, by, what, commit }: HistoryRow): string {
  return `* ${toIsoSeconds(atMs)} ${plain(by)}: ${plain(what)} (${code(commit?.slice(0, 10) ?? NOTHING)})`;
}

function fenced(text: string): string {
  const fence = '`'.repeat(Math.max(3, 1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))));
  return [fence, text.trimEnd(), fence].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${title}`, '', ...lines, ''];
}

function stepLines({ step, evidenceNote }: { step: Postmortem['step']; evidenceNote: string }): string[] {
  if (step === null) return [];
  return [
    evidenceNote,
    '',
    ...(step.message === '' ? [] : [fenced(step.message), '']),
    ...step.commands.map((command) => `    ${oneLine(command)}`),
  ];
}

const SIGNATURES = {
  verified: 'signed by the reconciler',
  'not-verified': 'NOT signed by the reconciler',
  unsigned: 'not signed',
  unknown: 'signature not checked',
} as const;

function evidenceNote(step: Postmortem['step']): string {
  if (step === null) return '';
  const where = step.commit === null ? 'Its commit is not in this clone' : `Commit ${code(step.commit.slice(0, 10))}`;
  const evidence = step.evidence === null ? 'its evidence is missing' : `evidence ${code(step.evidence)}`;
  return `${where}, ${evidence}, ${SIGNATURES[step.signature]}.`;
}

export function postmortemMarkdown(view: Postmortem): string {
  const { rollout, model, version, stable, revision, attempt, sentence, devices, likelyGroup, next } = view;
  const title = `# ${plain(model)} ${plain(version.version)}: ${view.outcome === 'reverted' ? `reverted to ${plain(stable?.version ?? '')}` : view.outcome}`;
  const of = `Rollout ${code(rollout)}, revision ${revision}${attempt === null ? '' : `, attempt ${attempt}`}, read at commit ${code(view.commit.slice(0, 10))}. Times are UTC.`;
  const lines = [
    ...[title, '', plain(sentence), '', of, ''],
    ...view.facts.map(({ label, value, note }) => `* ${label}: **${plain(value)}** ${plain(note)}`),
    '',
    ...section('What happened', [table(['When', 'Who', 'What', 'Commit'], view.timeline.map(timelineRow))]),
    ...section(
      'Rules at each look',
      view.looks.flatMap((look) => [lookLines(look), '']),
    ),
    ...section('Devices', [
      plain(devices.back),
      ...(devices.troubled.length === 0
        ? []
        : ['', ...devices.troubled.map(({ device, text }) => `* ${code(device)}: ${plain(text)}`)]),
    ]),
    ...section('Where it is worst', [
      likelyGroup === null ? 'No group of devices stands out.' : plain(likelyGroup.text),
    ]),
    ...section('What people did', view.people.map(peopleRow)),
    ...section(
      'The commit, and how to check it',
      stepLines({ step: view.step, evidenceNote: evidenceNote(view.step) }),
    ),
    ...section('What is next', [
      plain(next.text),
      ...(next.command === null ? [] : ['', `    ${oneLine(next.command)}`]),
      ...(view.runbook === null ? [] : ['', `Runbook: <${encodeURI(oneLine(view.runbook))}>`]),
    ]),
    ...section(
      'To fill in',
      view.gaps.flatMap((gap) => [`### ${plain(gap)}`, '', '…', '']),
    ),
    ...section(
      'Not known',
      view.missing.map((one) => `* ${plain(one)}`),
    ),
  ];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}
