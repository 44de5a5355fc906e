/** One row of a list, filled from a `conv` frame (docs/agent-socket.md); in the words of messaging/admin/inbox/lists/rows.py. */
const MINUTE = 60_000;
const { icons: ICONS, expects: EXPECTS } = JSON.parse(document.querySelector("#inbox-words").textContent);

/** How long ago. */
export function age(since, at = Date.now()) {
  const minutes = Math.max(0, Math.floor((at - Date.parse(since)) / MINUTE));
  if (minutes < 60) return minutes ? `${minutes} min` : "now";
  return minutes < 24 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / (24 * 60))} d`;
}

function initials(name) {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const meant = words.length > 1 ? [words[0], words.at(-1)] : words;
  return meant.map((word) => [...word][0]).join("").toUpperCase() || "?";
}

/** The list that holds a conversation, for the member of staff `me`. */
export function viewOf(conv, me) {
  if (!conv.is_open) return "closed";
  if (conv.snoozed_until && Date.parse(conv.snoozed_until) > Date.now()) return "snoozed";
  if (conv.held_by === "queue") return "waiting";
  if (conv.held_by === "bot") return "bot";
  return conv.assignee?.id === me ? "mine" : "colleagues";
}

export function filled(row, conv, me) {
  const slot = (name) => row.querySelector(`[data-slot="${name}"]`);
  const owner = conv.assignee ? conv.assignee.full_name || conv.assignee.name : "";
  const view = viewOf(conv, me);
  const waits = conv.waiting_since && ["waiting", "mine", "colleagues"].includes(view);
  row.id = `row-${conv.conversation}`;
  Object.assign(row.dataset, {
    id: conv.conversation, view, version: conv.version, rank: conv.rank ?? 5, waiting: conv.waiting_since ?? "",
    last: conv.last_message_at ?? "", late: conv.late_at ?? "", snoozed: conv.snoozed_until ?? "", ended: conv.ended_at ?? "",
  });
  const face = row.querySelector(".inbox-face");
  face.className = `inbox-face kind-${conv.channel.kind}`;
  face.title = conv.channel.name;
  face.querySelector(".inbox-said").textContent = `${conv.channel.name}:`;
  slot("initials").textContent = initials(conv.name);
  slot("icon").textContent = ICONS[conv.channel.kind] ?? "chat";
  slot("name").textContent = conv.name;
  slot("preview").textContent = conv.preview || "–";
  row.querySelector("time").dateTime = (waits ? conv.waiting_since : conv.last_message_at) ?? "";
  row.querySelector(".inbox-failed").hidden = !conv.failed;
  const flagged = conv.flags?.length ? `Look at what was said: ${conv.flags.join(", ").replaceAll("_", " ")}` : "";
  const flag = row.querySelector(".inbox-flag");
  flag.hidden = !flagged;
  flag.title = flagged;
  flag.setAttribute("aria-label", flagged);
  slot("expects").textContent = EXPECTS[conv.expected_response_type] ?? "";
  slot("expects").hidden = !slot("expects").textContent;
  slot("priority").textContent = conv.priority[0].toUpperCase() + conv.priority.slice(1);
  slot("priority").className = `inbox-priority ${conv.priority}`;
  slot("priority").hidden = !["urgent", "high"].includes(conv.priority);
  row.querySelector(".inbox-labels").replaceChildren(...conv.labels.map(labelled));
  slot("owner").textContent = owner && initials(owner);
  slot("owner").parentNode.hidden = !owner;
  slot("owner").parentNode.title = owner;
  slot("owner").nextElementSibling.textContent = `${owner} answers`;
  slot("team").textContent = conv.team?.name ?? "";
  slot("team").hidden = !conv.team;
  slot("unread").textContent = conv.unread;
  slot("unread").nextElementSibling.textContent = `${conv.unread} unread`;
  slot("unread").parentNode.hidden = !conv.unread;
  row.classList.toggle("unread", conv.unread > 0);
  return row;
}

function labelled(label) {
  const shown = document.createElement("span");
  shown.className = `inbox-label ${label.color}`;
  shown.textContent = label.name;
  return shown;
}
