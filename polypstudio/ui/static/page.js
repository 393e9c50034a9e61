// Light or dark: as the system says, until the visitor chooses; the choice is kept for the next visit.
(() => {
  const KEY = "polypstudio-theme";

  function kept(theme) {
    try {
      if (theme) localStorage.setItem(KEY, theme);
      return localStorage.getItem(KEY);
    } catch {
      return theme ?? null; // storage is refused in some embedded pages: then it holds for this page only
    }
  }

  const chosen = kept();
  if (chosen) document.body.classList.toggle("dark", chosen === "dark");

  window.polypstudio = {
    switchTheme: () => kept(document.body.classList.toggle("dark") ? "dark" : "light"),
  };
})();
