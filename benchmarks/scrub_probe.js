// Injected into the page: how long one trusted key takes until what it asked for is on the screen.
// The end is the second animation frame after all shown images are decoded, with the map and the matrix drawn.

window.scrub = (() => {
  const frames = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const shownImages = () => [...document.querySelectorAll(".ps-samples img")].filter((image) => image.offsetParent);

  async function settled() {
    await Promise.all(shownImages().map((image) => image.decode()));
    await frames();
  }

  /** The set that each part shows: they must agree, or the key is not answered yet. */
  function parts() {
    const host = document.querySelector(".ps-iterations");
    return [
      host.dataset.a,
      String(Number(document.querySelector(".ps-map-plot").dataset.set?.split("/")[1])),
      document.querySelector(".ps-matrix h3").textContent.match(/\d+/)?.[0],
      document.querySelector(".ps-pane h3").textContent.match(/\d+/)?.[0],
    ];
  }

  let painted = null;

  /** Notes when all of the tab is first painted: its parts drawn, the images of the samples decoded. */
  async function awaitPainted() {
    while (!document.querySelector(".ps-iterations[data-a]") || !document.querySelector(".ps-map-plot[data-set]")) {
      await new Promise(requestAnimationFrame);
    }
    await settled();
    painted = performance.now();
  }
  awaitPainted();

  let answer = null;

  function watchKey(event) {
    if (!event.isTrusted || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const host = document.querySelector(".ps-iterations");
    const plot = document.querySelector(".ps-map-plot");
    answer = new Promise((resolve) => {
      let drawn = false;
      plot.once("plotly_afterplot", () => { drawn = true; });
      const observer = new MutationObserver(async () => {
        observer.disconnect();
        await settled();
        if (!drawn || new Set(parts()).size !== 1) throw new Error(`not all parts are drawn: ${parts()}`);
        resolve(performance.now() - event.timeStamp);
      });
      observer.observe(host, { attributes: true, attributeFilter: ["data-a"] });
    });
  }
  document.addEventListener("keydown", watchKey, true);

  /** Address and sha256 of the pixels of each image that is on the screen, as decoded for it. */
  async function pixelHashes() {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const found = [];
    for (const image of shownImages()) {
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
      found.push([new URL(image.src).pathname, [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")]);
    }
    return found;
  }

  return { answer: () => answer, pixelHashes, painted: () => painted };
})();
