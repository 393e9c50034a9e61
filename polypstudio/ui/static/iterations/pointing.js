// Which point of the map the pointer is on: the nearest one within reach. Plotly itself names any point whose marker is
// touched, and where markers cover each other that may be the neighbour of the one that is meant.

const REACH = 14; // px
const STILL = 4; // px: a pointer that moved less between down and up has clicked

/** Calls `hover(name, event)` with the name of the point under the pointer or null, and `click(name)`. */
export function listenToPointer(plot, { hover, click }) {
  let pressed = null;
  let last = null; // the newest move: one answer a frame is enough

  plot.addEventListener("pointermove", (event) => {
    if (!last) requestAnimationFrame(() => { answer(last); last = null; });
    last = event;
  });
  plot.addEventListener("pointerleave", (event) => hover(null, event));
  plot.addEventListener("pointerdown", (event) => { pressed = event; }, true);
  plot.addEventListener("pointerup", (event) => {
    const moved = pressed ? Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) : Infinity;
    const name = moved < STILL && event.button === 0 ? nearestPoint(plot, event) : null;
    if (name) click(name);
  }, true);

  function answer(event) {
    hover(event.buttons || !plot.matches(":hover") ? null : nearestPoint(plot, event), event);
  }
}

/** The name [set, class, index] of the nearest drawn point, or null; of two in one place, that which is drawn on top. */
function nearestPoint(plot, { clientX, clientY }) {
  const { xaxis, yaxis } = plot._fullLayout;
  const box = plot.getBoundingClientRect();
  const [x, y] = [clientX - box.left - xaxis._offset, clientY - box.top - yaxis._offset];
  if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) return null;
  let [least, found] = [REACH ** 2, null];
  for (const trace of plot.data) {
    for (let i = 0; i < trace.x.length; i++) {
      const distance = (xaxis.d2p(trace.x[i]) - x) ** 2 + (yaxis.d2p(trace.y[i]) - y) ** 2;
      if (distance <= least) [least, found] = [distance, trace.customdata[i]];
    }
  }
  return found;
}
