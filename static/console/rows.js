// Lists in the console's forms: rows are added, moved and removed. Without it each list ends in one empty row.

const words = { add: "Add", up: "Move up", remove: "Remove" };

function button(icon, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "structure-act";
  made.title = label;
  made.setAttribute("aria-label", label);
  const sign = document.createElement("span");
  sign.className = "material-symbols-outlined";
  sign.setAttribute("aria-hidden", "true");
  sign.textContent = icon;
  made.append(sign);
  made.addEventListener("click", act);
  return made;
}

const rowsOf = (list) => [...list.children].filter((child) => child.matches("[data-row]"));

function changed(list) {
  list.dispatchEvent(new Event("change", { bubbles: true }));
}

// The order of rows is the order of their numbers: two that change places change their numbers.
function renumber(row, list, to) {
  const from = row.dataset.number;
  const prefix = list.dataset.name;
  const former = `${prefix}-${from}-`;
  const next = `${prefix}-${to}-`;
  for (const part of row.querySelectorAll("[name], [id], [for], [data-name]")) rename(part, former, next);
  for (const inner of row.querySelectorAll("template")) {
    for (const part of inner.content.querySelectorAll("[name], [id], [for]")) rename(part, former, next);
  }
  row.dataset.number = to;
}

function rename(part, former, next) {
  for (const attribute of ["name", "id", "for", "data-name"]) {
    const held = part.getAttribute(attribute);
    if (held === null) continue;
    const id = attribute === "id" || attribute === "for" ? "id_" : "";
    if (held.startsWith(id + former)) part.setAttribute(attribute, id + next + held.slice((id + former).length));
  }
}

function equip(row, list) {
  const bar = document.createElement("div");
  bar.className = "structure-acts";
  bar.append(
    button("arrow_upward", words.up, () => {
      const before = row.previousElementSibling;
      if (!before?.matches("[data-row]")) return;
      const [mine, theirs] = [row.dataset.number, before.dataset.number];
      renumber(row, list, "moving");
      renumber(before, list, mine);
      renumber(row, list, theirs);
      before.before(row);
      changed(list);
    }),
    button("close", words.remove, () => {
      const next = row.nextElementSibling?.querySelector("input, textarea, select");
      row.remove();
      changed(list);
      (next ?? list.parentElement.querySelector(".structure-add"))?.focus();
    }),
  );
  row.append(bar);
  for (const inner of row.querySelectorAll(":scope [data-rows]")) if (inner.closest("[data-row]") === row) begin(inner);
}

function add(list, template, next) {
  const fresh = template.content.cloneNode(true);
  const row = fresh.firstElementChild;
  const slot = list.dataset.rows;
  const fill = (root) => {
    for (const part of root.querySelectorAll("*")) {
      for (const attribute of ["name", "id", "for"]) {
        const held = part.getAttribute(attribute);
        if (held?.includes(slot)) part.setAttribute(attribute, held.replaceAll(slot, next));
      }
      if (part.localName === "template") fill(part.content);
    }
  };
  fill(fresh);
  template.before(fresh);
  row.dataset.number = next;
  equip(row, list);
  row.querySelector("input, textarea, select")?.focus();
  changed(list);
}

// The name before the rows' numbers, as the template's first input has it.
function nameOf(list, template) {
  const named = template.content.querySelector("[name]");
  const deeper = named ?? [...template.content.querySelectorAll("template")].map((one) => one.content.querySelector("[name]"))[0];
  return deeper.getAttribute("name").split(`-${list.dataset.rows}`)[0];
}

function begin(list) {
  const template = list.querySelector(":scope > template");
  if (!template || list.dataset.name) return;
  list.dataset.name = nameOf(list, template);
  const rows = rowsOf(list);
  const disabled = list.querySelector(":scope > [data-row] :disabled") || template.content.querySelector(":disabled");
  rows.forEach((row, number) => {
    row.dataset.number = String(number);
  });
  if (disabled) return;
  rows.pop()?.remove(); // the empty one is for those without JavaScript
  let next = rows.length;
  for (const row of rows) equip(row, list);
  const more = button("add", words.add, () => add(list, template, String(next++)));
  more.classList.add("structure-add");
  more.append(words.add);
  list.after(more);
}

for (const list of document.querySelectorAll("[data-rows]")) if (!list.parentElement.closest("[data-row]")) begin(list);
