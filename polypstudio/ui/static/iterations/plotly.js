// The plotly.js that the plotly package carries. It starts to load with the page, so that the map waits for nothing else.

import { h } from "./dom.js";

const PLOTLY = "/polypstudio/plotly/plotly.min.js";

export const plotlyLoaded = new Promise((resolve, reject) => {
  const failed = () => reject(new Error(`${PLOTLY} did not load`));
  document.head.append(h("script", { src: PLOTLY, onload: () => resolve(window.Plotly), onerror: failed }));
});
