// The picture, or the two of a pair: zoom, move, brightness. All are allowed, apply to both pictures alike, and are logged.

const ZOOMS = { least: 1, most: 8, step: 1.25 };
const LIGHTS = { least: 0.4, most: 2.5, step: 1.15 };

function makeView(stage) {
  const frames = stage.querySelector(".frames");
  const fingers = new Map();     // pointer id -> its place
  let zoom = 1, largest = 1, light = 1, x = 0, y = 0, spread = 0;

  const within = (value, { least, most }) => Math.min(most, Math.max(least, value));

  function draw() {
    const room = (zoom - 1) / (2 * zoom);  // how far the picture can move until its edge is in the middle of nowhere
    x = Math.min(room, Math.max(-room, x));
    y = Math.min(room, Math.max(-room, y));
    for (const picture of frames.querySelectorAll("img")) {
      picture.style.transform = zoom === 1 ? "" : `scale(${zoom}) translate(${100 * x}%, ${100 * y}%)`;
      picture.style.filter = light === 1 ? "" : `brightness(${light})`;
    }
    stage.classList.toggle("zoomed", zoom > 1);
  }

  function zoomTo(value) {
    zoom = within(Math.abs(value - 1) < 0.02 ? 1 : value, ZOOMS);
    largest = Math.max(largest, zoom);
    draw();
  }

  function lightTo(value) {
    light = within(Math.abs(value - 1) < 0.02 ? 1 : value, LIGHTS);
    draw();
  }

  const tools = {
    "zoom-in": () => zoomTo(zoom * ZOOMS.step),
    "zoom-out": () => zoomTo(zoom / ZOOMS.step),
    brighter: () => lightTo(light * LIGHTS.step),
    darker: () => lightTo(light / LIGHTS.step),
  };

  const distance = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.x - b.x, a.y - b.y);
  };

  frames.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomTo(zoom * ZOOMS.step ** (-event.deltaY / 100));
  }, { passive: false });
  frames.addEventListener("dblclick", () => zoomTo(zoom > 1 ? 1 : 2));
  frames.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    frames.setPointerCapture(event.pointerId);
    if (fingers.size === 2) spread = distance();
  });
  frames.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 2) {
      const now = distance();
      zoomTo(zoom * now / spread);
      spread = now;
    } else if (zoom > 1) {
      const side = frames.querySelector("img").clientWidth * zoom;
      x += (event.clientX - before.x) / side;
      y += (event.clientY - before.y) / side;
      draw();
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    frames.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }

  return {
    tool: (name) => tools[name](),
    log: () => ({ zoom: Number(largest.toFixed(2)), brightness: Number(light.toFixed(2)) }),
    arrange(pictures) {          // so many pictures side by side
      frames.innerHTML = Array.from({ length: pictures }, () => '<div class="frame"><img alt="" draggable="false"></div>').join("");
      stage.classList.toggle("pair", pictures === 2);
    },
    async show(urls) {           // the brightness stays as it was set: it fits the room, not the picture
      zoom = 1; largest = 1; x = 0; y = 0;
      draw();
      const pictures = [...frames.querySelectorAll("img")];
      pictures.forEach((picture, i) => { picture.src = urls[i]; });
      await Promise.all(pictures.map((picture) => picture.decode()));
    },
    ready(yes, alt) {
      for (const picture of frames.querySelectorAll("img")) {
        picture.dataset.ready = String(yes);
        if (alt) picture.alt = alt;
      }
    },
  };
}
