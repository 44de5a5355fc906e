/** Before anything is painted: the console's colours, as its other pages keep them, and that scripts run. */
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return JSON.parse(localStorage.getItem("adminTheme")) ?? "auto";
    } catch {
      return "auto"; // storage is switched off
    }
  };
  const paint = () => root.classList.toggle("dark", kept() === "dark" || (kept() === "auto" && dark.matches));
  root.classList.add("scripted");
  paint();
  dark.addEventListener("change", paint);
  addEventListener("storage", ({ key }) => key === "adminTheme" && paint());
  document.addEventListener("click", ({ target }) => {
    const chosen = target.closest?.("[data-theme]")?.dataset.theme;
    if (chosen) localStorage.setItem("adminTheme", JSON.stringify(chosen));
    if (chosen) paint();
  });
})();
