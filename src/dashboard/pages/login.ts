// Owns the page by which people log in: a plain form, which works without a script.
import { html } from 'htm/preact';
import type { VNode } from 'preact';
import type { LoginView } from '../../fleet-api/http/login-routes.ts';
import type { PageProps } from './page-data.ts';

export function loginTitle(): string {
  return 'Log in';
}

export function Login({ value }: PageProps<LoginView>): VNode {
  const { next, problem, person, provider } = value;
  return html`<section class="card login" aria-labelledby="h-login">
    <header><h1 id="h-login">Log in</h1></header>
    <div class="body steer">
      ${problem === null ? null : html`<${Refusal} ...${problem} />`}
      ${person === null ? null : html`<${LoggedIn} ...${person} next=${next} />`}
      ${provider === null ? null : html`<a class="btn first" href=${`/login/oidc?next=${encodeURIComponent(next)}`}>Log in with ${provider}</a>`}
      <form class="steer" method="post" action="/login">
        <input type="hidden" name="next" value=${next} />
        <div class="field">
          <label for="token">Token</label>
          <input class="sel" id="token" name="token" type="password" autocomplete="current-password" required maxlength="512" spellcheck=${false} autofocus=${provider === null} />
        </div>
        <button class=${provider === null ? 'btn first' : 'btn'} type="submit">Log in</button>
        <p class="note">The scope view opens the screen, operate its buttons. <code>slipway token create --name alice --scope view,operate</code> makes a token; commits of the buttons are in its name.</p>
      </form>
    </div>
  </section>`;
}

function Refusal({ code, message, remedy }: NonNullable<LoginView['problem']>): VNode {
  return html`<div class="banner bad-b" role="alert"><span><b>${message}</b> ${remedy} <code>${code}</code></span></div>`;
}

function LoggedIn({ name, scopes, next }: NonNullable<LoginView['person']> & { readonly next: string }): VNode {
  return html`<form method="post" action="/logout" class="steer">
    <p>You are logged in as <b><bdi>${name}</bdi></b> (${scopes.join(', ')}). <a href=${next}>Go on</a></p>
    <button class="btn" type="submit">Log out</button>
  </form>`;
}
