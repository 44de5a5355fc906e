// Uses the types that openapi-typescript made, by openapi-fetch: the same steps as use.py and use.go.
import createClient from "openapi-fetch";
import type { components, paths } from "./chatsvc";

const [, , baseUrl, token] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

function holds(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}

// What is sent again with its key is stored once.
const body: components["schemas"]["SendMessageRequest"] = {
  user_id: "typescript", channel: "web", content: { type: "text", text: "What are your hours?" },
};
const send = () => client.POST("/api/v2/chat/message", { body, params: { header: { "Idempotency-Key": "ts-1" } } });
const first = (await send()).data, again = (await send()).data;
holds(first !== undefined && again !== undefined, "sent");
holds(first.data.message_id === again.data.message_id, "stored once");
const conversation_id = first.data.conversation_id;
const transcript = await client.GET("/api/v2/chat/conversations/{conversation_id}/messages", { params: { path: { conversation_id } } });
holds(transcript.data?.data.items.filter((item) => item.role === "visitor").length === 1, "said once");

// A PATCH changes what it names.
const made = (await client.POST("/api/v2/contacts", { body: { name: "Mira", preferences: { color: "green" } } })).data?.data;
holds(made !== undefined, "made");
const path = { contact_id: made.id };
const changed = (await client.PATCH("/api/v2/contacts/{contact_id}", { params: { path }, body: { name: "Mira Braun" } })).data?.data;
holds(changed?.name === "Mira Braun" && changed.preferences["color"] === "green", "nothing else changed");

// Every page of a list, and nothing twice.
const seen: string[] = [];
let cursor: string | undefined;
do {
  const page = (await client.GET("/api/v2/contacts", { params: { query: { page_size: 1, cursor } } })).data?.data;
  holds(page !== undefined, "a page");
  seen.push(...page.items.map((item) => item.id));
  cursor = page.next_cursor ?? undefined;
} while (cursor !== undefined);
holds(seen.includes(made.id) && seen.length > 1 && new Set(seen).size === seen.length, "all pages");

// An error is decided by its code.
const missing = await client.GET("/api/v2/contacts/{contact_id}", { params: { path: { contact_id: crypto.randomUUID() } } });
holds(missing.error?.error.code === "contact_not_found", "the code");
console.log("done");
