/**
 * Documents are sent one by one as soon as they are chosen or dropped, each with its own line. What was not taken stays in the
 * page and can be sent again; the page asks before it is left while some are on their way.
 */
const form = document.querySelector("[data-upload]");
const input = form.querySelector("[type=file]");
const drop = form.querySelector("[data-drop]");
const report = document.querySelector("[data-report]");
const sum = document.querySelector("[data-sum]");
const waiting = [];
let busy = false;

drop.classList.add("scripted");
for (const part of form.querySelectorAll("[data-scripted]")) part.hidden = false;
for (const part of form.querySelectorAll("[data-scriptless]")) part.hidden = true;

input.addEventListener("change", () => {
  take(input.files);
  input.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const type of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", type === "dragover");
    if (type === "drop") take(event.dataTransfer.files);
  });
}
addEventListener("beforeunload", (event) => {
  if (busy) event.preventDefault();
});

function take(files) {
  for (const file of files) waiting.push({ file, line: lineOf(file) });
  next();
}

function lineOf(file) {
  const line = document.createElement("li");
  line.className = "lesson-document";
  line.innerHTML = '<span class="material-symbols-outlined" aria-hidden="true">hourglass_top</span><div><b></b><p></p></div>';
  line.querySelector("b").textContent = file.name;
  line.querySelector("p").textContent = "Waiting …";
  report.prepend(line);
  return line;
}

async function next() {
  if (busy) return;
  busy = true;
  for (let one = waiting.shift(); one; one = waiting.shift()) {
    one.line.querySelector("p").textContent = "Being read …";
    tell();
    await send(one);
  }
  busy = false;
  tell();
}

async function send({ file, line }) {
  const body = new FormData(form);
  body.delete("documents");
  body.append("documents", file);
  const answer = await fetch(location.pathname, { method: "POST", body, headers: { "X-Part": "report" } }).catch(() => null);
  const said = await answer?.text().catch(() => "");
  const plain = answer?.headers.get("Content-Type")?.startsWith("text/plain");
  if (answer?.ok && !answer.redirected && said) {
    const part = document.createElement("template");
    part.innerHTML = said.trim(); // of our own page, which has escaped it
    const told = part.content.firstElementChild;
    line.replaceWith(told);
    if (told.classList.contains("refused")) offer(told, file);
    return;
  }
  line.classList.add("refused");
  line.querySelector(".material-symbols-outlined").textContent = "error";
  line.querySelector("p").textContent = plain && said ? said : "It was not sent: the service did not answer as it should.";
  offer(line, file);
}

function offer(line, file) {
  const again = document.createElement("button");
  again.type = "button";
  again.className = "lesson-again";
  again.textContent = "Send again";
  again.addEventListener("click", () => {
    const fresh = lineOf(file);
    line.replaceWith(fresh);
    waiting.push({ file, line: fresh });
    next();
  });
  line.append(again);
}

function tell() {
  const refused = report.querySelectorAll(".refused").length;
  const taken = report.querySelectorAll(".taken").length;
  const left = waiting.length + (busy ? 1 : 0);
  sum.textContent = [left && `${left} on their way`, taken && `${taken} taken`, refused && `${refused} not taken`].filter(Boolean).join(", ");
}
