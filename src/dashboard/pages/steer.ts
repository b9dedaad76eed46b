// Owns steering a rollout from the screen: choice, reason, then the commit as it will be, then what became of it. It works without a script.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { ActView, RolloutView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import type { PageAddress, PageProps, Person } from './page-data.ts';
import { Card, Command, Commit, Name, Prose } from './parts.ts';

/** What a form of this card sends. */
export interface SteerFields {
  /** An act, and behind a space the group that it is about. */
  readonly choice: string;
  readonly reason: string;
  readonly group: string;
  readonly version: string;
  readonly stage: string;
  readonly digest: string;
  readonly head: string;
  /** Under it the commit is made once, however often the form is sent. */
  readonly key: string;
}

/** The page between the choice and the commit. */
export interface SteerPageValue {
  readonly rollout: string;
  readonly fields: SteerFields;
  /** What the commit will be; null where it can't be made. */
  readonly preview: {
    readonly title: string;
    readonly command: string;
    readonly message: string;
    readonly file: string;
    readonly diff: string;
  } | null;
  readonly problem: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
}

function placeOf(rollout: string): string {
  return `/rollouts/${encodeURIComponent(rollout)}`;
}

function mayAct(person: Person | null): boolean {
  return person?.scopes.some((scope) => scope === 'operate' || scope === 'admin') === true;
}

export interface SteerProps {
  readonly view: RolloutView;
  readonly address: PageAddress;
  readonly person: Person | null;
}

/** The card on the page of a rollout. */
export function Steer({ view, address, person }: SteerProps): VNode {
  const by = person === null ? undefined : html`as ${Name({ text: person.name, most: 40 })}`;
  const buttons = view.acts.filter(({ byButton }) => byButton);
  const form = mayAct(person)
    ? html`<${Choices} view=${view} acts=${buttons} />`
    : html`<p class="note">${person === null ? 'Log in' : 'You may look. Log in with a token that has the scope operate,'} to steer it from here. The commands do the same for whoever may push.</p>`;
  const others = view.acts.filter(({ byButton }) => !(byButton && mayAct(person)));
  return html`<${Card} id="steer" title="Steer it" end=${by}><div class="body steer">
    <${Done} view=${view} asked=${address.query.asked} />
    ${form}
    ${others.map((act) => html`<${ByCommand} key=${`${act.act} ${act.group}`} act=${act} />`)}
  </div><//>`;
}

function ByCommand({ act: { label, note, command, isAllowed, why } }: { readonly act: ActView }): VNode {
  if (!isAllowed) return html`<p class="note">${Name({ text: label })} (off): ${Prose({ text: why ?? note })}</p>`;
  return html`<details><summary>${Name({ text: label })} by command</summary><p class="note">${Prose({ text: note })}</p>${Command({ line: command })}</details>`;
}

function Choices({ view, acts }: { readonly view: RolloutView; readonly acts: readonly ActView[] }): VNode {
  const { stage, asOf, to, rejected } = view;
  const hidden = { stage: stage ?? '', digest: stage === null ? '' : (to?.digest ?? ''), head: asOf.commit ?? '' };
  return html`<form class="steer" method="post" action=${`${placeOf(view.rollout)}/steer`}>
    ${Object.entries(hidden).map(([name, value]) => html`<input key=${name} type="hidden" name=${name} value=${value} />`)}
    <fieldset class="opts"><legend class="hid">What should happen</legend>
      ${acts.map((act) => html`<${Choice} key=${`${act.act} ${act.group}`} act=${act} />`)}
    </fieldset>
    <div class="field for-group"><label for="steer-group">Only one group of devices, such as hw:rev1 (optional)</label>
      <input class="sel" id="steer-group" name="group" maxlength="512" autocomplete="off" spellcheck=${false} /></div>
    <div class="field for-version"><label for="steer-version">Version</label>
      <input class="sel" id="steer-version" name="version" maxlength="256" autocomplete="off" spellcheck=${false} placeholder=${rejected?.version.version ?? ''} /></div>
    <div class="field"><label for="steer-reason">Reason, kept in the history</label>
      <textarea id="steer-reason" name="reason" rows="2" maxlength="1000" required></textarea></div>
    <button class="btn first" type="submit" name="step" value="preview">Show the commit</button>
    <p class="note">Nothing changes yet: the next page shows the commit and the command that makes the same.</p>
  </form>`;
}

