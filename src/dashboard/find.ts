// Owns finding a rollout, a device or a commit by what a person types.
import type { Found } from './pages/find-page.ts';
import type { DeviceView, Overview } from './read-model/types.generated.ts';

const MOST_FOUND = 30;

type Place = Found['places'][number];

function rolloutPlace(name: string): Place {
  return { href: `/rollouts/${encodeURIComponent(name)}`, name, kind: 'rollout' };
}

/** Exact names first; else all that have the text in theirs. */
export async function find(
  asked: string,
  overview: Overview,
  readDevice: (id: string) => Promise<DeviceView | undefined> | DeviceView | undefined,
): Promise<Found> {
  const text = asked.trim().slice(0, 200);
  const names = overview.rollouts.map(({ rollout }) => rollout);
  if (text === '') return { asked: text, places: [] };
  if (names.includes(text)) return { asked: text, places: [rolloutPlace(text)] };
  const device = await readDevice(text);
  if (device !== undefined)
    return { asked: text, places: [{ href: `/devices/${encodeURIComponent(text)}`, name: text, kind: 'device' }] };
  const near = names.filter((name) => name.toLowerCase().includes(text.toLowerCase())).map(rolloutPlace);
  return { asked: text, places: [...near, ...commitPlaces(text, overview)].slice(0, MOST_FOUND) };
}

/** Commits that moved a model lately, by the start of their name. */
function commitPlaces(text: string, { models, rollouts }: Overview): Place[] {
  if (!/^[0-9a-f]{4,64}$/i.test(text)) return [];
  const rolloutsOf = (model: string): string[] =>
    rollouts.filter((row) => row.model === model).map((row) => row.rollout);
  return models.flatMap(({ model, marks }) =>
    marks
      .filter(({ commit }) => commit.startsWith(text.toLowerCase()))
      .flatMap(({ commit, text: what }) =>
        rolloutsOf(model).map(
          (name): Place => ({
            href: `/rollouts/${encodeURIComponent(name)}?commit=${commit}`,
            name: `${name}: ${what}`,
            kind: 'commit',
          }),
        ),
      ),
  );
}
