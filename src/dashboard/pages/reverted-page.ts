// Owns the post-mortem of an attempt: on the screen, on paper, and as a file of its own.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { formatAmount } from '../../wording/amounts.ts';
import { LineChart } from '../charts/line-chart.ts';
import { timeAxis } from '../charts/plot.ts';
import { clockText, dayText } from '../charts/time-text.ts';
import type { Postmortem, RuleView } from '../read-model/types.generated.ts';
import { Icon, type IconName } from './icons.ts';
import type { PageProps } from './page-data.ts';
import { Card, Command, Commit, countText, Name, Prose } from './parts.ts';
import { StateChip, StateCounts } from './rule-states.ts';
import { RuleStrips } from './rule-strips.ts';
import { Runbook } from './rule-tiles.ts';
import { RULE_LOOKS, State } from './words.ts';

const MOST_EVENTS = 100;
const MOST_MESSAGE = 20_000;
const MOST_DEVICES = 30;

const OUTCOMES: Readonly<
  Record<Postmortem['outcome'], readonly [IconName, string, 'ok' | 'bad' | 'person' | 'quiet']>
> = {
  reverted: ['back', 'Reverted', 'bad'],
  withdrawn: ['back', 'Withdrawn', 'bad'],
  superseded: ['commit', 'Superseded', 'quiet'],
  complete: ['ok', 'Complete', 'ok'],
  'under-way': ['moving', 'Under way', 'person'],
};

const SIGNATURES = {
  verified: 'Signed by the reconciler',
  'not-verified': 'The signature can’t be verified',
  unsigned: 'Not signed',
  unknown: 'The signature was not checked',
} as const;

export function postmortemTitle({ rollout, version, outcome }: Postmortem): string {
  return `${rollout} ${version.version}: ${OUTCOMES[outcome][1].toLowerCase()}`;
}

function instant(atMs: number): string {
  return `${dayText(atMs)}, ${clockText(atMs, 'seconds')}`;
}

/** The rule at each look that evidence has. */
function WhyCard({
  rule,
  looks,
  likelyGroup,
  index,
}: Pick<Postmortem, 'looks' | 'likelyGroup'> & { readonly rule: RuleView; readonly index: number }): VNode {
  const points = looks.flatMap(({ atMs, rules }) =>
    rules
      .filter((one) => one.rule === rule.rule)
      .map(({ estimate, low, high, limit, baseline }) => ({
        atMs,
        estimate,
        low,
        high,
        limit,
        baseline: baseline?.estimate ?? null,
      })),
  );
  const format = (value: number) => formatAmount(value, rule.unit);
  const name = `${rule.rule} at each look: ${RULE_LOOKS[rule.state].word}, ${rule.valueText}`;
  const last = points.at(-1);
  const decided = last === undefined ? null : { atMs: last.atMs, as: 'fail' as const };
  const chart =
    points.length > 1 &&
    html`<${LineChart} ...${{ id: `w${index}`, name, points, axis: timeAxis(points.map(({ atMs }) => atMs)), goodSide: rule.goodSide, format, decided, gapText: 'no value', height: 228 }} />`;
  return Card({
    id: `why-${index}`,
    title: html`Why: ${Name({ text: rule.metric })} ${StateChip({ look: RULE_LOOKS[rule.state] })}`,
    end: html`<code>${Name({ text: rule.rule })}</code>`,
    children: html`<div class="body stack near"><p>${Prose({ text: rule.sentence })}</p>${chart}
      ${likelyGroup !== null && html`<p><b>${Name({ text: likelyGroup.group })}</b> ${Prose({ text: likelyGroup.text })}</p>`}
      ${rule.runbook !== null && html`<p class="note">Runbook: ${Runbook({ at: rule.runbook })}</p>`}</div>`,
  });
}

const EVENT_ICONS: Readonly<Record<Postmortem['timeline'][number]['kind'], IconName>> = {
  wish: 'person',
  step: 'commit',
  person: 'person',
};

function Timeline({ timeline }: Pick<Postmortem, 'timeline'>): VNode {
  const events = timeline.slice(-MOST_EVENTS).map(
    ({
      atMs,
      kind,
      what,
      note,
      by,
      commit,
    }) => html`<li><time datetime=${instant(atMs)}>${clockText(atMs)}</time><span class="t3"><${Icon} name=${EVENT_ICONS[kind]} /></span>
    <div><b>${kind === 'step' ? '' : html`${Name({ text: by ?? 'someone', most: 60 })}: `}${Prose({ text: what })}</b><small>${commit !== null && Commit({ id: commit })} ${Prose({ text: note })}</small></div></li>`,
  );
  return Card({
    id: 'timeline',
    title: `What happened, ${dayText(timeline[0]?.atMs)}`,
    isLong: true,
    children: html`<div class="body"><ol class="line">${events}</ol></div>`,
  });
}