function Choice({ act: { act, group, label, note, isAllowed, why } }: { readonly act: ActView }): VNode {
  const value = group === null ? act : `${act} ${group}`;
  return html`<label class=${isAllowed ? undefined : 'off'}>
    <input type="radio" name="choice" value=${value} required disabled=${!isAllowed} />
    <span>${Name({ text: label })}<small>${Prose({ text: isAllowed ? note : (why ?? note) })}</small></span>
  </label>`;
}

/** `asked` is the commit and the revision on which it was made: what the reconciler did since stands in the history. */
function Done({ view, asked }: { readonly view: RolloutView; readonly asked: string | undefined }): VNode | null {
  const [, commit, then] = /^([0-9a-f]{40})\.(\d{1,9})$/.exec(asked ?? '') ?? [];
  if (commit === undefined) return null;
  const answer = view.history.filter(({ revision }) => revision !== null && revision > Number(then)).at(-1);
  const said =
    answer === undefined
      ? 'The service reads it next; what it decides is shown here.'
      : html`The reconciler answered with ${Commit({ id: answer.commit })}: ${Prose({ text: answer.what })}`;
  return html`<div class="banner" role="status"><span><b>Committed as ${Commit({ id: commit })}.</b> ${said}</span></div>`;
}

export function steerTitle({ rollout, preview }: SteerPageValue): string {
  return preview === null ? `${rollout}: not committed` : `${rollout}: commit this?`;
}

/** Shows the commit before it is made, or why it can't be. */
export function SteerPage({ value }: PageProps<SteerPageValue>): VNode {
  const { rollout, fields, preview, problem } = value;
  const back = html`<a class="btn" href=${`${placeOf(rollout)}#steer`}>Back to ${Name({ text: rollout, most: 60 })}</a>`;
  const title = preview === null ? 'This was not committed' : 'Commit this?';
  return html`<${Card} id="commit" title=${title}><div class="body steer">
    ${
      problem !== null &&
      html`<div class="banner bad-b" role="alert"><span><span class="st bad"><${Icon} name="bad" />Refused</span> ${Prose({ text: problem.message })} ${problem.remedy !== null && Prose({ text: problem.remedy })} <code>${problem.code}</code></span></div>`
    }
    ${preview !== null && html`<${Preview} ...${preview} />`}
    ${
      preview === null
        ? back
        : html`<form class="steer" method="post" action=${`${placeOf(rollout)}/steer`}>
      ${Object.entries(fields).map(([name, text]) => html`<input key=${name} type="hidden" name=${name} value=${text} />`)}
      <div class="row"><button class="btn first" type="submit" name="step" value="commit">Commit it</button> ${back}</div>
      <p class="note">The service makes this commit with you as its author. Nothing changes before it is on the branch; the reconciler answers with a commit of its own.</p>
    </form>`
    }
  </div><//>`;
}

function Preview({ command, message, file, diff }: NonNullable<SteerPageValue['preview']>): VNode {
  const end = '\n';
  const lines = diff.split('\n').map((line, i) => {
    const look = line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : 'dim';
    return html`<span key=${i} class=${look}>${`${line}\n`}</span>`;
  });
  return html`<div class="field"><span class="lab">The same on the command line</span>${Command({ line: command })}</div>
    <div class="field"><span class="lab">The commit</span>
      <pre tabindex="0" role="region" aria-label="Commit preview"><bdi>${message.trimEnd()}</bdi>${end}${end}<span class="dim">${file}</span>${end}${lines}</pre></div>`;
}
