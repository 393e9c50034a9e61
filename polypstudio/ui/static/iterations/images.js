// Addresses of images, and images fetched and decoded ahead, so that scrubbing neither waits nor flickers.

const MOST_HELD = 1500; // images kept decoded; an older one comes back from the browser's own cache

export class Images {
  constructor(view) {
    this.view = view;
    this.held = new Map(); // address -> {image, shown}: the element, which keeps it in memory, and whether it can be shown
  }

  /** @returns {label, index, set, address, …} of a synthetic image, or null if the iteration has none there. */
  synthetic(position, label, index) {
    const iteration = this.view.iterations[position];
    const version = iteration.samples[label]?.[index];
    if (version === undefined) return null;
    const nearest = iteration.nearest?.[label]?.[index] ?? null;
    return { source: "synthetic", set: iteration.set, position, label, index, nearest, address: this.address(iteration.set, label, index, version) };
  }

  real(split, label, index) {
    const found = this.view.real[split]?.[label]?.[index];
    if (!found) return null;
    const set = `real/${split}`;
    return { source: "real", set, split, label, index, group: found[1], address: this.address(set, label, index, found[0]) };
  }

  /** Any image by its image set, as the map names it; null if the view does not hold it. */
  inSet(set, label, index) {
    if (set.startsWith("real/")) return this.real(set.slice(5), label, index);
    const position = this.view.iterations.findIndex((each) => each.set === set);
    return position < 0 ? null : this.synthetic(position, label, index);
  }

  address(set, label, index, version) {
    return `/study/${encodeURIComponent(this.view.study)}/image/${set}/${label}/${index}?v=${version}`;
  }

  /** Resolves to true when the image is decoded, to false if there is none. */
  load(address) {
    let entry = this.held.get(address);
    if (entry) {
      this.held.delete(address); // and back in, as the newest
    } else {
      const image = new Image();
      image.src = address;
      entry = { image, shown: image.decode().then(() => true, () => false) };
    }
    this.held.set(address, entry);
    if (this.held.size > MOST_HELD) this.held.delete(this.held.keys().next().value);
    return entry.shown;
  }

  loadAll(images) {
    return Promise.all(images.filter(Boolean).map((image) => this.load(image.address)));
  }
}

/** A few words that name an image, e.g. for a screen reader. */
export function describe(image, view) {
  const label = view.labels[image.label];
  if (image.source === "real") return `real ${label}, image ${image.index}, group ${image.group}`;
  return `synthetic ${label}, iteration ${view.iterations[image.position].iteration}, sample ${image.index}`;
}