function Devices({ devices }: Pick<Postmortem, 'devices'>): VNode {
  const { had, wanted, matching, back, troubled } = devices;
  const counts = [
    had === null ? null : `${countText(had)} had it`,
    wanted === null ? null : `${countText(wanted)} were to have it`,
    matching === null ? null : `${countText(matching)} match the target`,
  ];
  return Card({
    id: 'devices',
    title: 'Devices',
    children: html`<div class="body stack near"><p>${counts.filter((one) => one !== null).join(', ') || 'How many had it is not known.'}</p><p>${Prose({ text: back })}</p>
      ${troubled.length > 0 && html`<table class="tight wraps"><tbody>${troubled.slice(0, MOST_DEVICES).map(({ device, text }) => html`<tr><th scope="row">${Name({ text: device, most: 60 })}</th><td class="t2">${Prose({ text })}</td></tr>`)}</tbody></table>`}</div>`,
  });
}

function Check({ step }: { readonly step: NonNullable<Postmortem['step']> }): VNode {
  const look =
    step.signature === 'verified'
      ? ({ icon: 'seal', tone: 'ok' } as const)
      : ({ icon: 'warn', tone: step.signature === 'not-verified' ? 'bad' : 'quiet' } as const);
  return Card({
    id: 'commit',
    title: 'The commit, and how to check it',
    isLong: true,
    end: State({ look: { ...look, word: SIGNATURES[step.signature] } }),
    children: html`<div class="body stack near"><pre tabindex="0" role="region" aria-label="Commit message" dir="auto">${clipped(step.message, MOST_MESSAGE)}</pre>${step.commands.map((line) => Command({ line }))}</div>`,
  });
}

function Next({ value }: { readonly value: Postmortem }): VNode {
  const { next, gaps, missing, runbook } = value;
  return Card({
    id: 'next',
    title: 'What is next',
    isLong: true,
    children: html`<div class="body stack near"><p>${Prose({ text: next.text })}</p>${next.command !== null && Command({ line: next.command })}
      ${runbook !== null && html`<p>Runbook: ${Runbook({ at: runbook })}</p>`}
      ${missing.map((text) => html`<p class="note"><${Icon} name="warn" small /> ${Prose({ text })}</p>`)}
      ${gaps.map((gap) => html`<h3>${gap}</h3><div class="lines" aria-hidden="true"><i></i><i></i></div>`)}</div>`,
  });
}

/** All of it but what leads elsewhere on the screen. */
export function PostmortemReport({ value }: { readonly value: Postmortem }): VNode {
  const { outcome, sentence, facts, looks, failed, likelyGroup, step } = value;
  const [icon, word, tone] = OUTCOMES[outcome];
  const rules = looks.at(-1)?.rules ?? [];
  const broken = rules.filter(({ rule }) => failed.includes(rule));
  const shown = broken.length > 0 ? broken : rules.filter(({ state }) => state === 'fail');
  return html`<p class="saying">${State({ look: { icon, word, tone } })}. ${Prose({ text: sentence })}</p>
    ${facts.length > 0 && html`<section class="card" aria-label="In numbers"><div class="body saying-body"><dl class="facts">${facts.map(({ label, value: text, note }) => html`<div><dt>${label}</dt><dd>${Name({ text, most: 60 })}<small>${Prose({ text: note })}</small></dd></div>`)}</dl></div></section>`}
    ${shown.slice(0, 5).map((rule, index) => WhyCard({ rule, looks, likelyGroup: index === 0 ? likelyGroup : null, index }))}
    <div class="cols two">${Timeline(value)}${Devices(value)}</div>
    ${rules.length > 0 && Card({ id: 'rules', title: 'All rules at the last look', end: StateCounts({ rules }), children: RuleStrips({ rules }) })}
    ${step !== null && Check({ step })}${Next({ value })}
    <p class="note foot"><span>${Name({ text: value.rollout })}, revision ${countText(value.revision)}${value.attempt !== null && `, attempt ${countText(value.attempt)}`}</span><span>Rebuilt from Git and evidence at ${Commit({ id: value.commit })}</span><span>Times are UTC</span></p>`;
}

export function RevertedPage({ value, address }: PageProps<Postmortem>): VNode {
  const path = `/v1/rollouts/${encodeURIComponent(value.rollout.toWellFormed())}/postmortem?revision=${value.revision}`;
  return html`<article class="report stack"><header>
      <p class="crumb no-print"><a href="/">Rollouts</a> / <a href=${address.path.replace(/\/reverted$/, '')}>${Name({ text: value.rollout })}</a> / post-mortem</p>
      <div class="head"><h1>${Name({ text: postmortemTitle(value) })}</h1><div class="no-print acts"><a class="btn" href=${path}>JSON</a><span class="note">Print this page to keep it as a PDF.</span></div></div>
    </header>${PostmortemReport({ value })}</article>`;
}
