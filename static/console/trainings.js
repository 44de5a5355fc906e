// The list of trainings: how far those are that were asked for, until they have ended.
const LOOK_MS = 1500;

async function look(panel) {
  const answer = await fetch(panel.dataset.trainings, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  for (const run of (await answer.json()).runs) {
    const place = panel.querySelector(`[data-run="${run.id}"]`);
    if (!place || !("open" in place.dataset)) continue;
    if (!run.open) return location.reload(); // with the version that came of it
    place.querySelector("progress").value = run.percent;
    place.querySelector("[data-words]").textContent = run.words;
  }
}

for (const panel of document.querySelectorAll("[data-trainings]")) {
  if (!panel.querySelector("[data-open]")) continue;
  setInterval(() => document.hidden || look(panel).catch(() => {}), LOOK_MS);
}
