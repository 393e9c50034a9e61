// The maps of a study by alignment: the joint one comes with the view, the others when they are first asked for.

const NOTHING = { index: [], x: [], y: [] };

export class Maps {
  constructor(view) {
    this.view = view;
    this.loaded = new Map([["joint", view.map]]); // alignment -> its maps: one for all iterations, or one for each
    this.asked = new Map();
  }

  /** The map at a position among the iterations; null where there is none, or not yet. */
  at(alignment, position) {
    const { iteration } = this.view.iterations[position];
    return this.loaded.get(alignment)?.find((map) => map.iteration === null || map.iteration === iteration) ?? null;
  }

  isLoaded(alignment) {
    return this.loaded.has(alignment);
  }

  /** Resolves when the maps of an alignment are there; one that cannot be had has none. */
  load(alignment) {
    if (!this.asked.has(alignment)) this.asked.set(alignment, this.fetch(alignment));
    return this.asked.get(alignment);
  }

  async fetch(alignment) {
    const query = new URLSearchParams({ encoder: this.view.encoder ?? "" });
    try {
      const answer = await fetch(`/study/${encodeURIComponent(this.view.study)}/map/${alignment}?${query}`);
      this.loaded.set(alignment, answer.ok ? await answer.json() : []);
    } catch {
      this.loaded.set(alignment, []);
    }
  }
}

/** The points of one class of one image set: parallel lists of index, x and y. */
export function pointsOf(map, set, label) {
  return map?.sets[set]?.[label] ?? NOTHING;
}

/** Ranges of both axes that hold all points, with a margin so that none touches the edge. */
export function rangesOf(map, margin = 0.06) {
  const points = Object.values(map?.sets ?? {}).flatMap((classes) => Object.values(classes));
  const range = (name) => {
    let [low, high] = [Infinity, -Infinity];
    for (const each of points) for (const value of each[name]) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const pad = margin * (high - low || 1);
    return low > high ? [0, 1] : [low - pad, high + pad];
  };
  return { x: range("x"), y: range("y") };
}
