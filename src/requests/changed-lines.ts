// Owns the lines of an edit, for people: those taken away and those that came.

/** The lines that changed, with a sign before each. */
export function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const taken = old.slice(start, old.length - end).map((line) => `- ${line}`);
  return [...taken, ...now.slice(start, now.length - end).map((line) => `+ ${line}`)];
}
