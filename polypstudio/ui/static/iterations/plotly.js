// The plotly.js that the plotly package carries. The page's head asks for it (ui/studio.py): it takes the browser most of a
// second to run, while the page waits for other things.

const script = document.getElementById("plotly");

export const plotlyLoaded = new Promise((resolve, reject) => {
  if (window.Plotly) resolve(window.Plotly);
  script.addEventListener("load", () => resolve(window.Plotly));
  script.addEventListener("error", () => reject(new Error(`${script.src} did not load`)));
});
