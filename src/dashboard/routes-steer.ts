// Owns steering by an HTML form: the first step shows the commit, the second makes it and leads back to the rollout.
import { randomUUID } from 'node:crypto';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Answer, Asked, Route } from '../fleet-api/http/route.ts';
import type { DeskAnswer } from '../requests/request-desk.ts';
import type { SteerFields, SteerPageValue } from './pages/steer.ts';
import { parseSteer, type Steer } from './parse-steer.ts';
import { type RequestRouteParts, statusOf, steerRollout } from './routes-requests.ts';

export interface SteerRouteParts extends RequestRouteParts {
  readonly showPage: (value: SteerPageValue, asked: Asked, status: number) => Promise<Answer>;
}

export function steerRoutes(parts: SteerRouteParts): Route[] {
  return [
    {
      ...{ name: 'steer', method: 'POST', path: '/rollouts/{name}/steer', scope: 'operate', bySession: true },
      ...{ request: { kind: 'form', schema: 'SteerForm', mostBytes: 65_536 }, response: 'page' },
      handle: (asked) => steer(parts, asked),
    },
  ];
}

type Form = Readonly<Record<string, string | undefined>>;

async function steer(parts: SteerRouteParts, asked: Asked): Promise<Answer> {
  const form = asked.body as Form;
  const rollout = asked.params.name ?? '';
  const fields = fieldsOf(form);
  try {
    const order = orderOf(rollout, fields);
    if (form.step === 'commit') return leadBack(rollout, await steerRollout(parts, asked, order));
    const answer = await steerRollout(parts, asked, { ...order, isDryRun: true });
    const head = answer.stand?.head ?? fields.head;
    const preview = { ...answer };
    return await parts.showPage({ rollout, fields: { ...fields, head }, preview, problem: null }, asked, 200);
  } catch (thrown) {
    const error = toCodedError(thrown);
    if (error.kind === 'bug') throw thrown;
    const problem = { code: error.code, message: error.message, remedy: error.remedy ?? null };
    return parts.showPage({ rollout, fields, preview: null, problem }, asked, statusOf(error));
  }
}

function fieldsOf(form: Form): SteerFields {
  const { choice = '', reason = '', group = '', version = '', stage = '', digest = '', head = '' } = form;
  return { choice, reason, group, version, stage, digest, head, key: form.key || randomUUID() };
}

function orderOf(rollout: string, fields: SteerFields): Steer {
  const [act = '', ...named] = fields.choice.split(' ');
  if (act === '')
    throw new CodedError({ code: 'REQUEST_FORM', message: 'Nothing was chosen.', remedy: 'Go back and choose.' });
  const takesGroup = act === 'abort' || act === 'promote';
  const group = named.length > 0 ? named.join(' ') : takesGroup ? fields.group : '';
  const version = act === 'set' || act === 'retry' ? fields.version.trim() : '';
  const to = act === 'undo' ? fields.version.trim() : '';
  const { reason, stage, digest, head: expectedHead, key } = fields;
  // What was rejected or ran before is not what the page is about.
  const seen = act === 'retry' || act === 'set' ? {} : { digest };
  return parseSteer(rollout, { act, group, version, to, reason, stage, expectedHead, ...seen }, key);
}

function leadBack(rollout: string, { commit, stand }: DeskAnswer): Answer {
  const asked = commit === null ? '' : `?asked=${commit}.${stand?.revision ?? 0}`;
  const Location = `/rollouts/${encodeURIComponent(rollout)}${asked}#steer`;
  return { kind: 'empty', status: 303, headers: { Location } };
}
