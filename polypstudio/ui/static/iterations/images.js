// Addresses of images, and images fetched and decoded ahead, so that scrubbing neither waits nor flickers.

export class Images {
  constructor(view) {
    this.view = view;
    this.loaded = new Map(); // address -> promise of whether the image can be shown
    this.held = new Map(); // address -> the image element: keeps it in memory
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
    if (!this.loaded.has(address)) {
      const image = new Image();
      image.src = address;
      this.held.set(address, image);
      this.loaded.set(address, image.decode().then(() => true, () => false));
    }
    return this.loaded.get(address);
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
