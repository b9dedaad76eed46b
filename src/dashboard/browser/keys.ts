// Owns the keyboard of the screen: `/` finds, `j` and `k` walk rows, `t` changes between chart and table, Escape closes.

function isTyping(target: EventTarget | null): target is HTMLElement {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Follows the link of a thing that a page says can be done: `close`, `table`. */
function act(name: string): boolean {
  const link = document.querySelector<HTMLElement>(`[data-act="${name}"]`);
  link?.click();
  return link !== null;
}

function walk(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? (by === 1 ? rows[0] : rows.at(-1)) : rows[at + by];
  next?.focus();
  return next !== undefined;
}

function find(): boolean {
  const field = document.querySelector<HTMLInputElement>('#find');
  field?.focus();
  field?.select();
  return field !== null;
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target)) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const acts: Readonly<Record<string, () => boolean>> = {
    '/': find,
    j: () => walk(1),
    k: () => walk(-1),
    t: () => act('table'),
    Escape: () => act('close'),
  };
  if (Object.hasOwn(acts, event.key) && acts[event.key]?.()) event.preventDefault();
}

export function listenToKeys(): void {
  document.addEventListener('keydown', onKey);
}
