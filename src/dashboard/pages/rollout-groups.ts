// Owns where it hurts: who is compared, groups by rules, devices by weight, errors by kind.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { clipped } from '../../base/plain-text.ts';
import { Bars } from '../charts/bars.ts';
import { NOT_KNOWN } from '../charts/time-text.ts';
import type { ArmView, GroupTable, RolloutView } from '../read-model/types.generated.ts';
import { Icon } from './icons.ts';
import { Card, countText, Name, Prose, Scroll, versionText } from './parts.ts';

const MOST_ROWS = 40;
const MOST_COLUMNS = 12;

export function ComparedArms({ arms }: { readonly arms: readonly ArmView[] }): VNode | null {
  if (arms.length === 0) return null;
  const whys = [...new Set(arms.flatMap(({ leftOut }) => leftOut.map(({ why }) => why)))].slice(0, MOST_ROWS);
  const leftOut = (arm: ArmView, why: string) => arm.leftOut.find((one) => one.why === why)?.count ?? 0;
  const row = (title: string, cell: (arm: ArmView) => string) =>
    html`<tr><th scope="row">${title}</th>${arms.map((arm) => html`<td class="num">${cell(arm)}</td>`)}</tr>`;
  return Card({
    id: 'arms',
    title: 'Who is compared',
    children: html`<table class="tight wraps"><thead><tr><th scope="col">Devices</th>${arms.map(({ version, arm }) => html`<th scope="col" class="num">${Name({ text: version === null ? arm : versionText(version), most: 24 })}</th>`)}</tr></thead><tbody>
      ${row('Expected', ({ expected }) => countText(expected))}${row('Reporting', ({ reporting }) => countText(reporting))}${row('Inferences', ({ inferences }) => countText(inferences))}
      <tr><th scope="row">Left out${whys.map((why) => html`<small>${Name({ text: why, most: 60 })}</small>`)}</th>
      ${arms.map((arm) => html`<td class="num">${countText(arm.leftOut.reduce((sum, one) => sum + one.count, 0))}${whys.map((why) => html`<small>${leftOut(arm, why) === 0 ? NOT_KNOWN : countText(leftOut(arm, why))}</small>`)}</td>`)}</tr>
    </tbody></table>`,
  });
}

type Cell = GroupTable['rows'][number]['cells'][number];

function HeatCell({ cell }: { readonly cell: Cell | undefined }): VNode {
  if (cell === undefined || cell.state === 'not-applicable') return html`<td class="na">${NOT_KNOWN}</td>`;
  if (cell.state === 'too-few') return html`<td class="na">too few</td>`;
  if (cell.state === 'fail')
    return html`<td class="h4"><${Icon} name="bad" small /><span class="hid"> surely beyond, </span> ${Name({ text: cell.text, most: 40 })}</td>`;
  if (cell.state === 'in-trouble')
    return html`<td class="h3"><${Icon} name="warn" small /><span class="hid"> beyond so far, </span> ${Name({ text: cell.text, most: 40 })}</td>`;
  return html`<td class=${(cell.nearness ?? -1) > -0.35 ? 'h2' : 'h1'}>${Name({ text: cell.text, most: 40 })}</td>`;
}

export function GroupHeat({ groups }: { readonly groups: readonly GroupTable[] }): VNode | null {
  if (groups.length === 0) return null;
  const rules = [...new Set(groups.flatMap((table) => table.rules))].slice(0, MOST_COLUMNS);
  const body = groups.map(
    ({
      by,
      rows,
    }) => html`<tr class="grp"><th scope="rowgroup" colspan=${rules.length + 2}>by <span class="m">${Name({ text: by })}</span></th></tr>
    ${rows.slice(0, MOST_ROWS).map(({ value, devices, cells }) => html`<tr><th scope="row" class="m">${Name({ text: value, most: 40 })}</th><td class="n">${countText(devices)}</td>${rules.map((rule) => HeatCell({ cell: cells.find((cell) => cell.rule === rule) }))}</tr>`)}
    ${rows.length > MOST_ROWS && html`<tr><td class="na" colspan=${rules.length + 2}>${rows.length - MOST_ROWS} more groups</td></tr>`}`,
  );
  return Card({
    id: 'groups',
    title: 'Groups × rules',
    children: html`${Scroll({
      label: 'Groups by rules',
      children: html`<table class="heat tight"><thead><tr><th scope="col">Group</th><th scope="col" class="num">devices</th>${rules.map((rule) => html`<th scope="col" class="num" title=${clipped(rule, 300)}>${Name({ text: rule.replace(/ .*$/s, ''), most: 24 })}</th>`)}</tr></thead><tbody>${body}</tbody></table>`,
    })}<div class="body after"><p class="note"><${Icon} name="bad" small /> surely beyond the limit, <${Icon} name="warn" small /> beyond so far; darker grey: nearer to the limit.</p></div>`,
  });
}

export function WeighingDevices({ weighing, troubled }: Pick<RolloutView, 'weighing' | 'troubled'>): VNode | null {
  if (weighing === null && troubled.length === 0) return null;
  const link = (device: string) =>
    html`<a href=${`/devices/${encodeURIComponent(device.toWellFormed())}`}>${Name({ text: device, most: 60 })}</a>`;
  const rows = weighing?.devices
    .slice(0, MOST_ROWS)
    .map(
      ({ device, group, text }) =>
        html`<tr><th scope="row">${link(device)}</th><td class="m">${group !== null && Name({ text: group, most: 40 })}</td><td class="num">${Name({ text })}</td></tr>`,
    );
  return Card({
    id: 'weigh',
    title:
      weighing === null
        ? 'Devices with a problem'
        : html`Devices that weigh most in ${Name({ text: weighing.metric })}`,
    end: html`<a href="/devices">all devices</a>`,
    children: html`${weighing !== null && rows?.length === 0 && html`<div class="body"><p class="note">No device has sent data yet.</p></div>`}${weighing !== null && rows?.length !== 0 && html`<table class="tight wraps"><thead><tr><th scope="col">Device</th><th scope="col">Group</th><th scope="col" class="num">Seen</th></tr></thead><tbody>${rows}</tbody></table>`}
      ${troubled.length > 0 && html`<table class="tight wraps"><thead><tr><th scope="col">Device</th><th scope="col">Problem</th></tr></thead><tbody>${troubled.slice(0, MOST_ROWS).map(({ device, text }) => html`<tr><th scope="row">${link(device)}</th><td class="t2">${Prose({ text })}</td></tr>`)}</tbody></table>`}`,
  });
}

export function ErrorsByKind({ errors }: Pick<RolloutView, 'errors'>): VNode | null {
  if (errors.length === 0) return null;
  const bars = errors
    .slice(0, MOST_ROWS)
    .map((one) => ({ name: one.kind, count: one.count, note: one.where, isHot: one.where !== null }));
  const all = errors.reduce((sum, one) => sum + one.count, 0);
  return Card({
    id: 'kinds',
    title: 'Errors by kind',
    end: countText(all),
    children: html`<div class="body">${Bars({ bars, format: countText })}</div>`,
  });
}
