/** How long the person may still be written to: a line that counts down. */
const MINUTE = 60_000;

/** Tells in ``line`` until the time ``until``, then calls ``closed`` once. Gives what ends it. */
export function countDown(line, until, closed) {
  let ticking = 0;
  const tick = () => {
    const left = until - Date.now();
    line.textContent = left > 0 ? `Reply window: ${span(left)} left` : "Reply window closed";
    line.classList.toggle("soon", left < 60 * MINUTE);
    if (left > 0) ticking = setTimeout(tick, Math.min(left, left < 5 * MINUTE ? 1000 : 30_000));
    else closed();
  };
  tick();
  return () => clearTimeout(ticking);
}

function span(ms) {
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 5) return `${minutes}:${String(Math.floor((ms % MINUTE) / 1000)).padStart(2, "0")} min`;
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}
