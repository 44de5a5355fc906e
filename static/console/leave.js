/**
 * The page after a logout: what members of staff have written and not sent leaves this browser with them, for the next
 * person may sit at the same computer. Colours, sound and the like stay: they belong to the browser.
 */
try {
  for (const key of Object.keys(localStorage)) if (key.startsWith("console:")) localStorage.removeItem(key);
  localStorage.setItem("console:left", String(Date.now())); // other windows of the console go, too (outbox.js)
} catch {
  // storage is switched off: nothing was kept
}
